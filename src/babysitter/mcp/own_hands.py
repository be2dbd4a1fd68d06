"""Changing runs as the local account: this program performs, drives and posts by itself."""

from collections.abc import Callable
from dataclasses import dataclass

from babysitter.mcp.drives import Drive, Drives
from babysitter.mcp.interface import Outcome
from babysitter.model.values import Json
from babysitter.service.delivery import Sent
from babysitter.service.given_answers import GivenAnswer, GivenAnswers
from babysitter.service.harness import Harness, Iteration
from babysitter.service.runs import RunService
from babysitter.service.views import RunView
from babysitter.service.wiring import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHands:
    """See interface.Hands. workspace: its name, by which drives are told apart."""

    workspace: str
    open: Callable[[], Workspace]
    drives: Drives

    def start(self, entry: str, inputs: Json, run_id: str | None, *, drive: bool) -> str:
        """See Hands. Either can move the run on later, so what was wished now is not kept."""
        del drive
        return RunService(self.open()).create(entry, inputs, run_id=run_id)

    def hand_out(self, run_id: str) -> Iteration:
        """See Hands."""
        return Harness(self.open()).iterate(run_id)

    def drive(self, run_id: str) -> Drive:
        """See Hands."""
        return self.drives.drive(self.workspace, run_id, self.open)

    def post(self, run_id: str, effect_id: str, outcome: Outcome) -> Sent:
        """See Hands."""
        return Harness(self.open()).post(
            run_id,
            effect_id,
            value=outcome.value,
            error=outcome.error,
            stdout=outcome.stdout,
            stderr=outcome.stderr,
        )

    def answer(self, run_id: str, breakpoint_id: str, given: GivenAnswer) -> Sent:
        """See Hands."""
        return GivenAnswers(self.open()).send(run_id, breakpoint_id, given)

    def shown(self, run: RunView) -> RunView:
        """See Hands. Who calls shares the disk, and may know where the run lies."""
        return run
