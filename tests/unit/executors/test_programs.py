"""The executors of programs: what they start, and how each end becomes an outcome. The runner is a fake."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from babysitter.executors.inline import call_inline
from babysitter.executors.node import NodeExecutor
from babysitter.executors.python import PythonExecutor
from babysitter.executors.shell import TEXT_BYTES_MAX, ShellExecutor
from babysitter.model.effects import Denial, Outcome, Sandbox
from babysitter.model.errors import MissingToolError, SandboxError, SecretError
from babysitter.model.runner import Ended
from babysitter.model.secret import Secret
from tests.unit.executors.fakes import VALUES, FakeResolver, FakeRunner, attempt, exited

TOKEN = VALUES["env:TOKEN"]
OOM = Denial(what="memory beyond the limit: killed", rule="memory_mb")


def shell(
    runner: FakeRunner, value: object, environ: dict[str, str] | None = None, **fields: object
) -> Outcome:
    return ShellExecutor(runner, FakeResolver(), Path("/work"), environ or {}).perform(
        attempt("shell", value, **fields)
    )


def python(runner: FakeRunner, value: object = None, **fields: object) -> Outcome:
    return PythonExecutor(runner, FakeResolver(), Path("/work")).perform(
        attempt("python", value or {}, **fields)
    )


def error_name(outcome: Outcome) -> str:
    assert outcome.error is not None
    return outcome.error.name


def test_a_shell_step_gives_status_and_text() -> None:
    outcome = shell(FakeRunner(exited(), b"out", b"err"), {"argv": ["make"]})

    assert outcome.value == {"exitCode": 0, "stdout": "out", "stderr": "err"}


def test_secrets_reach_a_program_by_variable_and_standard_input_only() -> None:
    runner = FakeRunner(exited())

    shell(
        runner,
        {"argv": ["make"], "env": {"TOKEN": Secret("env:TOKEN")}, "stdin": Secret("env:TOKEN"), "cwd": "sub"},
    )

    (program,) = runner.programs
    assert (program.env, program.stdin, program.cwd) == ({"TOKEN": TOKEN}, TOKEN.encode(), "sub")
    assert TOKEN not in " ".join(program.argv)


@pytest.mark.parametrize("argument", [Secret("env:TOKEN"), TOKEN, f"--header=Bearer {TOKEN}"])
def test_a_secret_in_an_argument_is_refused_without_its_value(argument: object) -> None:
    runner = FakeRunner(exited())

    with pytest.raises(SecretError, match="env:TOKEN") as refused:
        shell(runner, {"argv": ["curl", argument]})

    assert TOKEN not in str(refused.value)
    assert runner.programs == []


def test_only_granted_variables_pass_through_and_declared_ones_win() -> None:
    runner = FakeRunner(exited())
    environ = {"CI": "true", "LANG": "de", "OTHER": "x"}

    shell(
        runner,
        {"argv": ["env"], "env": {"LANG": "en"}},
        environ,
        sandbox=Sandbox(env=("CI", "LANG", "ABSENT")),
    )

    assert runner.programs[0].env == {"CI": "true", "LANG": "en"}


def test_long_text_keeps_its_end_and_no_half_character() -> None:
    outcome = shell(FakeRunner(exited(), "ä".encode() * TEXT_BYTES_MAX + b"x"), {"argv": ["make"]})

    assert outcome.value["stdout"].startswith("ä")
    assert outcome.value["stdout"].endswith("äx")
    assert len(outcome.value["stdout"].encode()) <= TEXT_BYTES_MAX


def test_json_output_comes_from_stdout() -> None:
    assert shell(
        FakeRunner(exited(), b' {"a": [1]}\n'), {"argv": ["x"]}, options={"output": "json"}
    ).value == {"a": [1]}


def test_json_output_comes_from_the_result_when_there_is_one() -> None:
    runner = FakeRunner(exited(result=b"7"), b"chatter")

    assert shell(runner, {"argv": ["x"]}, options={"output": "json"}).value == 7


@pytest.mark.parametrize("printed", [b"", b"{", b"chatter", b"[1e999]", b"[12345678901234567890]"])
def test_output_that_is_not_json_of_ours_is_a_result_error(printed: bytes) -> None:
    outcome = shell(FakeRunner(exited(), printed), {"argv": ["x"]}, options={"output": "json"})

    assert error_name(outcome) == "ResultError"


def test_a_result_beyond_its_room_is_a_result_error() -> None:
    runner = FakeRunner(exited(result=b" " * (16 * 1024 * 1024) + b"1"))

    assert error_name(shell(runner, {"argv": ["x"]}, options={"output": "json"})) == "ResultError"


def test_a_status_is_an_error_unless_it_is_expected() -> None:
    runner = FakeRunner(exited(1), b"", b"first\nlast line\n")

    outcome = shell(runner, {"argv": ["grep"]})
    expected = shell(runner, {"argv": ["grep"]}, options={"okStatuses": [0, 1]})

    assert outcome.error is not None
    assert outcome.error.data == {"exitCode": 1}
    assert outcome.error.message == "grep ended with exit status 1. first | last line"
    assert expected.value["exitCode"] == 1


def test_a_status_that_stands_for_a_signal_may_be_expected() -> None:
    runner = FakeRunner(exited(13, why="signal"))

    assert shell(runner, {"argv": ["yes"]}, options={"okStatuses": [0, 141]}).value["exitCode"] == 141


def test_an_error_text_is_masked() -> None:
    outcome = shell(FakeRunner(exited(1), b"", f"no {TOKEN}".encode()), {"argv": ["x"]})

    assert outcome.error is not None
    assert outcome.error.message.endswith("no ***")


@pytest.mark.parametrize(
    ("ended", "name"),
    [
        (Ended(why="timeout", status=143, result=b""), "TimeoutError"),
        (Ended(why="stopped", status=143, result=b""), "Stopped"),
        (Ended(why="signal", status=9, result=b""), "Killed"),
        (Ended(why="signal", status=9, result=b"", denials=(OOM,)), "OutOfMemory"),
        (Ended(why="exit", status=1, result=b"", denials=(OOM,)), "OutOfMemory"),
        (Ended(why="exit", status=1, result=b""), "ExitStatus"),
    ],
)
@pytest.mark.parametrize(
    "perform",
    [
        lambda runner: shell(runner, {"argv": ["x"]}, timeout_s=3.0),
        lambda runner: python(runner, timeout_s=3.0),
    ],
)
def test_each_bad_end_has_its_name_and_keeps_its_denials(
    ended: Ended, name: str, perform: Callable[[FakeRunner], Outcome]
) -> None:
    outcome = perform(FakeRunner(ended))

    assert error_name(outcome) == name
    assert outcome.denials == ended.denials


def test_a_permission_that_is_never_given_is_an_outcome_with_its_denial() -> None:
    denial = Denial(what="write of .a5c", rule="run-data")
    runner = FakeRunner(SandboxError("no.", denial=denial))

    outcome = shell(runner, {"argv": ["x"]})

    assert (error_name(outcome), outcome.denials) == ("SandboxError", (denial,))


@pytest.mark.parametrize("error", [SandboxError("no sandbox."), MissingToolError("no make.")])
def test_what_could_not_be_tried_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        shell(FakeRunner(error), {"argv": ["x"]})


def test_a_python_task_gets_its_call_on_a_descriptor_with_secrets_in_clear() -> None:
    runner = FakeRunner(exited(result=b'{"ok":1}'))

    python(runner, {"key": Secret("env:TOKEN")})

    (program,) = runner.programs
    assert json.loads(program.input or b"") == {
        "workspace": "/work", "source": "tasks.py", "qualname": "work", "code": {}, "input": {"key": TOKEN},
    }  # fmt: skip
    assert TOKEN not in " ".join((*program.argv, *program.env.values()))


def test_a_python_error_arrives_under_its_own_name() -> None:
    told = {"error": {"name": "KeyError", "message": "'x'", "data": {"a": 1}}}

    outcome = python(FakeRunner(exited(1, json.dumps(told).encode())))

    assert outcome.error is not None
    assert (outcome.error.name, outcome.error.message, outcome.error.data) == ("KeyError", "'x'", {"a": 1})


@pytest.mark.parametrize(
    "told", [b"", b"1", b"{}", b'{"ok":', b'{"ok":1,"x":2}', b'{"ok":[1e999]}', b'{"ok":1}{"ok":2}']
)
def test_a_python_result_that_is_not_one_is_a_result_error(told: bytes) -> None:
    assert error_name(python(FakeRunner(exited(0, told)))) == "ResultError"


def test_a_python_result_of_null_is_a_result() -> None:
    assert python(FakeRunner(exited(0, b'{"ok":null}'))) == Outcome(value=None)


def test_a_node_task_gets_its_input_twice_and_gives_json() -> None:
    runner = FakeRunner(exited(result=b'{"b":2}'), b"log")

    outcome = NodeExecutor(runner, FakeResolver(), Path("/work")).perform(
        attempt("node", {"a": 1}, options={"script": "n.mjs"})
    )

    (program,) = runner.programs
    assert outcome.value == {"b": 2}
    assert (program.argv[1], program.input, program.stdin) == ("n.mjs", b'{"a":1}', b'{"a":1}')


def test_an_inline_task_gives_its_value_or_its_own_error() -> None:
    def fail(value: object) -> None:
        raise KeyError(value)

    assert call_inline(lambda value: value + 1, 1) == Outcome(value=2)
    assert error_name(call_inline(fail, "x")) == "KeyError"
