"""The composition root: the one place that names implementations.

``open_workspace`` reads the settings and gives a ``Workspace``; everything
heavier (sandbox probe, executors, secrets) is made when it is first needed, so
that reading a run's status pays for none of it.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from babysitter.config import Place, environment, find_root, load_place, stamp_of
from babysitter.model.clock import Clock, Dice, format_time
from babysitter.model.effects import InlineFunction, Outcome, Sandbox
from babysitter.model.rules import Policy
from babysitter.model.runner import Confinement, Executor, Programs, Runner, SecretSource
from babysitter.model.values import Json
from babysitter.service.detecting import LateSearch, NothingSought, credential_search, masking_key
from babysitter.service.ports import SystemClock, SystemDice
from babysitter.service.settled_rules import policy_of, rules_taken_in
from babysitter.stores.disk import RealDisk
from babysitter.stores.files import FileStore
from babysitter.stores.interface import Holder, Store
from babysitter.stores.tree import Tree

if TYPE_CHECKING:
    from babysitter.changes.workspace import WorkspaceChanges
    from babysitter.scanners.scanning import Scanning
    from babysitter.secrets.detection.screening import Screen
    from babysitter.service.ledger import Ledger
    from babysitter.service.logbook import Logbook
    from babysitter.service.process.admission import WorkspaceAdmission
    from babysitter.service.process.admitted import Admission
    from babysitter.service.reviewing import Scans
    from babysitter.service.signers_in_force import SignerFiles
    from babysitter.service.witnessing import Witnessing
    from babysitter.signing.verify import Trust


class Secrets:
    """The vault of one run, with the masker and the matcher that use it."""

    def __init__(self, declared: tuple[str, ...], sources: Mapping[str, SecretSource], place: Place) -> None:
        from babysitter.secrets.detection.screening import ScreeningMasker  # noqa: PLC0415
        from babysitter.secrets.masker import Masker  # noqa: PLC0415 (reading a run needs no secrets)
        from babysitter.secrets.vault import Vault  # noqa: PLC0415
        from babysitter.service.sight import Sight  # noqa: PLC0415

        self.vault = Vault(sources, declared)
        screen = screen_of(place)
        self.masker = ScreeningMasker(Masker(self.vault), screen)
        self.sight = Sight(self.vault, self.masker, screen.sealer)


def screen_of(place: Place) -> "Screen":
    """Return what a workspace does about credentials that nobody declared."""
    from babysitter.secrets.detection.marks import Sealer  # noqa: PLC0415 (reading a run masks nothing)
    from babysitter.secrets.detection.screening import Screen  # noqa: PLC0415

    settings = place.settings.secrets
    search = LateSearch(partial(credential_search, place)) if settings.detect else NothingSought()
    return Screen(search, Sealer(partial(masking_key, beside_runs(place.runs_dir, "keys"))), settings.allow)


class Workspace:
    """One workspace, wired. Fakes for ``store``, ``clock``, ``dice`` and ``runner`` may be given by tests."""

    def __init__(
        self,
        place: Place,
        *,
        store: Store | None = None,
        clock: Clock | None = None,
        dice: Dice | None = None,
        runner: Runner | None = None,
    ) -> None:
        self.place = place
        self.clock: Clock = clock or SystemClock()
        self.dice: Dice = dice or SystemDice()
        self.store: Store = store or FileStore(place.runs_dir)
        self.policy = policy_of(place)
        # One thread at a time takes in rules, and the log is told before another decides by them.
        self._taking_rules = threading.RLock()
        self.scans: Scans | None = None
        """What scans the workspace beside its changes; None: the scanners of service.scans."""
        self._runner = runner

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.place.root

    @cached_property
    def runner(self) -> Runner:
        """The sandbox of this machine, chosen by the settings and by a probe.

        Raises:
            SandboxError: there is none, and the settings don't say ``mode = "none"``.
        """
        return self._runner or self.confinement

    @cached_property
    def confinement(self) -> Confinement:
        """The same, as it explains itself.

        Raises:
            SandboxError: as ``runner``.
        """
        from babysitter.executors.sandbox.choose import choose_runner  # noqa: PLC0415 (probes the machine)

        return choose_runner(self.root, self.place.settings.sandbox.mode, hidden=(self.place.runs_dir,))

    def secrets(self, declared: tuple[str, ...]) -> Secrets:
        """Return the secrets of a run that declares these.

        Raises:
            SecretError: one can't be masked, or where it is kept is away, so nothing could be written safely.
        """
        return Secrets(declared, self.secret_sources, self.place)

    @cached_property
    def secret_sources(self) -> Mapping[str, SecretSource]:
        """Where secrets come from, by the scheme of their references."""
        from babysitter.secrets.sources.catalogue import make_sources  # noqa: PLC0415 (reading needs no secrets)
        from babysitter.secrets.sources.secretspec import Surroundings  # noqa: PLC0415

        surroundings = Surroundings(programs=self.programs, base=self.root, environ=environment())
        return make_sources(self.place.settings.secrets.sources, surroundings)

    def executors(self, secrets: Secrets, files: Mapping[str, bytes], began: str) -> Mapping[str, Executor]:
        """Return the executor of each kind of task, for a process of these files.

        began: the tree of the run's beginning; empty where none was kept.
        """
        from babysitter.executors.node import NodeExecutor  # noqa: PLC0415 (not needed to read)
        from babysitter.executors.python import PythonExecutor  # noqa: PLC0415
        from babysitter.executors.reviewed import ReviewedCode  # noqa: PLC0415
        from babysitter.executors.scan import ScanExecutor  # noqa: PLC0415
        from babysitter.executors.security_tests import SecurityTestsExecutor  # noqa: PLC0415
        from babysitter.executors.shell import ShellExecutor  # noqa: PLC0415

        code = ReviewedCode(files, self.root.resolve())
        parts = (self.runner, secrets.vault, self.root, environment())
        return {
            "shell": ShellExecutor(*parts),
            "python": PythonExecutor(*parts, code),
            "node": NodeExecutor(*parts, code),
            "scan": ScanExecutor(self.runner, self.scanning),
            "tests": SecurityTestsExecutor(self.runner, self.root, self.changes, began),
        }

    @property
    def scanning(self) -> "Scanning":
        """What scanning needs: the settings as they are now, PATH, the clock."""
        from babysitter.scanners.scanning import Scanning  # noqa: PLC0415 (only to perform, or to scan)

        settings = self.place.settings.scan
        return Scanning(root=self.root, settings=settings, clock=self.clock, environ=environment())

    @property
    def call_inline(self) -> Callable[[InlineFunction, Json], Outcome]:
        """What performs a trusted trivial task in the driver's thread."""
        from babysitter.executors.inline import call_inline  # noqa: PLC0415 (reading performs nothing)

        return call_inline

    def sandbox_sha256(self, task_id: str, sandbox: Sandbox) -> str:
        """Return the digest of a task's effective profile. ``sandbox``: with what the settings grant it."""
        del task_id
        return self.runner.profile_sha256(sandbox)

    def policy_now(self) -> Policy:
        """Return the rules in force: those of the settings file as it is at this moment.

        Raises:
            SettingsError: the file was changed and is wrong now, so nothing can be decided.
        """
        with self._taking_rules:
            if stamp_of(self.root) != self.place.stamp:
                self.policy, self.place = rules_taken_in(self.place, vars(self).get("logbook"))
            return self.policy

    @property
    def signers_path(self) -> Path:
        """The file that says who may sign."""
        return self.root / self.place.settings.signing.signers

    @property
    def revoked_path(self) -> Path:
        """The file of keys that no longer count."""
        return self.root / self.place.settings.signing.revoked

    @property
    def signer_files(self) -> "SignerFiles":
        """Both, as they are on disk."""
        from babysitter.service.signers_in_force import SignerFiles  # noqa: PLC0415 (imports cryptography)

        return SignerFiles(self.signers_path, self.revoked_path)

    def trust_now(self) -> "Trust":
        """Return who may sign with which key, at this moment.

        Raises:
            SignersError: the file of signers, or the list of revoked keys, can't be used.
        """
        from babysitter.service.signers_in_force import signers_in_force  # noqa: PLC0415 (imports cryptography)

        return signers_in_force(self.signer_files, self.place.settings, self.policy_now(), self.logbook)

    @property
    def admission(self) -> "Admission":
        """What says whether code may run."""
        return self.process_trust

    @cached_property
    def process_trust(self) -> "WorkspaceAdmission":
        """Who has trusted which code, and whether that counts."""
        from babysitter.service.process.admission import WorkspaceAdmission  # noqa: PLC0415 (cryptography)
        from babysitter.service.process.admitted import surroundings  # noqa: PLC0415

        return WorkspaceAdmission(self, surroundings(self.place.user))

    def ledger(self, run_id: str) -> "Ledger":
        """Return the log's side of a run; the log is told first which rules and signers are in force."""
        logbook = self.logbook
        if not logbook.says_policy(self.policy_now()):
            with self._taking_rules, logbook.log.alone():
                logbook.tell_policy(self.policy_now())
        self.trust_now()
        return logbook.ledger(run_id, self.store)

    def unreviewed(self) -> list[str]:
        """Return the breakpoints whose glass was broken and that nobody has reviewed."""
        return self.logbook.unreviewed()

    def unsealed(self) -> set[str]:
        """Return the runs whose end the log has not been told of."""
        return self.logbook.unsealed() if self.log_folder.is_dir() else set()

    @cached_property
    def logbook(self) -> "Logbook":
        """The workspace's log."""
        from babysitter.log.workspace_log import WorkspaceLog  # noqa: PLC0415 (reading a run needs no log)
        from babysitter.service.logbook import Logbook  # noqa: PLC0415

        settings = self.place.settings.log
        log = WorkspaceLog(
            folder_tree(self.log_folder), clock=self.clock, dice=self.dice, origin=settings.origin
        )
        return Logbook(
            log, settings=settings, user=self.place.user, clock=self.clock, witness=self._after_a_leaf
        )

    def _after_a_leaf(self) -> None:
        if self.place.settings.log.witnesses:
            self.witnessing.update()

    def witness_problems(self) -> dict[str, str]:
        """Return why witnesses have not seen the newest checkpoint, by name."""
        return self.witnessing.problems if self.place.settings.log.witnesses else {}

    @cached_property
    def witnessing(self) -> "Witnessing":
        """What shows the log's checkpoints to others."""
        from babysitter.service.witnessing import Witnessing  # noqa: PLC0415 (only where there are witnesses)

        return Witnessing(
            settings=self.place.settings.log,
            log=self.logbook.log,
            root=self.root,
            programs=lambda: self.programs,
            clock=self.clock,
        )

    @property
    def log_folder(self) -> Path:
        """Where the log is: beside the runs, or inside a directory of runs that is called otherwise."""
        return beside_runs(self.place.runs_dir, "log")

    @cached_property
    def changes(self) -> "WorkspaceChanges":
        """What tells how the workspace has changed."""
        from babysitter.service.workspace_changes import changes_of  # noqa: PLC0415 (few runs show changes)

        return changes_of(self.place, self.log_folder, self.programs, self.dice)

    def node_if_any(self) -> Path | None:
        """Return the program node, for tests of JavaScript; None where this machine has none."""
        from babysitter.executors.node import node_if_any  # noqa: PLC0415 (only to run tests)

        return node_if_any()

    @cached_property
    def programs(self) -> Programs:
        """What starts stock programs for the person at work."""
        return local_programs()

    def sandbox_name(self) -> str:
        """Return how tasks are confined here, for RUN_CREATED; ``none`` when the settings switch it off."""
        return self.runner.name

    def pause(self, seconds: float) -> None:
        """Let that time pass."""
        time.sleep(seconds)

    def holder(self) -> Holder:
        """Return who we are, for the lock."""
        return Holder(
            user=self.place.user,
            host=self.place.host,
            pid=os.getpid(),
            since=format_time(self.clock.now_ns()),
        )


def local_programs() -> Programs:
    """Return what starts stock programs, for what is done outside of a workspace too."""
    from babysitter.executors.sandbox.programs import LocalPrograms  # noqa: PLC0415 (rarely needed)

    return LocalPrograms()


def beside_runs(runs_dir: Path, name: str) -> Path:
    """Return a folder of ours beside the runs, or inside a directory of runs that is called otherwise."""
    return runs_dir.parent / name if runs_dir.name == "runs" else runs_dir / f".{name}"


def folder_tree(folder: Path) -> Tree:
    """Return a folder of ours on this machine's disk, for what keeps more than runs."""
    return Tree(RealDisk(), str(folder))


def file_store(runs_dir: Path) -> Store:
    """Return the runs below a folder that is no workspace: an export, a backup."""
    return FileStore(runs_dir)


def open_workspace(folder: Path, *, runs_dir: str | None = None) -> Workspace:
    """Open the workspace that a folder belongs to.

    Raises:
        SettingsError: its settings file is wrong.
    """
    return Workspace(load_place(find_root(folder), runs_dir=runs_dir))
