"""Questions that programs post by themselves, as the guide's breakpoint server took them; answers to those.

Each is a run of the process that comes with Babysitter, which asks and does nothing else: the question goes
through the same rules, inbox and journal as every other one, and is proven the same way.

Invariants, each with a test in tests/integration/server/test_breakpoint_service.py:
    - words never approve: only ``release`` that is ``true`` does, said with a person's token; nor does a
      rule of ``[[auto_approve]]``: a program chooses tags and context;
    - who answers is the credential's person, whatever ``author`` says;
    - no file is read because a program names it.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from babysitter.authoring.asking import Question as Asking
from babysitter.model.errors import NotFoundError, RefusedError, UsageError
from babysitter.model.rules import POSTED_BY_PROGRAMS
from babysitter.model.values import Json
from babysitter.service.hosting.catalogue import Entry
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.questions import Asked, Given, VisitedQuestions
from babysitter.service.hosting.settling import HostedDrive
from babysitter.service.hosting.visit import Visit
from babysitter.service.process.closure import ASK
from babysitter.service.reading import run_created
from babysitter.service.runs import RunService
from babysitter.service.session import NewRun
from babysitter.service.views import BreakpointView, EventView, View

PAGE_MAX = 500
ASKED_WAIT_S = 5.0
_NEWS_S = 0.5
_TTL_S_MAX = 365 * 24 * 3600


class PostedQuestion(Struct, frozen=True, kw_only=True, rename="camel"):
    """A question as a program posts it.

    agent_id, run_id: what the program says of itself. payload: what is shown; its ``question`` is asked.
    ttl_seconds: after so many seconds no answer means no.
    """

    agent_id: str
    payload: Json
    run_id: str | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()
    ttl_seconds: int | None = None


class Feedback(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a person says to it.

    release: true approves; left out or false, nothing is decided by it. reject: true says no.
    author: taken and not believed: the person is who the token says.
    """

    comment: str
    author: str = ""
    release: bool = False
    reject: bool = False


class QuestionMade(View, frozen=True, kw_only=True):
    """A question that was posted. ``breakpoint_id``: ask and answer by it; it is the run's id."""

    breakpoint_id: str
    status: str
    created_at: str


class QuestionStatus(View, frozen=True, kw_only=True):
    """Where a question stands: waiting, released, rejected, expired or cancelled."""

    status: str
    updated_at: str = ""


class FeedbackShown(View, frozen=True, kw_only=True):
    """What somebody said. ``decision``: approve, reject or defer; empty: a word that decides nothing."""

    id: str
    author: str
    comment: str
    created_at: str
    decision: str = ""


class QuestionRow(View, frozen=True, kw_only=True):
    """A question of a list."""

    id: str
    status: str
    agent_id: str
    run_id: str | None
    title: str
    tags: tuple[str, ...]
    created_at: str
    updated_at: str


class QuestionRows(View, frozen=True, kw_only=True):
    """Some questions, newest first."""

    items: tuple[QuestionRow, ...]


class QuestionWhole(View, frozen=True, kw_only=True):
    """A question with all that was said to it. ``rule``: which rule decides; empty until it was put."""

    breakpoint_id: str
    status: str
    agent_id: str
    run_id: str | None
    title: str
    payload: Json
    tags: tuple[str, ...]
    created_at: str
    updated_at: str
    feedback: tuple[FeedbackShown, ...]
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which questions of a list; empty: any. offset: so many of the newest are left out."""

    status: str = ""
    tag: str = ""
    agent_id: str = ""
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True)
class PostedQuestions:
    """Use cases of a visitor on questions that were posted."""

    visit: Visit

    def post(self, posted: PostedQuestion, workspace: str = "") -> QuestionMade:
        """Put a question to people; return when it has been put, or soon after if that takes long.

        Raises:
            UsageError: its time is none.
            RefusedError: it can't be put.
        """
        hosted = self.visit.at("breakpoint.ask", workspace)
        new = NewRun(entry=ASK, inputs=_inputs(posted), requested_by=self.visit.caller.name)
        run_id = RunService(hosted.workspace).begin(new)
        hosted.poke(run_id)
        self._wait_until_asked(hosted, run_id)
        entry = self._entry(hosted, run_id)
        return QuestionMade(
            breakpoint_id=run_id,
            status=_status(entry, _asked(hosted, run_id)),
            created_at=entry.created_at,
        )

    def page(self, which: Which, workspace: str = "") -> QuestionRows:
        """Return the questions that are wanted, newest first."""
        if not 1 <= which.limit <= PAGE_MAX:
            raise UsageError(f"limit is {which.limit}.", hint=f"Ask for 1 to {PAGE_MAX} questions at once.")
        runs = [
            (entry.created_at, entry.run_id, entry, hosted)
            for hosted in self.visit.everywhere("breakpoint.read", workspace)
            for entry in hosted.catalogue.all()
            if entry.process_id == POSTED_BY_PROGRAMS and not (which.status == "waiting" and entry.has_ended)
        ]
        runs.sort(key=lambda run: run[:2], reverse=True)
        rows = (self._row(hosted, entry) for _, run_id, entry, hosted in runs if _is_ours(hosted, run_id))
        begin = max(0, which.offset)
        # Each row is read from its run's files, so no more are made than are shown.
        return QuestionRows(
            items=tuple(islice((row for row in rows if _is_wanted(row, which)), begin, begin + which.limit))
        )

    def status(self, run_id: str, workspace: str = "") -> QuestionStatus:
        """Return where a question stands."""
        return self._stands(self._hosted("breakpoint.read", run_id, workspace), run_id)

    def show(self, run_id: str, workspace: str = "") -> QuestionWhole:
        """Return a question with all that was said to it."""
        hosted = self._hosted("breakpoint.read", run_id, workspace)
        row, asked = self._row(hosted, self._entry(hosted, run_id)), _asked(hosted, run_id)
        said = hosted.queries.breakpoint_events(run_id, asked.breakpoint_id) if asked is not None else ()
        return QuestionWhole(
            breakpoint_id=run_id,
            status=row.status,
            agent_id=row.agent_id,
            run_id=row.run_id,
            title=row.title,
            payload=_asking(hosted, run_id).context.get("payload"),
            tags=row.tags,
            created_at=row.created_at,
            updated_at=row.updated_at,
            feedback=tuple(word for event in said if (word := _word(event)) is not None),
            rule=asked.rule if asked is not None else "",
        )

    def say(self, run_id: str, feedback: Feedback, workspace: str = "") -> QuestionStatus:
        """Bring in what a person says: yes, no, or a word that decides nothing. Never anything else.

        Raises:
            UsageError: it says yes and no, or nothing.
            RefusedError: the question was not put yet.
            SignatureError, PolicyDeniedError: the rule wants more than a token.
        """
        hosted = self._hosted("breakpoint.answer", run_id, workspace)
        if feedback.release and feedback.reject:
            raise UsageError("the feedback says yes and no.", hint="Give release or reject, not both.")
        if not feedback.comment.strip():
            raise UsageError("the feedback has no comment.", hint="Say why.")
        asked = _asked(hosted, run_id)
        if asked is None:
            raise RefusedError(f"{run_id} was not put to people yet.", hint="Try again in a moment.")
        questions = VisitedQuestions(self.visit)
        if feedback.release or feedback.reject:
            given = Given(decision="approve" if feedback.release else "reject", comment=feedback.comment)
            questions.answer(run_id, asked.breakpoint_id, given, hosted.id)
        else:
            questions.ask(run_id, asked.breakpoint_id, Asked(text=feedback.comment), hosted.id)
        return self._stands(hosted, run_id)

    def _stands(self, hosted: Hosted, run_id: str) -> QuestionStatus:
        entry = self._entry(hosted, run_id)
        return QuestionStatus(status=_status(entry, _asked(hosted, run_id)), updated_at=entry.updated_at)

    def _hosted(self, action: str, run_id: str, workspace: str) -> Hosted:
        hosted = self.visit.run(action, run_id, workspace)
        if not _is_ours(hosted, run_id):
            raise NotFoundError(
                f"{run_id} is no question that was posted.", hint="For those of runs see /api/v1/breakpoints."
            )
        return hosted

    def _entry(self, hosted: Hosted, run_id: str) -> Entry:
        entry = hosted.catalogue.refresh(run_id)
        if entry is None:
            raise NotFoundError(f"there is no question {run_id}.", hint="See them at /api/breakpoints.")
        return entry

    def _row(self, hosted: Hosted, entry: Entry) -> QuestionRow:
        asking = _asking(hosted, entry.run_id)
        run_id = asking.context.get("runId")
        return QuestionRow(
            id=entry.run_id,
            status=_status(entry, _asked(hosted, entry.run_id)),
            agent_id=str(asking.context.get("agentId", "")),
            run_id=None if run_id is None else str(run_id),
            title=asking.title,
            tags=asking.tags,
            created_at=entry.created_at,
            updated_at=entry.updated_at,
        )

    def _wait_until_asked(self, hosted: Hosted, run_id: str) -> None:
        """Return when the question stands in the journal, so that whoever is told of it can answer it."""
        if hosted.conductor is None:
            # Somebody else drives it, whenever that is.
            return
        clock = hosted.workspace.clock
        until_s, drive, seen = clock.monotonic_s() + ASKED_WAIT_S, HostedDrive(hosted, run_id), 0
        try:
            while not drive.has_left and clock.monotonic_s() < until_s:
                seen = drive.wait_for_news(seen, _NEWS_S)
        finally:
            drive.close()
        if drive.failure is not None:
            raise drive.failure


def _inputs(posted: PostedQuestion) -> Json:
    """Return what the process gets. What a program says of itself is shown as its word, in the context."""
    if posted.ttl_seconds is not None and not 1 <= posted.ttl_seconds <= _TTL_S_MAX:
        raise UsageError(
            f"ttlSeconds is {posted.ttl_seconds}.", hint="Give 1 to 31536000 seconds, or leave it out."
        )
    payload = posted.payload if isinstance(posted.payload, dict) else {}
    asked = next((text for key in ("question", "summary") if (text := payload.get(key))), posted.title)
    context: dict[str, Any] = {"agentId": posted.agent_id, "payload": posted.payload}
    if posted.run_id is not None:
        context["runId"] = posted.run_id
    told = payload.get("context")
    if isinstance(told, dict):
        # What rules decide by, where the program says it.
        kinds = {"environment": str, "critical": bool}
        context |= {key: told[key] for key, kind in kinds.items() if isinstance(told.get(key), kind)}
    asking = Asking(
        question=str(asked or f"{posted.agent_id} asks for an answer."),
        title=posted.title or "",
        context=context,
        tags=posted.tags,
        expires_in_s=posted.ttl_seconds,
    )
    made: Json = msgspec.to_builtins(asking)
    return made


def _is_ours(hosted: Hosted, run_id: str) -> bool:
    return run_created(hosted.workspace.store, run_id).entry == ASK


def _asking(hosted: Hosted, run_id: str) -> Asking:
    """Return what was asked, as the journal has it: masked."""
    return msgspec.json.decode(hosted.queries.read_file(run_id, "inputs.json"), type=Asking)


def _asked(hosted: Hosted, run_id: str) -> BreakpointView | None:
    return next(iter(hosted.queries.breakpoints(run_id)), None)


def _status(entry: Entry, asked: BreakpointView | None) -> str:
    """Return how the guide's clients call a question that stands so. Without a decision it is never a yes."""
    if asked is not None and asked.state in ("released", "rejected", "expired"):
        return asked.state
    if entry.has_ended or (asked is not None and asked.state == "cancelled"):
        return "cancelled"
    return "waiting"


def _word(event: EventView) -> FeedbackShown | None:
    """Return what somebody said, of a line about a question."""
    data = event.data if isinstance(event.data, dict) else {}
    if event.type == "BREAKPOINT_RESPONDED":
        author, comment, decision = data.get("approver"), data.get("comment", ""), data.get("decision")
    elif event.type == "BREAKPOINT_INFO_REQUESTED":
        author, comment, decision = data.get("by"), data.get("question", ""), ""
    else:
        return None
    return FeedbackShown(
        id=str(event.seq),
        author=str(author),
        comment=str(comment),
        created_at=event.recorded_at,
        decision=str(decision),
    )


def _is_wanted(row: QuestionRow, which: Which) -> bool:
    return (
        which.status in ("", row.status)
        and which.agent_id in ("", row.agent_id)
        and (not which.tag or which.tag in row.tags)
    )
