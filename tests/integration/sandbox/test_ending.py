"""How programs end, and that nothing of them is left."""

import threading
import time
from pathlib import Path

import pytest

from babysitter.executors.sandbox.limits import Limits, ProcessLimits
from babysitter.model.effects import Sandbox
from babysitter.model.errors import MissingToolError, SandboxError
from tests.integration.sandbox.conftest import CONFINING, Trial, make_runner

pytestmark = pytest.mark.promise("G05")

DAEMON = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 10)
        os.execvp("sleep", ["sleep", "{mark}"])
    os._exit(0)
os.wait()
print("left it behind", flush=True)
"""


def alive(mark: str) -> list[str]:
    """Return the processes of this machine whose command line has the mark."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in file.read_bytes():
                found.append(file.parent.name)
        except OSError:
            continue
    return found


@pytest.fixture
def mark(request: pytest.FixtureRequest) -> str:
    """A number of seconds that nobody else sleeps."""
    return f"3{abs(hash(request.node.nodeid)) % 10**6:06}"


def test_exit_status_result_and_streams_come_back(any_trial: Trial) -> None:
    ended = any_trial.run("sh", "-c", "cat; cat <&3 >&4; echo err >&2; exit 7", stdin=b"in", input=b"{}")

    assert (ended.why, ended.status, ended.result) == ("exit", 7, b"{}")
    assert (any_trial.out, any_trial.err) == ("in", "err\n")


def test_the_result_can_be_written_by_its_path(any_trial: Trial) -> None:
    ended = any_trial.run("sh", "-c", 'echo 1 > "$BABYSITTER_RESULT_FILE"')

    assert ended.result == b"1\n", any_trial.err


def test_a_result_that_is_too_large_is_cut_one_byte_beyond_its_room(any_trial: Trial) -> None:
    ended = any_trial.run("sh", "-c", "head -c 5000 /dev/zero >&4", result_bytes_max=1000)

    assert len(ended.result) == 1001


def test_a_signal_is_told_as_a_signal(any_trial: Trial) -> None:
    ended = any_trial.run("sh", "-c", "kill -SEGV $$")

    assert (ended.why, ended.status) == ("signal", 11)


def test_all_output_arrives_however_much(any_trial: Trial) -> None:
    ended = any_trial.run("sh", "-c", "head -c 3000000 /dev/zero; head -c 300000 /dev/zero >&2")

    assert ended.status == 0
    assert (len(any_trial.stdout.kept), len(any_trial.stderr.kept)) == (3_000_000, 300_000)


def test_a_program_out_of_time_is_asked_and_may_clean_up(any_trial: Trial) -> None:
    ended = any_trial.run("sh", "-c", "trap 'echo cleaned; exit 0' TERM; sleep 60 & wait", timeout_s=1)

    assert ended.why == "timeout"
    assert any_trial.out == "cleaned\n"


def test_a_program_that_does_not_listen_is_killed(any_trial: Trial, mark: str) -> None:
    ended = any_trial.run("sh", "-c", f"trap '' TERM; sleep {mark}; sleep {mark}", timeout_s=0.5)

    assert ended.why == "timeout"
    assert alive(mark) == []


@pytest.mark.parametrize("before", [True, False], ids=["before it starts", "while it runs"])
def test_a_stopped_program_ends(before: bool, any_trial: Trial, mark: str) -> None:
    if before:
        any_trial.stop.set()
    else:
        any_trial.stdout.on_write = lambda chunk: any_trial.stop.set()

    ended = any_trial.run("sh", "-c", f"echo on; sleep {mark}")

    assert ended.why == "stopped"
    assert alive(mark) == []
    any_trial.stop.set()


def test_no_process_outlives_the_program(any_trial: Trial, mark: str) -> None:
    ended = any_trial.python(DAEMON.format(mark=mark))

    assert (ended.why, ended.status, any_trial.out) == ("exit", 0, "left it behind\n")
    assert alive(mark) == []


@pytest.mark.parametrize("name", [*CONFINING, "none"])
def test_no_process_outlives_the_program_without_a_cgroup_either(
    name: str, workspace: Path, mark: str
) -> None:
    trial = Trial(make_runner(name, workspace, ProcessLimits()))

    trial.python(DAEMON.format(mark=mark))

    assert trial.out == "left it behind\n"
    assert alive(mark) == []


def test_no_process_outlives_a_stopped_program(any_trial: Trial, mark: str) -> None:
    any_trial.stdout.on_write = lambda chunk: any_trial.stop.set()

    ended = any_trial.python(DAEMON.format(mark=mark) + f"import time; time.sleep({mark})")

    assert ended.why == "stopped"
    assert alive(mark) == []


def test_a_sink_that_fails_ends_the_program(any_trial: Trial, mark: str) -> None:
    def fail(chunk: bytes) -> None:
        raise OSError("disk full")

    any_trial.stdout.on_write = fail
    with pytest.raises(OSError, match="disk full"):
        any_trial.run("sh", "-c", f"echo on; sleep {mark}")

    assert alive(mark) == []


def test_a_missing_program_is_named(any_trial: Trial) -> None:
    with pytest.raises(MissingToolError, match="no-such-program"):
        any_trial.run("no-such-program")


def test_a_missing_interpreter_is_not_taken_for_an_exit_status(any_trial: Trial, workspace: Path) -> None:
    script = workspace / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)

    with pytest.raises(SandboxError, match="was not started"):
        any_trial.run("./script")


def test_a_folder_that_is_not_there_is_not_taken_for_an_exit_status(any_trial: Trial) -> None:
    with pytest.raises(SandboxError, match="was not started"):
        any_trial.run("true", cwd="nowhere")


@pytest.mark.parametrize("name", [*CONFINING, "none"])
def test_many_threads_run_programs_at_once(name: str, workspace: Path, limits: Limits) -> None:
    runner = make_runner(name, workspace, limits)
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(3):
            trial = Trial(runner)
            ended = trial.run(
                "sh", "-c", "cat <&3 >&4; echo $N", env={"N": f"{number}.{turn}"}, input=b"%d" % number
            )
            if (ended.result, trial.out) != (b"%d" % number, f"{number}.{turn}\n"):
                wrong.append((ended, trial.out, trial.err))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_descriptors_are_given_back(any_trial: Trial) -> None:
    any_trial.run("true")
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(3):
        any_trial.run("true", sandbox=Sandbox())

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_supervised_program_takes_no_time_of_ours_while_it_waits(any_trial: Trial) -> None:
    before = time.thread_time()

    any_trial.run("sleep", "1.5")

    assert time.thread_time() - before < 0.5
