"""The examples of docs/reference/authoring.md run as they stand."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from babysitter.authoring.steps import Value
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.secret import secret
from tests.unit.engine.host import Fails, Host

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "authoring.md"


@pytest.fixture(scope="module")
def page() -> Value:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    module = ModuleType("authoring_page")
    exec(compile("\n".join(blocks), str(PAGE), "exec"), module.__dict__)
    return module


def answer(command: cmd.Command) -> Value:
    match command:
        case cmd.RequestEffect(spec=spec, input=value) if spec.task_id == "deploy":
            return {"region": value["region"], "url": f"https://{value['region']}"}
        case cmd.RequestEffect():
            return {"exitCode": 0}
        case _:
            return None


def test_the_release_asks_and_deploys_to_all_regions(page: Value) -> None:
    host = Host(page.release, {"target": "all", "regions": ["eu", "us"]}, answer).drive()

    assert host.output == ["https://eu", "https://us"]
    (asked,) = (command for command in host.commands if isinstance(command, cmd.RequestBreakpoint))
    key = secret("env:API_KEY")
    assert [call.input for call in asked.approves] == [
        {"region": name, "api_key": key} for name in ("eu", "us")
    ]


def test_a_rejected_release_says_why(page: Value) -> None:
    def reject(command: cmd.Command) -> Value:
        return Fails(message="add tests") if isinstance(command, cmd.RequestBreakpoint) else answer(command)

    assert Host(page.release, {"target": "all"}, reject).drive().output == ["not deployed: add tests"]


def test_the_careful_one_cleans_up(page: Value) -> None:
    host = Host(page.careful, answer=answer, at={1: ev.RunCancelRequested(by="alice")}).drive()

    assert isinstance(host.end, ev.RunCancelled)
    assert [c.input["argv"][1] for c in host.commands if isinstance(c, cmd.RequestEffect)] == ["all", "clean"]


def test_the_patched_one_signs(page: Value) -> None:
    host = Host(page.patched_release, answer=answer).drive()

    assert [c.input["argv"][1] for c in host.commands if isinstance(c, cmd.RequestEffect)] == [
        "all",
        "sign",
        "publish",
    ]
