"""Makes what decides about one run, from its workspace and its first line."""

from functools import partial

from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.errors import NotFoundError, SignatureError
from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.service.gates import Gates
from babysitter.service.judging import Judge
from babysitter.service.reviewing import Review
from babysitter.service.state import RunState
from babysitter.service.statements import place_of
from babysitter.service.wiring import Workspace
from babysitter.signing.verify import verify_signature


def gates_of(workspace: Workspace, run_id: str, state: RunState, review: Review | None = None) -> Gates:
    """Return what decides by the rules about a run. ``review``: given where effects are started by it."""
    created = state.created
    assert isinstance(created, ev.RunCreated), "a run that was read has its first line"
    return Gates(
        policy=workspace.policy_now,
        process_id=created.process_id,
        authors=frozenset({created.requested_by, *created.authors}),
        now_ns=workspace.clock.now_ns,
        monotonic_s=workspace.clock.monotonic_s,
        no_longer=partial(_no_longer, workspace, run_id),
        moved=review.moved if review is not None else _unmoved,
    )


def _unmoved(_asked: ev.BreakpointRequested) -> str:
    return ""


def _no_longer(
    workspace: Workspace, run_id: str, answer: ev.BreakpointResponded, answered_at: str
) -> str | None:
    """Return why a signed answer counts no more: its key was revoked or taken off since; None: it counts."""
    if answer.statement_ref is None or answer.signature_ref is None:
        return None
    try:
        verify_signature(
            workspace.trust_now(),
            message=workspace.store.read_file(run_id, answer.statement_ref.path),
            armored=workspace.store.read_file(run_id, answer.signature_ref.path),
            principal=answer.approver,
            namespace=APPROVAL_NAMESPACE,
            at_ns=parse_time(answered_at),
        )
    except (NotFoundError, SignatureError) as refused:
        return f"the signature of {answer.approver} no longer counts: {refused.message.rstrip('.')}"
    return None


def judge_of(workspace: Workspace, run_id: str, gates: Gates) -> Judge:
    """Return what judges the answers that come to a run."""
    return Judge(
        run_id=run_id,
        gates=gates,
        trust=workspace.trust_now,
        place_of=partial(place_of, workspace.store, run_id),
        unreviewed=workspace.unreviewed,
    )
