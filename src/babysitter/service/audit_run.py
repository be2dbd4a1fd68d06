"""One run's part of an audit: is it the run that the log tells of, and did everything start as it might?

1. the run verifies on its own (journal.verify);
2. its first line, every head that the log holds, and the whole of it once sealed, are what the log says;
3. every answer that counts is in the log, and every answer in the log is in the journal;
4. what the answers to a question add up to is what the journal says they do;
5. an effect that needed an approval names one that was released over exactly it, and uses it once.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from babysitter.log.leaves import Approval
from babysitter.model import events as ev
from babysitter.model.lines import BrokenLineError, Chain, Record
from babysitter.model.statement import JournalPlace
from babysitter.model.values import sha256_hex
from babysitter.policy.decide import Covered
from babysitter.service.audit_answers import Answered, Answers
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_log import LoggedRun

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


@dataclass(slots=True)
class Asked:
    """A question of the journal with its place, its answers so far, and what its release still covers."""

    event: ev.BreakpointRequested
    place: JournalPlace
    answers: list[Answered] = field(default_factory=list)
    covers: Counter[Covered] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class RunAudit:
    """Walks over one journal. ``logged``: what the log says of the run; ``answers`` judges the answers."""

    run_id: str
    data: bytes
    logged: LoggedRun | None
    answers: Answers
    findings: Findings
    _created: ev.RunCreated | None = None
    _asked: dict[str, Asked] = field(default_factory=dict)
    _effects: dict[str, ev.EffectRequested] = field(default_factory=dict)
    _heads: dict[int, str] = field(default_factory=dict)
    _in_log: dict[int, tuple[int, Approval]] = field(default_factory=dict)

    def check(self) -> None:
        """Note all that is wrong."""
        logged = self.logged
        if logged is not None:
            self._in_log = {leaf.seq: (index, leaf) for index, leaf in logged.approvals}
            self._heads = {leaf.seq: leaf.prefix for leaf in logged.progress}
            self._heads |= {leaf.seq: leaf.prefix for _, leaf in logged.approvals}
        chain = Chain()
        with suppress(BrokenLineError):
            # A line that does not chain was told of by step 1, with more words.
            for record, line in chain.lines(self.data):
                if record.seq in self._heads and self._heads[record.seq] != chain.hasher.hexdigest():
                    self._error(
                        "log.head", f"the first {record.seq} lines are not those that the log tells of"
                    )
                if record.type in _WANTED:
                    self._take(record, line, chain)
        self._check_against_log(chain.seq)

    def _check_against_log(self, lines: int) -> None:
        logged = self.logged
        if logged is None or logged.opened is None:
            self._error("log.unknown-run", "the run is on disk and the log never opened it")
            return
        first = self.data[: self.data.find(b"\n") + 1]
        if sha256_hex(first) != logged.opened.first_line_sha256:
            self._error("log.first-line", "its first line is not the one that the log tells of")
        for seq, (_, leaf) in self._in_log.items():
            if seq > lines or leaf.breakpoint_id not in self._asked:
                self._error("log.missing-answer", f"the log has an answer in line {seq} that is not there")
        beyond = [seq for seq in self._heads if seq > lines]
        if beyond:
            self._error("log.truncated", f"the log has seen {max(beyond)} lines and there are {lines}")
        if logged.sealed is None:
            self.findings.cannot_show(f"Run {self.run_id} is not sealed: it may have gone on, or been cut.")
        elif logged.sealed.seq != lines or sha256_hex(self.data) != logged.sealed.prefix:
            self._error("log.seal", "the journal is not the one that was sealed")

    def _take(self, record: Record, line: bytes, chain: Chain) -> None:
        event = record.event()
        match event:
            case ev.RunCreated():
                self._created = event
            case ev.EffectRequested():
                self._effects[event.effect_id] = event
            case ev.BreakpointRequested():
                place = JournalPlace(seq=record.seq, prefix=record.prefix, head=chain.hasher.hexdigest())
                self._asked[event.breakpoint_id] = Asked(event, place)
            case ev.BreakpointResponded():
                self._take_answer(event, record, line)
            case ev.BreakpointReleased():
                self._take_release(event)
            case ev.BreakpointLapsed() if event.breakpoint_id in self._asked:
                self._asked[event.breakpoint_id].covers.clear()
            case ev.EffectStarted() if event.attempt == 1:
                self._take_start(event, record)

    def _take_answer(self, event: ev.BreakpointResponded, record: Record, line: bytes) -> None:
        asked = self._asked.get(event.breakpoint_id)
        if asked is None or self._created is None:
            return
        index = self._check_logged(event, record.seq, line)
        answered = Answered(event=event, recorded_at=record.recorded_at, log_index=index)
        self.answers.check(self._created, asked.event, asked.place, answered, asked.answers)
        asked.answers.append(answered)

    def _check_logged(self, event: ev.BreakpointResponded, seq: int, line: bytes) -> int | None:
        """Return the index of the answer's leaf; None when it has none."""
        found = self._in_log.get(seq)
        if found is None:
            if self.logged is not None and event.decision != "defer":
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

    def _take_release(self, event: ev.BreakpointReleased) -> None:
        asked = self._asked.get(event.breakpoint_id)
        if asked is None or self._created is None:
            return
        why = self.answers.why_not_released(asked.event, asked.answers, event)
        if why is not None:
            self._error("release", f"{event.breakpoint_id} was released although {why}")
        asked.covers.update((ref.task_id, ref.args_sha256) for ref in asked.event.approves)

    def _take_start(self, event: ev.EffectStarted, record: Record) -> None:
        requested = self._effects.get(event.effect_id)
        if requested is None or self._created is None:
            return
        if event.approval is None:
            needed = self.answers.rule_of_effect(self._created, requested, record.recorded_at)
            if needed is not None:
                self._error("gate", f"{event.effect_id} started without an approval; rule {needed} wants one")
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

    def _error(self, code: str, text: str) -> None:
        self.findings.error(code, self.run_id, text)
