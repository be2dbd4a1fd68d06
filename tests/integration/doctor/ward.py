"""A workspace on disk with git for real, and everything else as a test says: who, when, which programs."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from babysitter.config import load_place
from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.model.errors import SandboxError, SettingsError
from babysitter.model.runner import Called, Runner
from babysitter.service.doctor.catalogue import CHECKS
from babysitter.service.doctor.check import Result
from babysitter.service.doctor.examining import looked
from babysitter.service.doctor.ports import AskAdvisories, ListWords
from babysitter.service.doctor.surroundings import Surroundings
from babysitter.service.git.credentials import FindCredentials
from babysitter.service.runs import RunService
from babysitter.service.wiring import Workspace
from babysitter.testing.clocks import FakeClock, FakeDice
from babysitter.testing.programs import Call, FakePrograms, missing
from babysitter.testing.trusting import trust_as_it_is
from tests.integration.git.repository import find

NOW_NS = 1_769_854_530_123_456_000
RULE = """
[roles]
managers = ["alice@example.com", "bob@example.com"]
[[approvals]]
id = "production"
when = { environment = "production" }
roles = ["managers"]
"""
PROCESS = '''\
"""A process of nothing."""

from babysitter import Context, process


@process
async def nothing(ctx: Context) -> int:
    return 1
'''


class NamedRunner:
    """A sandbox of which only the name is asked."""

    def __init__(self, name: str) -> None:
        self.name = name


class NoSandbox(Workspace):
    """A workspace on a machine where nothing confines."""

    @property
    def runner(self) -> Runner:
        raise SandboxError("no sandbox works here: user namespaces are off.", hint="Install bubblewrap.")


class Programs(FakePrograms):
    """The programs of this machine, but for those that a test answers for. None: it is not here."""

    def __init__(self, answers: Mapping[str, Called | None]) -> None:
        super().__init__(self._answered)
        self.answers = dict(answers)
        self._real = LocalPrograms()

    def _answered(self, call: Call) -> Called:
        for name, answer in self.answers.items():
            if name in call.argv:
                return missing(call) if answer is None else answer
        mine = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **call.env}
        return self._real.call(call.argv, stdin=call.stdin, cwd=call.cwd, env=mine, timeout_s=call.timeout_s)


class Ward:
    """One workspace that is examined. Change its fields before looking."""

    def __init__(self, root: Path) -> None:
        self.root = root / "ws"
        self.root.mkdir(mode=0o700)
        self.home = root / "home"
        self.environ: dict[str, str] = {}
        self.uid = os.getuid()
        self.clock = FakeClock(NOW_NS, step_ns=0)
        self.programs = Programs({})
        self.online = True
        self.from_index = True
        self.system = root / "system"
        self.sandbox: str | None = "bubblewrap"
        self.find: FindCredentials | None = find
        self.advisories: AskAdvisories | None = None
        self.words: ListWords | None = None
        self.keep: list[BinaryIO] = []
        self.statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
        self.write("babysitter.toml", "", mode=0o600)
        self.linux("/ ext4")

    def write(self, path: str, text: str | bytes = "x\n", *, mode: int | None = None) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        if mode is not None:
            file.chmod(mode)
        return file

    def settings(self, text: str) -> None:
        self.write("babysitter.toml", text, mode=0o600)

    def git(self, *words: str, stdin: str = "") -> str:
        alone = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.home)}
        named = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
        done = subprocess.run(
            ["git", *named, *words],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], **alone},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def repository(self) -> None:
        self.git("init", "--quiet")

    def linux(self, *mounts: str, swaps: str = "") -> None:
        """Have /proc say that these are mounted, each as ``POINT KIND [DEVICE]``."""
        lines = []
        for number, mount in enumerate(mounts, start=20):
            point, kind, device = (*mount.split(), "8:1")[:3]
            lines.append(f"{number} 1 {device} / {point} rw,relatime shared:1 - {kind} /dev/x rw")
        proc = self.system / "proc"
        (proc / "self").mkdir(parents=True, exist_ok=True)
        (proc / "self/mountinfo").write_text("\n".join(lines) + "\n")
        (proc / "swaps").write_text(f"Filename\tType\tSize\tUsed\tPriority\n{swaps}")

    def workspace(self) -> Workspace:
        place = load_place(self.root)
        kind = Workspace if self.sandbox else NoSandbox
        runner = NamedRunner(self.sandbox) if self.sandbox else None
        return kind(place, clock=self.clock, dice=FakeDice(), runner=runner)  # type: ignore[arg-type]

    def run(self, run_id: str = "r") -> Path:
        """Have a run of nothing, from its first line to its last; return its journal."""
        self.write("p.py", PROCESS)
        trust_as_it_is(self.root, "p.py")
        RunService(self.workspace()).start("p.py", None, run_id=run_id)
        return self.root / ".a5c/runs" / run_id / "journal/journal.jsonl"

    def here(self) -> Surroundings:
        workspace: Workspace | None = None
        wrong: SettingsError | None = None
        try:
            workspace = self.workspace()
        except SettingsError as error:
            wrong = error
        return Surroundings(
            root=self.root,
            workspace=workspace,
            settings_error=wrong,
            environ=self.environ,
            uid=self.uid,
            clock=self.clock,
            programs=self.programs,
            online=self.online,
            from_index=self.from_index,
            system=self.system,
            home=self.home,
            statvfs=self.statvfs,
            find=self.find,
            advisories=self.advisories,
            words=self.words,
        )

    def look(self, check_id: str) -> Result:
        return looked(next(check for check in CHECKS if check.id == check_id), self.here())


Arrange = Callable[[Ward], object]
Cases = Mapping[tuple[str, str], Arrange]
"""A check and the state that it comes to, and how things stand then."""


def called(stdout: str | bytes = "", *, status: int = 0, stderr: str = "") -> Called:
    data = stdout.encode() if isinstance(stdout, str) else stdout
    return Called(status=status, stdout=data, stderr=stderr.encode())


def audited(*dependencies: Mapping[str, object]) -> Called:
    return called(json.dumps({"dependencies": list(dependencies), "fixes": []}))


def names_of(cases: Cases) -> list[str]:
    return [f"{check}: {state}" for check, state in cases]
