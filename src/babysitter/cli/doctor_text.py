"""What doctor found, as text: what is to be done first, each with a command to paste."""

import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from babysitter.cli.plain import plain
from babysitter.cli.terminal import columns, style

if TYPE_CHECKING:
    from babysitter.service.doctor.examining import CheckView, Diagnosis

_HEADS = {
    "problem": ("TO DO", "red"),
    "could-not-check": ("COULD NOT BE CHECKED", "yellow"),
    "accepted": ("ACCEPTED", "cyan"),
    "note": ("WORTH KNOWING", "cyan"),
    "ok": ("FINE", "green"),
    "not-applicable": ("DOES NOT APPLY HERE", "white"),
}
_SEVERITY = {"critical": "red", "high": "red", "medium": "yellow", "low": "cyan"}
_TOLD_IN_A_LINE = ("ok", "not-applicable")
_INDENT = " " * 10


def diagnosis_text(diagnosis: "Diagnosis", *, everything: bool = False) -> str:
    """Return the whole as text; what is fine, and what does not apply, only where it is asked for."""
    width = min(columns(), 100)
    lines = [style(f"babysitter {diagnosis.version} doctor", bold=True) + f"  {plain(diagnosis.root)}", ""]
    if Path(diagnosis.root) != Path.cwd():
        lines += [f"The commands below are for that folder: cd {shlex.quote(plain(diagnosis.root))}", ""]
    lines += _fixed(diagnosis)
    for state, (title, colour) in _HEADS.items():
        views = [view for view in diagnosis.checks if view.state == state]
        if not views or (state in _TOLD_IN_A_LINE and not everything):
            continue
        lines.append(style(f"{title} ({len(views)})", fg=colour, bold=True))
        if state in _TOLD_IN_A_LINE:
            lines += [line for view in views for line in _line(view, width)] + [""]
        else:
            lines += [line for alike in _alike(views) for line in _block(alike, width)]
    return "\n".join([*lines, *_end(diagnosis, everything=everything)])


def _fixed(diagnosis: "Diagnosis") -> list[str]:
    if not diagnosis.fixed:
        return []
    lines = [style("FIXED", fg="green", bold=True)]
    for check_id, done in diagnosis.fixed.items():
        lines += [f"  {check_id}", *(f"{_INDENT}{plain(text)}" for text in done[:20])]
        if len(done) > 20:
            lines.append(f"{_INDENT}and {len(done) - 20} more")
    return [*lines, ""]


def _alike(views: "list[CheckView]") -> "list[list[CheckView]]":
    """Return the checks by what they have to tell: one cause is told once."""
    found: dict[tuple[str, str], list[CheckView]] = {}
    for view in views:
        found.setdefault((view.found, view.command), []).append(view)
    return list(found.values())


def _block(views: "list[CheckView]", width: int) -> list[str]:
    view = views[0]
    word = view.severity if view.state == "problem" else ""
    head = f"  {word:<8}" if view.state == "problem" else "  - "
    indent = _INDENT if view.state == "problem" else "    "
    lines = [
        style(head, fg=_SEVERITY[view.severity], bold=True) + _first(_sentence(view.found), indent, width),
        *_rest(_sentence(view.found), indent, width),
    ]
    if view.state in ("problem", "could-not-check"):
        reasons = dict.fromkeys(each.why for each in views) if len(views) < 4 else ()
        for why in reasons:
            lines += _wrapped(f"why: {why}", indent, width, dim=True)
    if view.fix:
        lines += _wrapped(plain(view.fix), indent, width)
    if view.command:
        lines.append(f"{indent}  {style('$ ' + plain(view.command), bold=True)}")
    fixable = "  --fix does it" if view.fixable else ""
    names = (
        [f"{each.id}  {each.promise}" for each in views] if len(views) == 1 else [each.id for each in views]
    )
    return [*lines, *_wrapped(", ".join(names) + fixable, indent, width, dim=True), ""]


def _line(view: "CheckView", width: int) -> list[str]:
    text = f"{view.id}: {plain(view.found)}"
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="      ", break_long_words=False)


def _sentence(text: str) -> str:
    text = plain(text)
    first = text.split(" ")[0]
    # Names of programs and files keep their first letter.
    is_word = first.rstrip(":,").isalpha() and first != "git"
    return (text[:1].upper() + text[1:] if is_word else text) + (
        "" if text.endswith((".", "!", "?")) else "."
    )


def _first(text: str, indent: str, width: int) -> str:
    return _wrapped(text, indent, width)[0].removeprefix(indent)


def _rest(text: str, indent: str, width: int) -> list[str]:
    return _wrapped(text, indent, width)[1:]


def _wrapped(text: str, indent: str, width: int, *, dim: bool = False) -> list[str]:
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [style(line, dim=True) if dim else line for line in lines] or [indent]


def _end(diagnosis: "Diagnosis", *, everything: bool) -> list[str]:
    counts = diagnosis.counts
    accepted = [f"{counts['accepted']} accepted"] if counts["accepted"] else []
    told = [
        style(f"{counts['problem']} to do", fg="red" if counts["problem"] else "green", bold=True),
        f"{counts['could-not-check']} could not be checked",
        *accepted,
        f"{counts['note']} worth knowing",
        f"{counts['ok']} fine",
        f"{counts['not-applicable']} do not apply here",
    ]
    lines = [", ".join(told) + "."]
    fixable = sum(view.fixable for view in diagnosis.checks)
    if fixable:
        lines.append(f"babysitter doctor --fix  mends {fixable} of them; it deletes nothing.")
    if not everything:
        lines.append(style("babysitter doctor --all  shows what is fine, too.", dim=True))
    return lines
