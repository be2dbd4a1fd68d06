"""Makes what decides about one run, from its workspace and its first line."""

from functools import partial

from babysitter.model import events as ev
from babysitter.service.gates import Gates
from babysitter.service.judging import Judge
from babysitter.service.state import RunState
from babysitter.service.statements import place_of
from babysitter.service.wiring import Workspace


def gates_of(workspace: Workspace, state: RunState) -> Gates:
    """Return what decides by the rules about a run."""
    created = state.created
    assert isinstance(created, ev.RunCreated), "a run that was read has its first line"
    return Gates(
        policy=workspace.policy_now,
        process_id=created.process_id,
        authors=frozenset({created.requested_by, *created.authors}),
        now_ns=workspace.clock.now_ns,
        monotonic_s=workspace.clock.monotonic_s,
    )


def judge_of(workspace: Workspace, run_id: str, gates: Gates) -> Judge:
    """Return what judges the answers that come to a run."""
    return Judge(
        run_id=run_id,
        gates=gates,
        trust=workspace.trust_now,
        place_of=partial(place_of, workspace.store, run_id),
        unreviewed=workspace.unreviewed,
    )
