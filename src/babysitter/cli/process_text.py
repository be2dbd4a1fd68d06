"""A review of a process as text: the worst first, and what was not checked never left out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from babysitter.cli.plain import plain
from babysitter.cli.terminal import style

if TYPE_CHECKING:
    from babysitter.model.findings import Finding
    from babysitter.scanners.process_tasks import FoundTask
    from babysitter.service.process_review import ReviewView

_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "white"}
_GRANTS = (
    ("network", "network"),
    ("write", "writes"),
    ("read", "reads"),
    ("env", "variables"),
    ("devices", "devices"),
)
_FILES_SHOWN = 40


def review_text(found: "ReviewView") -> str:
    """Return all of a review."""
    parts = [
        _head(found),
        list(summary(found)),
        list(_findings(found)),
        list(_checked(found)),
        list(_change(found)),
        [_verdict(found)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _head(found: "ReviewView") -> list[str]:
    lines = sum(file.lines for file in found.files)
    count = len(found.files)
    head = (
        f"{plain(found.entry)}: {count} file{'s' if count > 1 else ''}, {lines} lines, digest {found.digest}"
    )
    shown = [f"  {file.sha256[:12]}  {file.lines:>5} lines  {plain(file.path)}" for file in found.files]
    more = [f"  and {count - _FILES_SHOWN} more files"] if count > _FILES_SHOWN else []
    outside = (
        f"  not in the digest: {', '.join(map(plain, found.packages))} (installed)" if found.packages else ""
    )
    rest = "  not in the digest: data files, and programs of the workspace that tasks start"
    return [style(head, bold=True), *shown[:_FILES_SHOWN], *more, *([outside] if outside else []), rest]


def summary(found: "ReviewView") -> Iterator[str]:
    """Yield what a process may do, a line a task."""
    yield style("What it may do", bold=True)
    if not found.confined:
        yield style("  its tasks are NOT CONFINED: the settings say sandbox mode none", fg="red", bold=True)
    if not found.tasks:
        yield "  no tasks"
    for task in found.tasks:
        yield from _task(task)
    for secret in found.secrets:
        yield f"  secret {plain(secret.ref)}  ({plain(secret.path)}:{secret.line})"


def _task(task: "FoundTask") -> Iterator[str]:
    marks = [plain(task.environment.upper())] if task.environment else []
    marks += [mark for mark, is_so in (("CRITICAL", task.critical), ("idempotent", task.idempotent)) if is_so]
    if task.kind == "inline":
        marks.append(style("runs in the driver, not confined", fg="yellow"))
    yield "  ".join([f"  {plain(task.task_id)}", f"({task.kind}, {plain(task.path)}:{task.line})", *marks])
    for name, word in _GRANTS:
        if granted := getattr(task, name):
            yield f"      {word}: " + style(plain(", ".join(granted)), fg="yellow")
    if task.takes_secrets:
        yield "      takes secrets"
    if task.script:
        yield f"      script: {plain(task.script)}"
    for text in task.unknown:
        yield "      " + style(f"can't be read from the code: {plain(text)}", fg="yellow")


def _findings(found: "ReviewView") -> Iterator[str]:
    for each in found.scan.findings:
        yield from finding_lines(each)


def finding_lines(each: "Finding") -> Iterator[str]:
    """Yield a finding: where, what, what to do."""
    where = f"{each.path}:{each.span.line}" if each.span else each.path
    word = style(
        f"{each.severity:<8}", fg=_COLOURS[each.severity], bold=each.severity in ("critical", "high")
    )
    yield f"{word} {plain(where)}  {each.tool}:{each.rule}"
    yield f"         {plain(each.message)}"
    if each.fix:
        yield f"         fix: {plain(each.fix)}"


def _checked(found: "ReviewView") -> Iterator[str]:
    for run in found.scan.tools:
        name = f"{run.tool} {run.version}".strip()
        if run.state == "passed":
            count = sum(each.tool == run.tool for each in found.scan.findings)
            found_text = "1 finding" if count == 1 else f"{count or 'no'} findings"
            unit = run.unit.removesuffix("s") if run.examined == 1 else run.unit
            yield f"checked by {name}: {run.examined} {unit}, {found_text}"
        else:
            yield style(f"NOT CHECKED by {name} ({run.state}): {plain(run.why)} {plain(run.fix)}", fg="red")
    if not any(run.tool == "bandit" for run in found.scan.tools):
        yield style("NOT CHECKED by bandit: it was left out (--no-bandit)", fg="yellow")


def _change(found: "ReviewView") -> Iterator[str]:
    change = found.change
    if change is None:
        return
    yield style(f"Changed since {plain(change.by)} trusted it ({change.method}, {change.at[:19]})", bold=True)
    for line in change.diff.split("\n"):
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        yield style(plain(line), fg=colour) if colour else plain(line)
    if change.left_out:
        yield f"… and {change.left_out} lines more"


def _verdict(found: "ReviewView") -> str:
    if found.trusted is not None:
        by = ", ".join(map(str, found.trusted["by"] if isinstance(found.trusted["by"], tuple | list) else ()))
        return style(f"Trusted ({found.trusted['method']}) by {plain(by)}: it may run.", fg="green")
    return (
        style(f"Not trusted: {plain(found.why_not)}", fg="yellow")
        + f"\nTrust it with: babysitter process trust {plain(found.entry)} [--key KEY]"
    )
