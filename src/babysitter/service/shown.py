"""``shown.md``: exactly what an approver is shown, as one document whose digest the journal holds.

Everything in it is masked already. The same facts give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from babysitter.model.effects import TaskSpec
from babysitter.model.events import BlobRef
from babysitter.model.values import Json
from babysitter.policy.rules import ANYBODY, Rule

SHOWN_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """A file that is part of the question; ``ref`` when it is kept in the run under its own digest."""

    path: str
    content: bytes
    ref: BlobRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an approver is shown, masked. ``calls``: (task, arguments, digest) that an approval covers."""

    question: str
    title: str
    context: Json
    run_id: str
    rule: Rule
    calls: Sequence[tuple[TaskSpec, Json, str]]
    files: Sequence[ShownFile]


def render_shown(shown: Shown) -> str:
    """Return the document: title, question, context, what an approval lets through, files, rule."""
    parts = [f"# {shown.title or 'Breakpoint'}", shown.question, f"Run: {shown.run_id}"]
    if shown.context not in (None, {}):
        parts += ["## Context", _fenced(_pretty(shown.context), "json")]
    if shown.calls:
        parts.append("## An approval lets through, once each")
        for spec, value, digest in shown.calls:
            marks = [mark for mark in (spec.environment, "critical" if spec.critical else None) if mark]
            where = f" ({', '.join(marks)})" if marks else ""
            parts += [
                f"### {spec.task_id}{where}",
                f"Arguments, SHA-256 {digest}:",
                _fenced(_pretty(value), "json"),
            ]
    for file in shown.files:
        parts += [f"## File {file.path}", _fenced(_text(file.content), "")]
    who = "anybody who can answer" if ANYBODY in shown.rule.eligible else ", ".join(shown.rule.eligible)
    parts += ["## Who decides", f"Rule {shown.rule.id}: {shown.rule.quorum} of {who}."]
    return "\n\n".join(parts) + "\n"


def _pretty(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _text(content: bytes) -> str:
    if len(content) > SHOWN_BYTES_MAX:
        return f"(too large to show: {len(content)} bytes)"
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"(binary: {len(content)} bytes)"


def _fenced(text: str, language: str) -> str:
    """Return a fenced block whose fence the text can't close."""
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
