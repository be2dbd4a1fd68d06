"""One run's part of an audit: is it the run that the log tells of, and did everything start as it might?

1. the run verifies on its own (journal.verify);
2. its first line, every head that the log holds, and the whole of it once sealed, are what the log says;
3. every answer that counts is in the log, and every answer in the log is in the journal;
4. what the answers to a question add up to is what the journal says they do;
5. an effect that needed an approval names one that was released over exactly it, and uses it once;
6. what the rules of then say about each of these is decided again (audit_rules).
"""

from dataclasses import dataclass, field

from babysitter.log.leaves import Approval, RunSealed
from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.lines import Chain, Record
from babysitter.model.statement import JournalPlace
from babysitter.model.values import sha256_hex
from babysitter.service.audit_answers import Answers
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_log import LoggedRun
from babysitter.service.audit_questions import Answered, Asked
from babysitter.service.audit_rules import Decisions

_WANTED = frozenset(
    {
        "RUN_CREATED",
        "EFFECT_REQUESTED",
        "EFFECT_STARTED",
        "BREAKPOINT_REQUESTED",
        "BREAKPOINT_RESPONDED",
        "BREAKPOINT_RELEASED",
        "BREAKPOINT_LAPSED",
    }
)


@dataclass(slots=True, kw_only=True)
class RunAudit:
    """Is shown one journal, line by line, as it is verified; then says what is wrong.

    logged: what the log says of the run. has_log: whether there is a log that could.
    answers, decisions: judge the answers, and what was decided by them.
    """

    run_id: str
    logged: LoggedRun | None
    has_log: bool
    answers: Answers
    decisions: Decisions
    findings: Findings
    _created: ev.RunCreated | None = None
    _asked: dict[str, Asked] = field(default_factory=dict)
    _effects: dict[str, ev.EffectRequested] = field(default_factory=dict)
    _by_call: dict[str, ev.EffectRequested] = field(default_factory=dict)
    _heads: dict[int, str] = field(default_factory=dict)
    _in_log: dict[int, tuple[int, Approval]] = field(default_factory=dict)
    _first_line: str = ""
    _end: tuple[Chain, bytes] | None = None

    def __post_init__(self) -> None:
        """Look up what the log says of the run's lines."""
        if self.logged is not None:
            self._in_log = {leaf.seq: (index, leaf) for index, leaf in self.logged.approvals}
            self._heads = {leaf.seq: leaf.prefix for leaf in self.logged.progress}
            self._heads |= {leaf.seq: leaf.prefix for _, leaf in self.logged.approvals}

    def see(self, record: Record, event: ev.Event | None, chain: Chain, data: bytes) -> None:
        """Take a line; see ``journal.verify.Watch``."""
        if self._end is None:
            self._end, self._first_line = (chain, data), chain.hasher.hexdigest()
        if record.seq in self._heads and self._heads[record.seq] != chain.hasher.hexdigest():
            self._error("log.head", f"the first {record.seq} lines are not those that the log tells of")
        if record.type in _WANTED:
            self._read(record, event, chain, data)

    def finish(self) -> None:
        """Hold the whole of what was seen against the log."""
        if not self.has_log:
            return
        lines, whole = 0, sha256_hex(b"")
        if self._end is not None:
            chain, data = self._end
            lines = chain.seq
            whole = chain.hasher.hexdigest() if chain.offset == len(data) else sha256_hex(data)
        self._check_against_log(lines, whole)

    def _check_against_log(self, lines: int, whole: str) -> None:
        logged = self.logged
        if logged is None or logged.opened is None:
            self._error("log.unknown-run", "the run is on disk and the log never opened it")
            return
        if self._first_line != logged.opened.first_line_sha256:
            self._error("log.first-line", "its first line is not the one that the log tells of")
        for seq, (_, leaf) in self._in_log.items():
            if seq > lines or leaf.breakpoint_id not in self._asked:
                self._error("log.missing-answer", f"the log has an answer in line {seq} that is not there")
        beyond = max(self._heads, default=0)
        if beyond > lines:
            self._error("log.truncated", f"the log has seen {beyond} lines and there are {lines}")
        self._check_seal(logged.sealed, lines, whole)

    def _check_seal(self, sealed: RunSealed | None, lines: int, whole: str) -> None:
        if sealed is None:
            self.findings.cannot_show(f"Run {self.run_id} is not sealed: it may have gone on, or been cut.")
        elif sealed.seq != lines or whole != sealed.prefix:
            self._error("log.seal", "the journal is not the one that was sealed")

    def _read(self, record: Record, event: ev.Event | None, chain: Chain, data: bytes) -> None:
        at_ns = _time_of(record)
        if event is None or at_ns is None:
            self._error("journal.line", f"line {record.seq} says nothing that can be judged")
            return
        if isinstance(event, ev.BreakpointResponded):
            line = data[data.rfind(b"\n", 0, chain.offset - 1) + 1 : chain.offset]
            self._take_answer(event, record, line, at_ns)
        elif isinstance(event, ev.BreakpointRequested):
            place = JournalPlace(seq=record.seq, prefix=record.prefix, head=chain.hasher.hexdigest())
            self._take_question(event, place, at_ns)
        else:
            self._take(event, at_ns)

    def _take(self, event: ev.Event, at_ns: int) -> None:
        match event:
            case ev.RunCreated() if self._created is None:
                self._created = event
            case ev.EffectRequested():
                self._effects[event.effect_id] = self._by_call[event.call_id] = event
            case ev.BreakpointReleased():
                self._take_release(event, at_ns)
            case ev.BreakpointLapsed() if event.breakpoint_id in self._asked:
                self._asked[event.breakpoint_id].covers.clear()
            case ev.EffectStarted() if event.attempt == 1:
                self._take_start(event, at_ns)

    def _take_question(self, event: ev.BreakpointRequested, place: JournalPlace, at_ns: int) -> None:
        if self._created is not None:
            call, mark, _ = event.call_id.partition("!")
            effect = self._by_call.get(call) if mark else None
            asked = Asked(created=self._created, event=event, place=place, at_ns=at_ns, effect=effect)
            self._asked[event.breakpoint_id] = asked
            self.decisions.question(asked)

    def _take_answer(self, event: ev.BreakpointResponded, record: Record, line: bytes, at_ns: int) -> None:
        asked = self._asked.get(event.breakpoint_id)
        if asked is None:
            return
        index = self._check_logged(event, record.seq, line)
        answered = Answered(event=event, at_ns=at_ns, log_index=index)
        self.answers.check(asked, answered)
        self.decisions.answer(asked, answered, self.answers.witnessed_ns(answered))
        if asked.released_at_ns is None:
            asked.answers.append(answered)

    def _check_logged(self, event: ev.BreakpointResponded, seq: int, line: bytes) -> int | None:
        """Return the index of the answer's leaf; None when it has none."""
        found = self._in_log.get(seq)
        if found is None:
            if self.has_log and event.decision != "defer":
                text = f"the answer of {event.approver} in line {seq} is not in the log"
                self._error("log.no-leaf", text)
            return None
        index, leaf = found
        stated = (
            leaf.breakpoint_id == event.breakpoint_id
            and leaf.approver == event.approver
            and leaf.decision == event.decision
            and leaf.statement_sha256 == event.statement_sha256
            and leaf.line_sha256 == sha256_hex(line)
        )
        if not stated:
            self._error("log.other-answer", f"line {seq} is not the answer that the log tells of")
        return index

    def _take_release(self, event: ev.BreakpointReleased, at_ns: int) -> None:
        asked = self._asked.get(event.breakpoint_id)
        if asked is None:
            return
        why = self.answers.why_not_released(asked, event)
        if why is not None:
            self._error("release", f"{event.breakpoint_id} was released although {why}")
        else:
            self.decisions.release(asked, event, at_ns)
        asked.released_at_ns = at_ns
        asked.covers.update((ref.task_id, ref.args_sha256) for ref in asked.event.approves)

    def _take_start(self, event: ev.EffectStarted, at_ns: int) -> None:
        requested = self._effects.get(event.effect_id)
        if requested is None or self._created is None:
            return
        if event.approval is None:
            wrong = self.decisions.start(self._created, requested, None, at_ns)
            if wrong is not None:
                self._error(wrong[0], f"{event.effect_id} started without an approval; {wrong[1]}")
            return
        asked = self._asked.get(event.approval)
        key = (requested.task_id, requested.args_sha256)
        if asked is None or asked.covers[key] < 1:
            self._error(
                "gate", f"{event.effect_id} started with an approval that does not cover it: {event.approval}"
            )
            return
        asked.covers[key] -= 1
        refs = [ref for ref in asked.event.approves if (ref.task_id, ref.args_sha256) == key]
        if not any(ref.sandbox_sha256 in (None, event.sandbox_sha256) for ref in refs):
            self._error("gate", f"{event.effect_id} started in another sandbox than was approved")
        wrong = self.decisions.start(self._created, requested, asked, at_ns)
        if wrong is None:
            standing = self.answers.standing(asked, at_ns)
            wrong = self.decisions.start(self._created, requested, standing, at_ns)
            wrong = wrong and ("start.revoked", f"a key that signed was not in force any more: {wrong[1]}")
        if wrong is not None:
            self._error(wrong[0], f"{event.effect_id} started although {wrong[1]}")

    def _error(self, code: str, text: str) -> None:
        self.findings.error(code, self.run_id, text)


def _time_of(record: Record) -> int | None:
    """Return a line's time; None for one that never was, which the form of a line does not show."""
    try:
        return parse_time(record.recorded_at)
    except ValueError:
        return None
