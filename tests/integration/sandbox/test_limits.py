"""Memory, processes, file size and /tmp: what binds here, and what is reported as observed."""

import contextlib
import os
import resource
from pathlib import Path

import pytest

from babysitter.executors.sandbox.limits import CgroupLimits, Limits, ProcessLimits, find_limits
from babysitter.model.effects import Sandbox
from tests.integration.sandbox.conftest import CONFINING, Trial, make_runner

pytestmark = pytest.mark.promise("G05")

FORK = """
import os, time
made = 0
try:
    while made < 2000:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError as error:
    print(made, error.errno, flush=True)
"""


def needs_cgroup(limits: Limits) -> None:
    if isinstance(limits, ProcessLimits):
        pytest.skip("this account has no cgroup to give; rlimits have tests of their own")


def test_a_fork_bomb_meets_the_limit_and_nothing_of_it_stays(any_trial: Trial, limits: Limits) -> None:
    needs_cgroup(limits)

    ended = any_trial.python(FORK, sandbox=Sandbox(processes=64), timeout_s=30)

    made, number = map(int, any_trial.out.split())
    assert 32 <= made <= 66
    assert number == 11
    assert [denial.rule for denial in ended.denials] == ["processes"]


def test_a_memory_hog_is_killed_and_it_is_reported(any_trial: Trial, limits: Limits) -> None:
    needs_cgroup(limits)

    ended = any_trial.python("x = bytearray(600_000_000)", sandbox=Sandbox(memory_mb=128), timeout_s=60)

    assert (ended.why, ended.status) == ("signal", 9)
    assert [denial.rule for denial in ended.denials] == ["memory_mb"]


def test_the_next_task_is_not_charged_with_the_last_ones_denials(any_trial: Trial, limits: Limits) -> None:
    needs_cgroup(limits)
    any_trial.python("x = bytearray(600_000_000)", sandbox=Sandbox(memory_mb=128))

    ended = any_trial.run("true")

    assert ended.denials == ()


def test_a_file_may_not_grow_beyond_its_limit(any_trial: Trial) -> None:
    ended = any_trial.run("sh", "-c", 'head -c 9000000 /dev/zero > "$TMPDIR/big"', sandbox=Sandbox(file_mb=4))

    assert ended.status != 0


def test_tmp_has_a_size(bubblewrapped: Trial) -> None:
    bubblewrapped.run("sh", "-c", "head -c 30000000 /dev/zero > /tmp/big", sandbox=Sandbox(tmp_mb=8))

    assert "No space left" in bubblewrapped.err


@pytest.mark.parametrize("name", CONFINING[:2])
def test_shared_memory_has_the_size_of_tmp_where_memory_is_not_counted(name: str, workspace: Path) -> None:
    trial = Trial(make_runner(name, workspace, ProcessLimits()))

    trial.run(
        "sh", "-c", "head -c 30000000 /dev/zero > /dev/shm/big; echo x > /dev/big", sandbox=Sandbox(tmp_mb=8)
    )

    assert "No space left" in trial.err
    assert "Read-only" in trial.err


def test_shared_memory_counts_as_memory(bubblewrapped: Trial, limits: Limits) -> None:
    needs_cgroup(limits)

    ended = bubblewrapped.run(
        "sh", "-c", "head -c 300000000 /dev/zero > /dev/shm/big", sandbox=Sandbox(memory_mb=64), timeout_s=60
    )

    assert [denial.rule for denial in ended.denials] == ["memory_mb"]


@pytest.mark.parametrize("name", [*CONFINING, "none"])
def test_without_a_cgroup_each_process_is_limited(name: str, workspace: Path) -> None:
    trial = Trial(make_runner(name, workspace, ProcessLimits()))

    trial.python("x = bytearray(600_000_000)", sandbox=Sandbox(memory_mb=128))

    assert "MemoryError" in trial.err


def test_no_core_is_written(any_trial: Trial) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    if before[1] == 0:
        pytest.skip("nobody here may write a core")
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))

    any_trial.run("sh", "-c", "ulimit -c")

    resource.setrlimit(resource.RLIMIT_CORE, before)
    assert any_trial.out == "0\n"


def test_cages_are_removed_at_the_end() -> None:
    limits = find_limits(Path("/proc/self/cgroup").read_text())
    if not isinstance(limits, CgroupLimits):
        needs_cgroup(limits)
        return
    limits.give_back(limits.take(Sandbox()))
    before = set(Path("/sys/fs/cgroup/pids").glob(f"babysitter-{os.getpid()}-*"))

    limits.close()

    assert len(set(Path("/sys/fs/cgroup/pids").glob(f"babysitter-{os.getpid()}-*"))) < len(before)


def test_a_version_2_cgroup_is_used_where_it_is_delegated(tmp_path: Path) -> None:
    """The files only: no machine of ours has these controllers in version 2."""
    slice_ = tmp_path / "user.slice/app.slice"
    (slice_ / "ours.scope").mkdir(parents=True)
    (slice_ / "cgroup.subtree_control").write_text("memory pids\n")
    (slice_ / "cgroup.procs").write_text("")

    limits = find_limits("0::/user.slice/app.slice/ours.scope\n", tmp_path, usable=lambda base, knob: True)

    assert isinstance(limits, CgroupLimits)
    assert limits.name == "cgroup v2"
    with contextlib.suppress(OSError):
        limits.close()


def test_without_delegation_each_process_is_limited_and_the_name_says_so(tmp_path: Path) -> None:
    assert find_limits("0::/user.slice\n", tmp_path).name == "rlimits"
