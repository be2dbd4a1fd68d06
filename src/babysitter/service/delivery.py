"""Bringing answers, signals and cancels into a run, whoever holds it.

With no driver the sender takes the lease, journals the message and lets go.
With one, the message is left as mail, and the sender waits for its line.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from msgspec import structs

from babysitter.journal.masking import Masker
from babysitter.journal.reader import read_records
from babysitter.journal.writer import JournalWriter
from babysitter.model import events as ev
from babysitter.model.errors import (
    BabysitterError,
    PolicyDeniedError,
    RunEndedError,
    RunLockedError,
    SecretError,
    StoreError,
)
from babysitter.model.ids import ulid
from babysitter.model.values import Json
from babysitter.service.answering import decision_after, mail_events, refused_mail
from babysitter.service.judges import gates_of, judge_of
from babysitter.service.judging import Judge
from babysitter.service.ledger import Ledger
from babysitter.service.mail import (
    AnswerMail,
    AnyMail,
    AskMail,
    CancelMail,
    PassOnMail,
    PostMail,
    SignalMail,
    decode_mail,
    encode_mail,
    masked,
    unmasked,
)
from babysitter.service.posting import with_files
from babysitter.service.reading import read_state, run_created
from babysitter.service.state import RunState
from babysitter.service.views import EventView, event_view
from babysitter.service.wiring import Workspace

LINE_WAIT_S = 5.0
"""How long a sender waits for the line of its mail before it says that it is queued."""
LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a message: the lines that came of it; none while it is queued for the driver."""

    request_id: str
    lines: tuple[EventView, ...]


class Delivery:
    """Sends messages into the runs of one workspace: as the local user, or as whom a server knows.

    ``request_id``: of the one message that is sent; sent again under the same id, it does nothing. Without
    it, each message gets an id of its own.
    """

    def __init__(self, workspace: Workspace, person: str | None = None, *, request_id: str = "") -> None:
        self._workspace = workspace
        self._request_id = request_id
        self._store = workspace.store
        self._user = person or workspace.place.user
        self._method: Literal["local", "token"] = "local" if person is None else "token"

    def cancel(self, run_id: str, *, reason: str = "") -> Sent:
        """Ask a run to stop; its process may clean up."""
        return self.send(run_id, CancelMail(request_id=self.new_id(), sender=self._user, reason=reason))

    def signal(self, run_id: str, name: str, payload: Json = None) -> Sent:
        """Give a run a signal."""
        return self.send(
            run_id, SignalMail(request_id=self.new_id(), sender=self._user, name=name, payload=payload)
        )

    def answer(self, run_id: str, breakpoint_id: str, decision: str, *, comment: str = "") -> Sent:
        """Answer a breakpoint as the local user. Never drives the run."""
        return self.send(run_id, self.answer_mail(breakpoint_id, decision, comment=comment))

    def answer_mail(self, breakpoint_id: str, decision: str, *, comment: str = "") -> AnswerMail:
        """Return an answer of the local user, for a driver in this very process."""
        return AnswerMail(
            request_id=self.new_id(),
            sender=self._user,
            breakpoint_id=breakpoint_id,
            decision=decision,
            comment=comment,
            method=self._method,
        )

    def ask_about(self, run_id: str, breakpoint_id: str, text: str, *, is_reply: bool = False) -> Sent:
        """Ask for more about a question before it is answered, or give what was asked for."""
        message = AskMail(
            request_id=self.new_id(),
            sender=self._user,
            breakpoint_id=breakpoint_id,
            comment=text,
            is_reply=is_reply,
        )
        return self.send(run_id, message)

    def pass_on(self, run_id: str, breakpoint_id: str, to: Sequence[str], *, comment: str = "") -> Sent:
        """Pass a question on to others of those who may answer it."""
        message = PassOnMail(
            request_id=self.new_id(),
            sender=self._user,
            breakpoint_id=breakpoint_id,
            to=tuple(to),
            comment=comment,
        )
        return self.send(run_id, message)

    def post(self, run_id: str, message: PostMail) -> Sent:
        """Give an effect the outcome that somebody else brought about."""
        return self.send(run_id, message)

    @property
    def user(self) -> str:
        """Who sends."""
        return self._user

    def new_id(self) -> str:
        """Return the id for a message: the given one, else a new one."""
        return self._request_id or ulid(
            self._workspace.clock.now_ns() // 1_000_000, self._workspace.dice.bits(80)
        )

    def send(self, run_id: str, message: AnyMail) -> Sent:
        """Bring a message into a run.

        Raises:
            RunEndedError: the run has ended.
            BabysitterError: the message can't be taken (no such breakpoint, too late, not eligible).
        """
        state = read_state(self._store, run_id)
        taken = self._taken(run_id, state, message)
        if taken is not None:
            return taken
        # Refused here when it can't be taken anyway: the sender learns why at once.
        judge = judge_of(self._workspace, run_id, gates_of(self._workspace, run_id, state))
        events = mail_events(state, message, self._workspace.clock.now_ns(), judge)
        if not events:
            return Sent(request_id=message.request_id, lines=())
        try:
            return self._journal_now(run_id, message)
        except RunLockedError:
            return self._mail(run_id, message)

    def _journal_now(self, run_id: str, message: AnyMail) -> Sent:
        masker = self._workspace.secrets(run_created(self._store, run_id).secrets).masker
        workspace = self._workspace
        writer, records = JournalWriter.open(self._store, run_id, workspace.holder(), masker, workspace.clock)
        try:
            state = RunState()
            for record in records:
                state.apply(record.event(), seq=record.seq, recorded_at=record.recorded_at)
            taken = self._taken(run_id, state, message)
            if taken is not None:
                return taken
            ledger = workspace.ledger(run_id)
            ledger.caught_up(state)
            judge = judge_of(workspace, run_id, gates_of(workspace, run_id, state))
            for asked in state.breakpoints.values():
                asked.answers[:] = [_as_written(answer, masker) for answer in asked.answers]
            before, lease = state.seq, writer.lease
            waiting = lease.mail()
            for name in waiting:
                earlier = unmasked(decode_mail(name, lease.read_mail(name)), masker)
                try:
                    self._note(writer, state, earlier, judge, ledger)
                except StoreError:
                    raise
                except BabysitterError as refusal:
                    writer.stage(refused_mail(earlier, refusal))
            self._note(writer, state, message, judge, ledger)
            writer.commit()
            ledger.committed(writer, state)
            for name in waiting:
                lease.delete_mail(name)
        finally:
            writer.close()
        return Sent(request_id=message.request_id, lines=self._lines(run_id, before, message.request_id))

    def _taken(self, run_id: str, state: RunState, message: AnyMail) -> Sent | None:
        """Return the lines of a message that is in the journal, by which the run may have ended; else None.

        Raises:
            RunEndedError: it is not, and never will be.
        """
        if message.request_id in state.request_ids:
            return Sent(request_id=message.request_id, lines=self._lines(run_id, 0, message.request_id))
        if state.end is not None:
            raise _has_ended(run_id, state)
        return None

    def _note(
        self, writer: JournalWriter, state: RunState, message: AnyMail, judge: Judge, ledger: Ledger
    ) -> None:
        if message.request_id in state.request_ids:
            return
        for event in mail_events(state, message, self._workspace.clock.now_ns(), judge):
            staged = writer.stage(with_files(event, message, writer))
            if isinstance(staged, ev.BreakpointResponded):
                ledger.answered(staged, writer)
            state.apply(staged, seq=writer.last_seq, recorded_at=writer.recorded_at)
        if isinstance(message, AnswerMail):
            decided = decision_after(state, message.breakpoint_id, judge.gates)
            if decided is not None:
                state.apply(writer.stage(decided), seq=writer.last_seq, recorded_at=writer.recorded_at)

    def _mail(self, run_id: str, message: AnyMail) -> Sent:
        before = read_state(self._store, run_id).seq
        masker = self._workspace.secrets(run_created(self._store, run_id).secrets).masker
        self._store.send_mail(run_id, f"{message.request_id}.json", encode_mail(masked(message, masker)))
        clock = self._workspace.clock
        until_s = clock.monotonic_s() + LINE_WAIT_S
        while clock.monotonic_s() < until_s:
            lines = self._lines(run_id, before, message.request_id)
            if lines:
                return Sent(request_id=message.request_id, lines=lines)
            if self._store.holder(run_id) is None:
                # Its driver left before it read the mail, so this is left to us after all.
                with suppress(RunLockedError):
                    return self._journal_now(run_id, message)
            self._workspace.pause(LOOK_EVERY_S)
        return Sent(request_id=message.request_id, lines=())

    def _lines(self, run_id: str, after: int, request_id: str) -> tuple[EventView, ...]:
        """Return the line that carries the request id and, for an answer, the decision right after it."""
        found: list[EventView] = []
        for record in read_records(self._store, run_id, torn_tail_ok=True):
            if record.seq <= after:
                continue
            event = record.event()
            if isinstance(event, ev.PolicyDenied) and event.subject == f"mail:{request_id}":
                raise PolicyDeniedError(event.reason, hint="Nothing was changed.")
            if found:
                if isinstance(event, (ev.BreakpointReleased, ev.BreakpointRejected)):
                    found.append(event_view(record))
                break
            if getattr(event, "request_id", None) == request_id:
                found.append(event_view(record))
        return tuple(found)


def _has_ended(run_id: str, state: RunState) -> RunEndedError:
    return RunEndedError(
        f"run {run_id} has ended ({state.status}); a journal never grows after its end.",
        hint=f"Look at it with: babysitter run show {run_id}",
    )


def _as_written(answer: ev.BreakpointResponded, masker: Masker) -> ev.BreakpointResponded:
    """Return an answer of the journal as its author wrote it, as far as the secrets in it resolve here."""
    try:
        return structs.replace(answer, comment=masker.unmask(answer.comment))
    except SecretError:
        # Who answers need not have the run's secrets; the comment then stays as it is shown.
        return answer
