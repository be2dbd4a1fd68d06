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
_OF_EFFECTS = frozenset(cls for cls in EVENT_TYPES.values() if "effect_id" in cls.__struct_fields__)
_CLAIMING = frozenset(cls for cls, names in _REF_FIELDS.items() if names) | {
    RunCreated,
    BreakpointRequested,
    BreakpointResponded,
    JournalRecovered,
}
"""The types of which ``Claims.add`` asks anything; most lines are of others."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Line ``line`` says: the file at ``path`` has this digest, and this size where that is known."""

    line: int
    path: str
    sha256: str
    bytes: int | None = None


@dataclass(slots=True)
class Claims:
    """All claims of a run's lines.

    present: paths there are; derived files that are not there are no concern.
    statements: digests that approvals must have, by breakpoint folder.
    """

    present: frozenset[str] = frozenset()
    files: dict[str, Claim] = field(default_factory=dict)
    derived: dict[str, tuple[int, Json]] = field(default_factory=dict)
    statements: dict[str, set[str]] = field(default_factory=dict)
    _folders: frozenset[str] = field(init=False)
    _shows_tasks: bool = field(init=False)

    def __post_init__(self) -> None:
        """Note which folders there are."""
        self._folders = frozenset(path.rpartition("/")[0] for path in self.present)
        self._shows_tasks = any(folder.startswith("tasks/") for folder in self._folders)

    def add(self, line: int, event: Event) -> list[Claim]:
        """Take what an event claims; return the claims that contradict an earlier one.

        Args:
            line: the event's number.
            event: as stored.
        """
        if self._shows_tasks and self._may_be_shown(event):
            for path, value in derived_files(event):
                if path in self.present:
                    self.derived[path] = (line, value)
        if type(event) not in _CLAIMING:
            return []
        if isinstance(event, BreakpointResponded) and event.statement_sha256 is not None:
            self.statements.setdefault(f"breakpoints/{event.breakpoint_id}", set()).add(
                event.statement_sha256
            )
        return [claim for claim in _claims_of(line, event) if not self._agrees(claim)]

    def _may_be_shown(self, event: Event) -> bool:
        # Most runs keep no files of their tasks, and making those of each line to find none is dear.
        if type(event) not in _OF_EFFECTS:
            return True
        return f"tasks/{getattr(event, 'effect_id')}" in self._folders  # noqa: B009 (those types have one)

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
        if value:
            refs = value if isinstance(value, tuple) else (value,)
            claims += [Claim(line, ref.path, ref.sha256, ref.bytes) for ref in refs]
    return claims


NOT_CLAIMED = frozenset({JOURNAL})
"""Files that prove themselves."""
