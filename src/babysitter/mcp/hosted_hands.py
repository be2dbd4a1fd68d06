"""Changing runs of a server's workspace in the name of its caller; what drives is the server's conductor.

Everything goes through the use cases of a visitor, which ask the caller's roles and scopes once more.
"""

from dataclasses import dataclass

from babysitter.mcp.interface import Outcome
from babysitter.model.errors import UsageError
from babysitter.model.values import Json
from babysitter.service.given_answers import GivenAnswer
from babysitter.service.harness import Iteration
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.questions import Given, VisitedQuestions
from babysitter.service.hosting.runs import Posted, SentView, Start, VisitedRuns, without_place
from babysitter.service.hosting.settling import HostedDrive
from babysitter.service.hosting.visit import Visit
from babysitter.service.views import RunView


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedHands:
    """See interface.Hands."""

    visit: Visit
    hosted: Hosted

    def start(self, entry: str, inputs: Json, run_id: str | None, *, drive: bool) -> str:
        """See Hands."""
        if not drive:
            # Who may create a run but not perform it would leave one behind that nobody moves on.
            self.visit.at("task.post", self.hosted.id)
        wish = Start(entry=entry, inputs=inputs, run_id=run_id, workspace=self.hosted.id, drive=drive)
        return VisitedRuns(self.visit).start(wish).run_id

    def hand_out(self, run_id: str) -> Iteration:
        """See Hands."""
        return VisitedRuns(self.visit).iterate(run_id, self.hosted.id)

    def drive(self, run_id: str) -> HostedDrive:
        """See Hands.

        Raises:
            UsageError: the run was created for a client that performs it.
        """
        entry = self.hosted.catalogue.refresh(run_id)
        if entry is not None and entry.harness:
            raise UsageError(
                f"run {run_id} is performed by its client.",
                hint="Iterate it without drive, or start it with drive.",
            )
        self.hosted.poke(run_id)
        return HostedDrive(self.hosted, run_id)

    def post(self, run_id: str, effect_id: str, outcome: Outcome) -> SentView:
        """See Hands."""
        name, message = outcome.error or ("", "")
        posted = Posted(
            status="ok" if outcome.error is None else "error",
            value=outcome.value,
            error_name=name,
            error_message=message,
            stdout=outcome.stdout,
            stderr=outcome.stderr,
        )
        return VisitedRuns(self.visit).post(run_id, effect_id, posted, self.hosted.id)

    def answer(self, run_id: str, breakpoint_id: str, given: GivenAnswer) -> SentView:
        """See Hands. Who answers is the visitor, whatever the answer says."""
        said = Given(
            decision=given.decision,
            comment=given.comment,
            on_behalf_of=given.on_behalf_of,
            break_glass=given.break_glass,
            statement=given.statement,
            signature=given.signature,
        )
        return VisitedQuestions(self.visit).answer(run_id, breakpoint_id, said, self.hosted.id)

    def shown(self, run: RunView) -> RunView:
        """See Hands. Where a run lies on the server's disk is nobody's business."""
        return without_place(run)
