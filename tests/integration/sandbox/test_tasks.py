"""Python and Node tasks end to end: the author's file, a real sandbox, a real process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from babysitter.executors.node import NodeExecutor
from babysitter.executors.python import PythonExecutor
from babysitter.executors.sandbox.limits import Limits
from babysitter.model.effects import Outcome
from babysitter.model.secret import Secret
from tests.integration.sandbox.conftest import make_runner
from tests.unit.executors.fakes import VALUES, FakeResolver, FakeSink, attempt

TASKS = """
from dataclasses import dataclass
from babysitter import Secret, task
import beside
from lib import deeper

@dataclass
class Made:
    size: int
    of: str

@task
def make(size: int, key: Secret) -> Made:
    print("making", key.reveal())
    return Made(size=size + beside.ONE, of=type(key).__name__)

class Refusal(Exception):
    data = {"code": 7}

@task
def refuse(text: str) -> None:
    raise Refusal(f"no {text}")

@task
def leave() -> None:
    raise SystemExit(3)

@task
def vanish() -> None:
    import os
    os._exit(0)

@task
async def wait() -> int:
    import asyncio
    await asyncio.sleep(0)
    return 5
"""

Perform = Callable[..., tuple[Outcome, str, str]]


@pytest.fixture(params=["bubblewrap of the system", "landlock"])
def perform(request: pytest.FixtureRequest, workspace: Path, limits: Limits) -> Perform:
    (workspace / "lib").mkdir()
    (workspace / "lib/deeper.py").write_text("")
    (workspace / "jobs").mkdir()
    (workspace / "jobs/work.py").write_text(TASKS)
    (workspace / "jobs/beside.py").write_text("ONE = 1\n")
    executor = PythonExecutor(make_runner(request.param, workspace, limits), FakeResolver(), workspace)

    def perform(name: str, **values: object) -> tuple[Outcome, str, str]:
        tried = attempt("python", values, source="jobs/work.py", qualname=name, task_id=name)
        outcome = executor.perform(tried)
        assert isinstance(tried.stdout, FakeSink)
        assert isinstance(tried.stderr, FakeSink)
        return outcome, tried.stdout.kept.decode(), tried.stderr.kept.decode()

    return perform


def test_a_function_gets_typed_arguments_and_its_secret(perform: Perform) -> None:
    outcome, out, err = perform("make", size=1, key=Secret("env:TOKEN"))

    assert outcome.value == {"size": 2, "of": "Secret"}, err
    assert out == f"making {VALUES['env:TOKEN']}\n"


def test_an_exception_keeps_its_name_text_and_data_and_its_traceback_begins_in_the_authors_code(
    perform: Perform,
) -> None:
    outcome, _, err = perform("refuse", text="way")

    assert outcome.error is not None
    assert (outcome.error.name, outcome.error.message) == ("Refusal", "no way")
    assert outcome.error.data == {"code": 7}
    assert "work.py" in err.splitlines()[1]
    assert "python_child" not in err


@pytest.mark.parametrize(
    ("name", "error"), [("leave", "SystemExit"), ("vanish", "ResultError"), ("nowhere", "ImportError")]
)
def test_a_function_that_gives_nothing_fails_by_name(name: str, error: str, perform: Perform) -> None:
    outcome, _, _ = perform(name)

    assert outcome.error is not None
    assert outcome.error.name == error


def test_an_async_function_is_run_to_its_end(perform: Perform) -> None:
    assert perform("wait")[0].value == 5


@pytest.mark.parametrize("name", ["bubblewrap of the system", "landlock"])
def test_the_pattern_of_the_docs_for_node_works(name: str, workspace: Path, limits: Limits) -> None:
    page = Path(__file__).parents[3] / "docs/reference/sandbox.md"
    (workspace / "sum.mjs").write_text(page.read_text().split("```js\n")[1].split("```")[0])
    tried = attempt("node", {"numbers": [1, 2, 3]}, options={"script": "sum.mjs"})

    outcome = NodeExecutor(make_runner(name, workspace, limits), FakeResolver(), workspace).perform(tried)

    assert outcome.value == {"total": 6}, tried.stderr.tail(2000)
