"""What a run's journal says that somebody may want to be told: a fold over its lines, as they are stored."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from babysitter.journal.reader import decode
from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.lines import Record
from babysitter.model.notify_settings import NoticeKind
from babysitter.model.values import sha256_hex


@dataclass(slots=True, kw_only=True)
class Asked:
    """A question that was put to people.

    to: whom it was passed on to; none: those eligible. answered: who has said yes or no.
    decided: what became of it, as a word; empty while it is open.
    """

    requested: ev.BreakpointRequested
    at_ns: int
    to: tuple[str, ...] = ()
    answered: set[str] = field(default_factory=set)
    decided: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """Who is asked now, those left out who have answered."""
        return tuple(name for name in self.to or self.requested.eligible if name not in self.answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a journal that is news.

    line: a digest of the line and of all that stands before it: no other line of any journal has it.
    asked: the question that it is about; None: it is about the run.
    """

    kind: NoticeKind
    seq: int
    line: str
    at_ns: int
    event: ev.Event
    asked: Asked | None = None


_ENDS: dict[type[ev.Event], tuple[NoticeKind, str]] = {
    ev.BreakpointReleased: ("breakpoint.released", "approved"),
    ev.BreakpointRejected: ("breakpoint.rejected", "rejected"),
    ev.BreakpointExpired: ("breakpoint.expired", "expired"),
}
_RUN_ENDS: dict[type[ev.Event], NoticeKind] = {
    ev.RunCompleted: "run.completed",
    ev.RunFailed: "run.failed",
    ev.RunCancelled: "run.cancelled",
}


class Story:
    """One run so far. ``facts``: its news, in the order of the lines; ``created``: its first event."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.created: ev.RunCreated | None = None
        self.facts: list[Fact] = []
        self.has_ended = False
        self._asked: dict[str, Asked] = {}

    def read(self, records: Iterable[Record]) -> None:
        """Take the lines that come next.

        Raises:
            CorruptJournalError: one is not what its type says.
        """
        for record in records:
            take = _TAKES.get(record.type)
            if take is not None:
                take(self, record, decode(record, self.run_id))

    def created_by(self, record: Record, event: ev.Event) -> None:
        """Take the first line."""
        del record
        assert isinstance(event, ev.RunCreated)
        self.created = event

    def asks(self, record: Record, event: ev.Event) -> None:
        """Take a question."""
        assert isinstance(event, ev.BreakpointRequested)
        asked = Asked(requested=event, at_ns=parse_time(record.recorded_at))
        self._asked[event.breakpoint_id] = asked
        self._note("breakpoint.requested", record, event, asked)

    def answers(self, record: Record, event: ev.Event) -> None:
        """Take somebody's answer: who has said yes or no is not asked any more."""
        del record
        assert isinstance(event, ev.BreakpointResponded)
        if event.decision != "defer":
            self._asked[event.breakpoint_id].answered |= {
                event.approver,
                event.on_behalf_of or event.approver,
            }

    def passes_on(self, record: Record, event: ev.Event) -> None:
        """Take that a question was passed on."""
        assert isinstance(event, ev.BreakpointReassigned)
        asked = self._asked[event.breakpoint_id]
        asked.to = event.to
        self._note("breakpoint.reassigned", record, event, asked)

    def decides(self, record: Record, event: ev.Event) -> None:
        """Take what became of a question."""
        kind, word = _ENDS[type(event)]
        asked = self._asked[str(getattr(event, "breakpoint_id", ""))]
        asked.decided = word
        self._note(kind, record, event, asked)

    def lapses(self, record: Record, event: ev.Event) -> None:
        """Take that a release no longer holds."""
        assert isinstance(event, ev.BreakpointLapsed)
        self._note("breakpoint.lapsed", record, event, self._asked[event.breakpoint_id])

    def lets_go(self, record: Record, event: ev.Event) -> None:
        """Take that the process waits no longer."""
        del record
        assert isinstance(event, ev.CallCancelled)
        for asked in self._asked.values():
            if asked.requested.call_id == event.call_id:
                asked.decided = asked.decided or "cancelled"

    def ends(self, record: Record, event: ev.Event) -> None:
        """Take the last line."""
        self.has_ended = True
        for asked in self._asked.values():
            asked.decided = asked.decided or "cancelled"
        self._note(_RUN_ENDS[type(event)], record, event, None)

    def _note(self, kind: NoticeKind, record: Record, event: ev.Event, asked: Asked | None) -> None:
        line = f"{record.prefix} {sha256_hex(record.data)}"
        at_ns = parse_time(record.recorded_at)
        self.facts.append(Fact(kind=kind, seq=record.seq, line=line, at_ns=at_ns, event=event, asked=asked))


_TAKES: dict[str, Callable[[Story, Record, ev.Event], None]] = {
    ev.RunCreated.type: Story.created_by,
    ev.BreakpointRequested.type: Story.asks,
    ev.BreakpointResponded.type: Story.answers,
    ev.BreakpointReassigned.type: Story.passes_on,
    ev.BreakpointLapsed.type: Story.lapses,
    ev.CallCancelled.type: Story.lets_go,
    **dict.fromkeys((each.type for each in _ENDS), Story.decides),
    **dict.fromkeys((each.type for each in _RUN_ENDS), Story.ends),
}
