"""Starting and driving runs: the use cases behind ``start``, ``resume`` and ``run create``."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from babysitter.journal.reader import history, read_records
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.errors import RunExistsError, RunLockedError
from babysitter.model.values import Json
from babysitter.service.children import Children
from babysitter.service.entries import entry_of
from babysitter.service.mail import CancelMail, encode_mail
from babysitter.service.patience import Face, Patience, Silence
from babysitter.service.reading import read_state, read_states, run_created
from babysitter.service.session import NewRun, create_run, open_run, tell_log
from babysitter.service.state import RunState
from babysitter.service.views import RunView, as_stored, run_view
from babysitter.service.wiring import Workspace
from babysitter.service.workers import make_worker


class RunService:
    """Use cases on the runs of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._store = workspace.store

    def create(
        self, entry: str, inputs: Json, *, run_id: str | None = None, allow_untrusted: bool = False
    ) -> str:
        """Create a run and return its id; nothing of it is performed.

        allow_untrusted: what only a person at a terminal may say; a server never does.
        """
        return self.begin(NewRun(entry=entry, inputs=inputs, run_id=run_id, allow_untrusted=allow_untrusted))

    def begin(self, new: NewRun) -> str:
        """Create a run, as ``create`` does, for whoever asks."""
        return create_run(self._workspace, new, sandbox=self._workspace.sandbox_name())

    def start(
        self,
        entry: str,
        inputs: Json,
        *,
        run_id: str | None = None,
        patience: Patience | None = None,
        face: Face | None = None,
    ) -> RunView:
        """Create a run and drive it until it ends or waits."""
        return self.drive(self.create(entry, inputs, run_id=run_id), patience=patience, face=face)

    def drive(
        self,
        run_id: str,
        *,
        patience: Patience | None = None,
        face: Face | None = None,
        accept_changed: bool = False,
        allow_untrusted: bool = False,
    ) -> RunView:
        """Drive a run from where it stands until it ends, waits or is stopped; leave one that has ended.

        Raises:
            RunLockedError: somebody else drives it.
        """
        workspace = self._workspace
        patience = patience or Patience(far_timer_s=workspace.place.settings.worker.far_timer_s)
        face = face or Silence()
        state = read_state(self._store, run_id)
        if state.end is not None:
            tell_log(self._workspace, run_id, state)
            return self._view(run_id, state)
        opened = open_run(workspace, run_id, accept_changed=accept_changed, allow_untrusted=allow_untrusted)
        try:
            if opened.state.end is None:
                children = self._children(run_id, patience, face, allow_untrusted=allow_untrusted)
                make_worker(workspace, opened, face, children).drive(patience)
            # The driver's state holds values in clear; a view holds what the journal does. Masked before the
            # vault is closed: of a run that somebody ended just now, nothing was masked yet.
            return as_stored(self._view(run_id, opened.state), opened.secrets.masker.mask)
        finally:
            opened.close()

    def drive_many(self, run_ids: Sequence[str], *, threads: int = 8) -> list[RunView]:
        """Drive several runs, some at a time, so that the syncs of one overlap with the work of others."""
        with ThreadPoolExecutor(threads, thread_name_prefix="drive") as pool:
            return list(pool.map(self.drive, run_ids))

    def drive_due(self) -> list[RunView]:
        """Drive every run that has become due: by a time, an answer, or work that was cut off."""
        now_ns, unsealed = self._workspace.clock.now_ns(), self._workspace.unsealed()
        driven, states = [], dict(read_states(self._store))
        # A parent goes on once its child has ended, or where a crash kept the child from beginning.
        open_ = {run_id for run_id, state in states.items() if state.end is None}
        for run_id, state in states.items():
            if state.end is not None and run_id in unsealed:
                tell_log(self._workspace, run_id, state)
            elif state.end is None and (
                any(child.child_run_id not in open_ for child in state.children.values())
                or self._is_due(run_id, state, now_ns)
            ):
                try:
                    driven.append(self.drive(run_id))
                except RunLockedError:
                    # Somebody drives it already, which is all that was wanted.
                    continue
        return driven

    def _is_due(self, run_id: str, state: RunState, now_ns: int) -> bool:
        times = [
            *state.timers.values(),
            *(effect.due_at for effect in state.effects.values() if effect.due_at),
        ]
        times += [bp.requested.expires_at for bp in state.breakpoints.values() if bp.requested.expires_at]
        if any(parse_time(text) <= now_ns for text in times):
            return True
        waits = state.timers or state.signals or state.breakpoints or state.children or times
        has_mail = any(path.startswith("mail/") for path in self._store.paths(run_id))
        return has_mail or state.has_news or state.status == "running" or not waits

    def _children(self, run_id: str, patience: Patience, face: Face, *, allow_untrusted: bool) -> Children:
        workspace, store = self._workspace, self._store

        def is_child(child_run_id: str) -> bool:
            return run_created(store, child_run_id).parent_run_id == run_id

        def drive(command: cmd.StartChild, child_run_id: str) -> str:
            if child_run_id not in store.run_ids():
                new = NewRun(
                    entry=entry_of(command.process, workspace.root),
                    inputs=command.inputs,
                    run_id=child_run_id,
                    parent_run_id=run_id,
                    allow_untrusted=allow_untrusted,
                    # Who began the parent is the author of what it begins.
                    requested_by=run_created(store, run_id).requested_by,
                )
                create_run(workspace, new, sandbox=workspace.sandbox_name())
            elif not is_child(child_run_id):
                # Its id can be known before it is there: what ended in its place is not what it came to.
                raise RunExistsError(
                    f"run {child_run_id} is no child of {run_id}, whose child would have that id.",
                    hint=f"Look who started it, and why: babysitter run show {child_run_id}",
                )
            return self.drive(
                child_run_id, patience=patience, face=face, allow_untrusted=allow_untrusted
            ).status

        def ended(child_run_id: str) -> ev.Event | None:
            created = run_created(store, child_run_id)
            masker = workspace.secrets(created.secrets).masker
            records = read_records(store, child_run_id, torn_tail_ok=True)
            events = history(records, store, child_run_id, masker)
            last = deque(events, maxlen=1).pop()
            return last if type(last) in ev.END_TYPES else None

        def send_cancel(child_run_id: str, reason: str) -> bool:
            if child_run_id not in store.run_ids() or not is_child(child_run_id):
                return False
            request_id = f"{child_run_id}-parent"
            message = CancelMail(request_id=request_id, sender=workspace.place.user, reason=reason)
            store.send_mail(child_run_id, f"{request_id}.json", encode_mail(message))
            return True

        return Children(drive=drive, ended=ended, send_cancel=send_cancel)

    def _view(self, run_id: str, state: RunState) -> RunView:
        return run_view(run_id, state, location=self._store.location(run_id))
