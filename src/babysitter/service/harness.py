"""For a harness that performs the effects itself: hand them out, take their outcomes.

``iterate`` replays the run, journals what the process asks for now, and hands
out every effect that may start: its EFFECT_STARTED names the harness. What is
guarded is handed out only after its approval. ``post`` goes the way of mail.
"""

from dataclasses import dataclass

from babysitter.model.commands import RequestEffect
from babysitter.model.values import Json
from babysitter.service.children import Children
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.mail import PostMail
from babysitter.service.patience import Silence
from babysitter.service.pending import HARNESS, OpenEffect
from babysitter.service.reading import read_state
from babysitter.service.session import Opened, open_run, tell_log
from babysitter.service.views import RunView, View, as_stored, run_view
from babysitter.service.wiring import Workspace
from babysitter.service.workers import make_worker, this_process


class HandedOut(View, frozen=True, kw_only=True):
    """An effect for a harness to perform. ``input`` is masked: references, never values."""

    effect_id: str
    call_id: str
    task_id: str
    kind: str
    label: str
    attempt: int
    input: Json
    source: str
    qualname: str


class Iteration(View, frozen=True, kw_only=True):
    """Where the run stands after an iteration, and what is the harness's to do."""

    run: RunView
    effects: tuple[HandedOut, ...]


@dataclass(frozen=True, slots=True)
class Harness:
    """Use cases of a harness on one workspace.

    ``name``: whose harness it is, as the journal has it; empty: this process's own account.
    """

    workspace: Workspace
    name: str = ""

    def iterate(
        self, run_id: str, *, accept_changed: bool = False, allow_untrusted: bool = False
    ) -> Iteration:
        """Advance the process as far as it goes without performing anything, and hand out what may start."""
        workspace = self.workspace
        state = read_state(workspace.store, run_id)
        if state.end is not None:
            if run_id in workspace.unsealed():
                tell_log(workspace, run_id, state)
            return Iteration(
                run=run_view(run_id, state, location=workspace.store.location(run_id)), effects=()
            )
        opened = open_run(workspace, run_id, accept_changed=accept_changed, allow_untrusted=allow_untrusted)
        try:
            name = self.name or this_process(workspace)
            make_worker(workspace, opened, Silence(), no_children(), harness=name).hand_out()
            handed = tuple(
                _handed_out(opened, effect)
                for effect in opened.state.effects.values()
                if effect.phase == "running" and effect.worker.startswith(HARNESS)
            )
        finally:
            opened.close()
        run = as_stored(
            run_view(run_id, opened.state, location=workspace.store.location(run_id)),
            opened.secrets.masker.mask,
        )
        return Iteration(run=run, effects=handed)

    def post(
        self,
        run_id: str,
        effect_id: str,
        *,
        value: Json = None,
        error: tuple[str, str] | None = None,
        stdout: str | None = None,
        stderr: str | None = None,
    ) -> Sent:
        """Give an effect its outcome: ``value``, or ``error`` as (name, message)."""
        delivery = Delivery(self.workspace)
        message = PostMail(
            request_id=delivery.new_id(),
            sender=delivery.user,
            effect_id=effect_id,
            status="ok" if error is None else "error",
            value=value,
            error_name=error[0] if error else "",
            error_message=error[1] if error else "",
            stdout=stdout,
            stderr=stderr,
        )
        return delivery.send(run_id, message)


def _handed_out(opened: Opened, effect: OpenEffect) -> HandedOut:
    requested = effect.requested
    command = opened.calls[requested.effect_id]
    assert isinstance(command, RequestEffect), "effects are asked for by RequestEffect"
    return HandedOut(
        effect_id=requested.effect_id,
        call_id=requested.call_id,
        task_id=requested.task_id,
        kind=requested.kind,
        label=requested.label,
        attempt=effect.attempt,
        input=opened.writer.masker.mask(command.input),
        source=command.spec.source,
        qualname=command.spec.qualname,
    )


def no_children() -> Children:
    """Return children that are not driven: a harness starts and drives them itself."""
    return Children(
        drive=lambda _command, _run_id: "waiting",
        ended=lambda _run_id: None,
        send_cancel=lambda _r, _w: False,
    )
