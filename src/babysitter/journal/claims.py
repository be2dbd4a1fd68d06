"""What a run's lines claim about its files: which there must be, with which digests.

Pure: events in, claims out. ``journal.verify`` holds them against the disk.
"""

from dataclasses import dataclass, field

import msgspec

from babysitter.journal.derived import derived_files
from babysitter.journal.layout import INPUTS, JOURNAL, RUN, shown_path
from babysitter.model.events import (
    EVENT_TYPES,
    BlobRef,
    BreakpointRequested,
    BreakpointResponded,
    Event,
    JournalRecovered,
    RunCreated,
)
from babysitter.model.values import Json


def _may_hold_refs(annotation: object) -> bool:
    return annotation in {BlobRef, BlobRef | None, tuple[BlobRef, ...]}


_REF_FIELDS: dict[type[Event], tuple[str, ...]] = {
    cls: tuple(each.name for each in msgspec.structs.fields(cls) if _may_hold_refs(each.type))
    for cls in EVENT_TYPES.values()
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Line ``line`` says: the file at ``path`` has this digest, and this size where that is known."""

    line: int
    path: str
    sha256: str
    bytes: int | None = None


@dataclass(slots=True)
class Claims:
    """All claims of a run's lines. ``statements``: digests that approvals must have, by breakpoint folder."""

    files: dict[str, Claim] = field(default_factory=dict)
    derived: dict[str, tuple[int, Json]] = field(default_factory=dict)
    statements: dict[str, set[str]] = field(default_factory=dict)

    def add(self, line: int, event: Event, present: frozenset[str]) -> list[Claim]:
        """Take what an event claims; return the claims that contradict an earlier one.

        Args:
            line: the event's number.
            event: as stored.
            present: paths there are; derived files that are not there are no concern.
        """
        if isinstance(event, BreakpointResponded) and event.statement_sha256 is not None:
            self.statements.setdefault(f"breakpoints/{event.breakpoint_id}", set()).add(
                event.statement_sha256
            )
        for path, value in derived_files(event):
            if path in present:
                self.derived[path] = (line, value)
        return [claim for claim in _claims_of(line, event) if not self._agrees(claim)]

    def _agrees(self, claim: Claim) -> bool:
        known = self.files.setdefault(claim.path, claim)
        return known.sha256 == claim.sha256


def _claims_of(line: int, event: Event) -> list[Claim]:
    claims = []
    if isinstance(event, RunCreated):
        claims += [Claim(line, RUN, event.run_sha256), Claim(line, INPUTS, event.inputs_sha256)]
    elif isinstance(event, BreakpointRequested):
        claims.append(Claim(line, shown_path(event.breakpoint_id), event.shown_sha256))
    elif isinstance(event, JournalRecovered):
        claims.append(Claim(line, event.torn_path, event.dropped_sha256, event.dropped_bytes))
    for name in _REF_FIELDS[type(event)]:
        value = getattr(event, name)
        refs = value if isinstance(value, tuple) else (value,)
        claims += [Claim(line, ref.path, ref.sha256, ref.bytes) for ref in refs if ref is not None]
    return claims


NOT_CLAIMED = frozenset({JOURNAL})
"""Files that prove themselves."""
