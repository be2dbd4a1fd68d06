"""``shown.md``: exactly what an approver is shown, as one document whose digest the journal holds.

Everything in it is masked already, and nothing in it hides: characters that reorder, vanish or
pass for others are written out. The same facts give the same bytes: ``shown.json`` keeps the
facts beside it, so that the approver's own side can make the document again and compare,
instead of believing what it is given.
"""

from collections.abc import Mapping

import msgspec
import orjson
from msgspec import Struct

from babysitter.changes.visible import decoded, visible
from babysitter.model.changes import ChangesScan, Difference
from babysitter.model.errors import InvalidValueError, SignatureError
from babysitter.model.events import BlobRef, BreakpointRequested, ShownChanges
from babysitter.model.rules import ANYBODY
from babysitter.model.values import Json, canonical_json, sha256_hex
from babysitter.service.shown_changes import changes_parts, fenced, scan_parts, tests_parts, without_report

SHOWN_BYTES_MAX = 256 * 1024
VALUES_CHARS_MAX = 1_000_000
SHOWN_FORMAT = 2
_GRANTED = {
    "devices": "It gets devices",
    "env": "It gets variables",
    "network": "It may reach",
    "read": "It may read",
    "write": "It may write",
}
GRANTS = tuple(_GRANTED)
"""The grants of a sandbox that a question tells of."""


class ShownFile(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A file that is part of the question: the name the author gave it, and where the run keeps it."""

    name: str
    ref: BlobRef


class ShownCall(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A call that an approval lets through, with its masked arguments.

    grants: what its sandbox gives beyond the least, by the name of the grant; nothing where it gives none.
    """

    task_id: str
    environment: str | None = None
    critical: bool = False
    args: Json
    args_sha256: str
    sandbox_sha256: str | None = None
    grants: dict[str, tuple[str, ...]] = {}


class Shown(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What an approver is shown, masked. ``quorum`` of ``eligible`` decide, by ``rule``."""

    format: int = SHOWN_FORMAT
    run_id: str
    title: str
    question: str
    context: Json = None
    calls: tuple[ShownCall, ...] = ()
    files: tuple[ShownFile, ...] = ()
    findings: Json = None
    changes: Difference | None = None
    scan: ChangesScan | None = None
    rule: str
    quorum: int
    eligible: tuple[str, ...]
    expires_at: str | None = None


def render_shown(shown: Shown, contents: Mapping[str, bytes]) -> str:
    """Return the document: title and question, then what speaks against a yes, then all the rest.

    Findings on changed lines, context, what an approval lets through, findings as rules count them, the
    difference, files, and who decides.

    Args:
        shown: the facts.
        contents: the bytes of its files, by the path that the run keeps them at.
    """
    parts = [f"# {shown.title or 'Breakpoint'}", shown.question, f"Run: {shown.run_id}"]
    if shown.scan is not None:
        parts += scan_parts(shown.scan)
    parts += tests_parts(shown.findings)
    if shown.context not in (None, {}):
        parts += ["## Context", fenced(_pretty(shown.context), "json")]
    parts += _calls_parts(shown.calls)
    if shown.findings is not None:
        # The lines of a report of tests stand above, as lines.
        parts += ["## Findings", fenced(_pretty(without_report(shown.findings)), "json")]
    if shown.changes is not None:
        parts += changes_parts(shown.changes, contents[shown.changes.patch.path])
    for file in shown.files:
        language = "diff" if file.name.endswith((".diff", ".patch")) else ""
        parts += [f"## File {file.name}", fenced(_text(contents[file.ref.path]), language)]
    who = "anybody who can answer" if ANYBODY in shown.eligible else ", ".join(shown.eligible) or "nobody"
    parts += ["## Who decides", f"Rule {shown.rule}: {shown.quorum} of {who}."]
    if shown.expires_at is not None:
        parts.append(f"No answer before {shown.expires_at} means no.")
    return visible("\n\n".join(parts) + "\n")


def _calls_parts(calls: tuple[ShownCall, ...]) -> list[str]:
    parts = ["## An approval lets through, once each"] if calls else []
    for call in calls:
        marks = [mark for mark in (call.environment, "critical" if call.critical else None) if mark]
        where = f" ({', '.join(marks)})" if marks else ""
        parts += [
            f"### {call.task_id}{where}",
            f"Arguments, SHA-256 {call.args_sha256}:",
            fenced(_pretty(call.args), "json"),
        ]
        if call.sandbox_sha256 is not None:
            parts.append(f"Sandbox, SHA-256 {call.sandbox_sha256}.")
            parts += [f"{_GRANTED[name]}: {', '.join(call.grants[name])}." for name in sorted(call.grants)]
    return parts


def facts_bytes(shown: Shown) -> bytes:
    """Return what ``shown.json`` holds."""
    return msgspec.json.encode(shown)


def check_shown(
    asked: BreakpointRequested, run_id: str, document: bytes, facts: bytes, contents: Mapping[str, bytes]
) -> Shown:
    """Make the document again from its facts, hold all of it against the journal's line, return the facts.

    Args:
        asked: the line.
        run_id: whose run it is.
        document: the bytes of ``shown.md``.
        facts: the bytes of ``shown.json``.
        contents: of the files that the line names, by path.

    Raises:
        SignatureError: anything differs from what the journal says (``reason`` "shown").
    """
    if sha256_hex(document) != asked.shown_sha256:
        raise _differs("shown.md is not the document whose digest the journal holds")
    for ref in asked.files:
        if sha256_hex(contents[ref.path]) != ref.sha256:
            raise _differs(f"{ref.path} is not the file whose digest the journal holds")
    try:
        shown = msgspec.json.decode(facts, type=Shown)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _differs(f"shown.json does not read as what was shown: {error}") from None
    _check_facts(asked, run_id, shown)
    if render_shown(shown, contents).encode() != document:
        raise _differs("shown.md is not what its own facts make")
    return shown


def _check_facts(asked: BreakpointRequested, run_id: str, shown: Shown) -> None:
    stated: tuple[tuple[str, object, object], ...] = (
        ("format", shown.format, asked.shown_format),
        ("run", shown.run_id, run_id),
        ("question", shown.question, asked.question),
        ("title", shown.title, asked.title),
        ("context", shown.context, asked.context),
        ("rule", shown.rule, asked.rule),
        ("quorum", shown.quorum, asked.quorum),
        ("people", shown.eligible, asked.eligible),
        ("findings", shown.findings, asked.findings),
        ("time", shown.expires_at, asked.expires_at),
        ("list of files", _named(shown) - set(asked.files), set()),
        ("state of the workspace", _between(shown.changes), _between(asked.changes)),
    )
    for what, here, there in stated:
        if here != there:
            raise _differs(f"what was shown has another {what} than the journal")
    calls = [(call.task_id, call.args_sha256, call.sandbox_sha256) for call in shown.calls]
    if calls != [(ref.task_id, ref.args_sha256, ref.sandbox_sha256) for ref in asked.approves]:
        raise _differs("what was shown lists other calls than the journal")
    for call in shown.calls:
        if sha256_hex(canonical_json(call.args)) != call.args_sha256:
            raise _differs(f"the arguments of {call.task_id} that were shown do not have their digest")


def _named(shown: Shown) -> set[BlobRef]:
    named = {file.ref for file in shown.files}
    return named if shown.changes is None else named | {shown.changes.patch}


def _between(changes: Difference | ShownChanges | None) -> tuple[str, ...] | None:
    return None if changes is None else (changes.since, changes.from_tree, changes.tree)


def _differs(what: str) -> SignatureError:
    return SignatureError(
        f"{what}, so nothing may be signed over it.",
        hint="Somebody or something changed the run after it asked. Check it with: babysitter journal verify",
        reason="shown",
    )


def check_readable(shown: Shown) -> None:
    """Refuse a question whose values no person reads: over several lines, JSON may grow a hundredfold.

    Raises:
        InvalidValueError: what they take would be more than ``VALUES_CHARS_MAX``.
    """
    chars = sum(_indented_chars(each) for each in (shown.context, *(call.args for call in shown.calls)))
    if chars > VALUES_CHARS_MAX:
        raise InvalidValueError(
            f"the context and arguments of a question take {chars} characters over several lines, "
            f"and {VALUES_CHARS_MAX} are read at most.",
            hint="Keep large data in a file and list it, or ask about a summary.",
            path="$",
        )


def _indented_chars(value: Json, depth: int = 0) -> int:
    """Return about how long a value is over several lines, without making it so."""
    indent = 2 * depth + 2
    if isinstance(value, dict):
        return indent + sum(len(name) + 4 + _indented_chars(each, depth + 1) for name, each in value.items())
    if isinstance(value, list | tuple):
        return indent + sum(_indented_chars(each, depth + 1) for each in value)
    return indent + (len(value) if isinstance(value, str) else 4)


def _pretty(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _text(content: bytes) -> str:
    if len(content) > SHOWN_BYTES_MAX:
        return f"(too large to show: {len(content)} bytes)"
    if b"\0" in content:
        return f"(binary: {len(content)} bytes)"
    return decoded(content)
