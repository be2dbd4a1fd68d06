"""A workspace in which whole runs happen at a test's word: its own time, dice, store and performers.

Everything is real but what reaches the world: tasks in sandboxes are performed by
``ScriptedExecutor``, which a test tells what to give; inline tasks are called as ever.
"""

import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from babysitter.config import Place, Settings
from babysitter.executors.python_child import describe
from babysitter.journal.reader import history, read_records
from babysitter.model.clock import Clock, Dice
from babysitter.model.effects import Outcome, Sandbox
from babysitter.model.errors import BabysitterError
from babysitter.model.events import ErrorInfo, Event
from babysitter.model.rules import Policy
from babysitter.model.runner import Attempt, Executor, Resolver
from babysitter.model.secret_settings import SecretsTable
from babysitter.model.values import Json
from babysitter.service.ledger import Ledger, NoLedger
from babysitter.service.patience import Patience, Silence
from babysitter.service.process.admitted import Admission, Admitted
from babysitter.service.process.closure import Sources
from babysitter.service.reading import run_created
from babysitter.service.runs import RunService
from babysitter.service.views import RunView
from babysitter.service.wiring import Secrets, Workspace
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.verify import Trust
from babysitter.stores.interface import Store
from babysitter.testing.clocks import FakeClock, FakeDice
from babysitter.testing.memory_store import MemoryStore

Act = Callable[[Attempt, Any], Json | Outcome]
"""Performs a task: gets the attempt and its input with secrets in clear; gives a result or raises."""

SETTINGS = Settings(secrets=SecretsTable(recognise=False))
"""Nothing of the environment that the tests happen to run in is a secret."""


class ScriptedExecutor:
    """See model.runner.Executor. Gives what the script says; None for a task that it does not name."""

    def __init__(self, resolver: Resolver, script: Mapping[str, Act], performed: list[Attempt]) -> None:
        self._resolver = resolver
        self._script = script
        self._performed = performed

    def perform(self, attempt: Attempt) -> Outcome:
        """See Executor."""
        value = self._resolver.reveal(attempt.input)
        self._performed.append(attempt)
        act = self._script.get(attempt.spec.task_id)
        if act is None:
            return Outcome()
        try:
            given = act(attempt, value)
        except BabysitterError:
            raise
        except Exception as error:  # noqa: BLE001 (what a task raises is its outcome)
            return Outcome(error=ErrorInfo(**describe(error)))
        return given if isinstance(given, Outcome) else Outcome(value=given)


class TrustsAll:
    """service.process.admitted.Admission of a test kit: all code may run, by the user's word."""

    def __init__(self, user: str) -> None:
        self._user = user

    def admit(self, sources: Sources, *, allow_untrusted: bool = False) -> Admitted:
        """See Admission."""
        del sources, allow_untrusted
        return Admitted(method="local", by=(self._user,))


class FakeWorkspace(Workspace):
    """See Workspace.

    root: the folder with the processes' files.
    script: what performing gives, by task. performed: attempts, in order.
    """

    def __init__(
        self,
        root: Path,
        *,
        store: Store | None = None,
        clock: Clock | None = None,
        dice: Dice | None = None,
        settings: Settings = SETTINGS,
        user: str = "alice",
    ) -> None:
        # The store is in memory; the key that digests credentials is no test's to keep beside the processes.
        runs_dir = Path(tempfile.gettempdir()) / "babysitter-tests" / ".a5c" / "runs"
        place = Place(root=root, runs_dir=runs_dir, settings=settings, user=user, host="here")
        super().__init__(
            place,
            store=store if store is not None else MemoryStore(),
            clock=clock if clock is not None else FakeClock(),
            dice=dice if dice is not None else FakeDice(),
        )
        self.admits: Admission = TrustsAll(user)
        self.script: dict[str, Act] = {}
        self.performed: list[Attempt] = []
        self.trust = Trust(signers=AllowedSigners.parse(""))
        self.keeps_log = False
        self.log_folder_for_tests: Path | None = None

    def seen_by(self, user: str) -> "FakeWorkspace":
        """Return the same workspace as another person has it."""
        place = self.place
        other = FakeWorkspace(
            place.root,
            store=self.store,
            clock=self.clock,
            dice=self.dice,
            settings=place.settings,
            user=user,
        )
        other.script, other.performed, other.policy = self.script, self.performed, self.policy
        other.trust, other.keeps_log = self.trust, self.keeps_log
        return other

    @property
    def admission(self) -> Admission:
        """See Workspace. Code is trusted unless a test says otherwise."""
        return self.admits

    def executors(self, secrets: Secrets, files: Mapping[str, bytes], began: str) -> Mapping[str, Executor]:
        """See Workspace."""
        del files, began
        scripted = ScriptedExecutor(secrets.vault, self.script, self.performed)
        return dict.fromkeys(("python", "shell", "node", "scan", "tests"), scripted)

    def sandbox_sha256(self, task_id: str, sandbox: Sandbox) -> str:
        """See Workspace."""
        del task_id, sandbox
        return "0" * 64

    def policy_now(self) -> Policy:
        """See Workspace. The rules are those that the test says."""
        return self.policy

    def trust_now(self) -> Trust:
        """See Workspace."""
        return self.trust

    def ledger(self, run_id: str) -> Ledger:
        """See Workspace. Nothing is logged unless the test asks for a log."""
        return super().ledger(run_id) if self.keeps_log else NoLedger()

    @property
    def log_folder(self) -> Path:
        """See Workspace."""
        return self.log_folder_for_tests or super().log_folder

    def unreviewed(self) -> list[str]:
        """See Workspace."""
        return super().unreviewed() if self.keeps_log else []

    def unsealed(self) -> set[str]:
        """See Workspace."""
        return super().unsealed() if self.keeps_log else set()

    def sandbox_name(self) -> str:
        """See Workspace."""
        return "none"

    def pause(self, seconds: float) -> None:
        """Let that time pass, on a fake clock without waiting for it."""
        if isinstance(self.clock, FakeClock):
            self.clock.advance(seconds)
        else:
            super().pause(seconds)

    def events(self, run_id: str) -> list[Event]:
        """Return a run's events as its process gets them."""
        masker = self.secrets(run_created(self.store, run_id).secrets).masker
        return list(history(read_records(self.store, run_id), self.store, run_id, masker))

    def types(self, run_id: str) -> list[str]:
        """Return the types of a run's lines."""
        return [record.type for record in read_records(self.store, run_id)]


class WatchingFace(Silence):
    """A face that lets a test wait for a line of the run that is driven in another thread."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._changed = threading.Condition()

    def journaled(self) -> None:
        """See Face."""
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, event_type: str, count: int = 1) -> None:
        """Return when the run has that many durable lines of the type."""

        def is_there() -> bool:
            types = [record.type for record in read_records(self._store, self._run_id)]
            return types.count(event_type) >= count

        with self._changed:
            if not self._changed.wait_for(is_there, timeout=20):
                raise AssertionError(f"no {event_type} came")


class Driving:
    """A run driven in a thread of its own, patiently, until it ends or the block does."""

    def __init__(self, workspace: Workspace, run_id: str, *, wait: bool = True) -> None:
        self.face = WatchingFace(workspace.store, run_id)
        self.patience = Patience(wait=wait)
        self._service = RunService(workspace)
        self._run_id = run_id
        self._view: RunView | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._drive, name=f"drive-{run_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.patience.stop()
        self.patience.stop()
        self._thread.join(timeout=20)

    def ended(self) -> RunView:
        """Return how the driver left the run, once it has left it."""
        self._thread.join(timeout=20)
        if self._failure is not None:
            raise self._failure
        assert self._view is not None, "the driver did not leave the run"
        return self._view

    def _drive(self) -> None:
        try:
            self._view = self._service.drive(self._run_id, patience=self.patience, face=self.face)
        except BaseException as failure:  # noqa: BLE001 (carried to the test's thread, which raises it)
            self._failure = failure
