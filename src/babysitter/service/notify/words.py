"""A notice in words: what is pending, for whom, until when, and where to answer it.

Everything comes from the journal, so it is masked; it is masked once more all the same. Nothing in it can
act: no markup of a question, no mention, no address but our own is left for a chat or mail program to find.

Reference: docs/reference/notifications.md.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from babysitter.changes.visible import visible
from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.model.notify_settings import NoticeKind
from babysitter.service.notify.due import Notice

TITLE_CHARS_MAX = 120
LINE_CHARS_MAX = 300
PEOPLE_MAX = 10
_SECOND_NS = 1_000_000_000
_HEADS: dict[NoticeKind, str] = {
    "breakpoint.requested": "Waits for an answer",
    "breakpoint.reassigned": "Passed on to you",
    "breakpoint.reminder": "Still waits for an answer",
    "breakpoint.escalated": "Nobody has answered",
    "breakpoint.expiring": "Expires soon",
    "breakpoint.released": "Approved",
    "breakpoint.rejected": "Rejected",
    "breakpoint.expired": "Expired unanswered, which means no",
    "breakpoint.lapsed": "The approval no longer holds",
    "run.completed": "Completed",
    "run.failed": "Failed",
    "run.cancelled": "Cancelled",
}
_LOOK_ALIKES = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "[": "(",
        "]": ")",
        "`": "'",
        "*": "\N{ASTERISK OPERATOR}",
        "~": "\N{TILDE OPERATOR}",
        "|": "\N{DIVIDES}",
        "\\": "\N{BIG SOLIDUS}",
    }
)
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)")
_ADDRESS = re.compile(r"(?<=[A-Za-z0-9+.-]):(?=//)|(?i:\b(www)\.(?=\w))")
_AT_A_WORDS_EDGE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")

Mask = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice, ready to go.

    title, text: for people, without anything that a program could take for markup.
    body: for programs: JSON, as docs/reference/notifications.md has it.
    """

    id: str
    title: str
    text: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a notice is written with. ``link``: where people answer, or empty; ``mask``: of a text."""

    workspace: str
    link: str
    mask: Mask


def write_letter(notice: Notice, run_id: str, process_id: str, around: Surroundings) -> Letter:
    """Return a notice as it is sent."""
    fact, asked = notice.fact, notice.fact.asked
    breakpoint_id = asked.requested.breakpoint_id if asked is not None else ""
    name = f"{run_id}/{breakpoint_id}" if asked is not None else run_id
    url = _url(around.link, run_id, breakpoint_id)
    command = f"babysitter breakpoint show {name}" if asked is not None else f"babysitter run status {name}"
    subject = asked.requested.title or asked.requested.question if asked is not None else process_id
    title = _cut(f"{_HEADS[notice.kind]}: {_line(subject, around.mask)}", TITLE_CHARS_MAX)
    text = "\n".join(_lines(notice, process_id, around.mask, url or command))
    data: dict[str, Any] = {
        "id": notice.id,
        "workspace": around.workspace,
        "runId": run_id,
        "processId": process_id,
        "seq": fact.seq,
        "to": list(notice.people),
        "title": title,
        "text": text,
        "url": url or None,
        "command": command,
    }
    if asked is not None:
        data["breakpoint"] = _question(notice, around.mask)
    if isinstance(fact.event, ev.RunFailed):
        data["error"] = _line(f"{fact.event.error.name}: {fact.event.error.message}", around.mask)
    whole = {"type": notice.kind, "timestamp": format_time(notice.due_ns), "data": data}
    return Letter(id=notice.id, title=title, text=text, body=orjson.dumps(whole))


def _question(notice: Notice, mask: Mask) -> dict[str, Any]:
    asked = notice.fact.asked
    assert asked is not None
    requested = asked.requested
    return {
        "id": requested.breakpoint_id,
        "title": _line(requested.title, mask),
        "question": _line(requested.question, mask),
        "rule": requested.rule,
        "quorum": requested.quorum,
        "eligible": list(requested.eligible),
        "askedAt": format_time(asked.at_ns),
        "expiresAt": requested.expires_at,
    }


def _lines(notice: Notice, process_id: str, mask: Mask, where: str) -> Iterator[str]:
    """Yield the lines of the text, the most important first."""
    fact, asked = notice.fact, notice.fact.asked
    if asked is not None:
        requested = asked.requested
        yield _line(requested.question, mask)
        yield f"Rule {requested.rule}: {requested.quorum} of {_people(requested.eligible)}"
        waited = f", {_span(notice.due_ns - asked.at_ns)} before this" if notice.due_ns > asked.at_ns else ""
        yield f"Asked {_minute(format_time(asked.at_ns))}{waited}"
        if requested.expires_at is not None and not asked.decided:
            yield f"Expires {_minute(requested.expires_at)}, which then means no"
    if isinstance(fact.event, ev.RunFailed):
        yield _line(f"{fact.event.error.name}: {fact.event.error.message}", mask)
    yield _line(f"Process {process_id}", mask)
    yield f"{'Answer it' if fact.asked is not None and not fact.asked.decided else 'See it'}: {where}"


def _url(link: str, run_id: str, breakpoint_id: str) -> str:
    if not link:
        return ""
    parts = ("inbox", run_id, breakpoint_id) if breakpoint_id else ("runs", run_id)
    return "/".join((link.rstrip("/"), *(quote(part, safe="") for part in parts)))


def _people(names: tuple[str, ...]) -> str:
    shown = ", ".join("anybody" if name == "*" else name for name in names[:PEOPLE_MAX])
    more = len(names) - PEOPLE_MAX
    return harmless(f"{shown} and {more} more" if more > 0 else shown)


def _line(text: str, mask: Mask) -> str:
    """Return the first line that says something, masked, harmless and not too long."""
    first = next((line for line in mask(text).splitlines() if line.strip()), "")
    return _cut(" ".join(harmless(visible(first)).split()), LINE_CHARS_MAX)


def _cut(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"


def harmless(text: str) -> str:
    """Return a text in which no chat, mail or markdown program finds markup, a mention or an address.

    What would be one stands there as characters that look alike, and are none.
    """
    text = _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", text.translate(_LOOK_ALIKES))
    text = _ADDRESS.sub(lambda found: f"{found[1]} ." if found[1] else ": ", text)
    return _AT_A_WORDS_EDGE.sub("\N{MODIFIER LETTER LOW MACRON}", text)


def _minute(time: str) -> str:
    return f"{time[:10]} {time[11:16]} UTC"


def _span(ns: int) -> str:
    seconds = ns // _SECOND_NS
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
