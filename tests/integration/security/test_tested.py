"""A process has the security tests run before it asks, and a rule wants all four of what is shown."""

import json
from pathlib import Path

import pytest

from babysitter.cli.root import run
from babysitter.config import load_place
from babysitter.model import events as ev
from babysitter.service.reading import read_state
from babysitter.service.wiring import Workspace
from tests.integration.security.test_security_tests import BOOKSHOP

pytestmark = [pytest.mark.needs("git"), pytest.mark.promise("G16"), pytest.mark.linux]
ALL = ["authentication", "authorization", "input-validation", "error-handling"]
SETTINGS = f"""\
[[approvals]]
id = "production"
when = {{ environment = "production" }}
people = ["*"]
author_may_approve = true
signature = false
security_tests = {json.dumps(ALL)}

[[sandbox.tasks]]
task = "write_code"
read = ["{BOOKSHOP}"]
"""
PROCESS = """\
import shutil
from babysitter import Context, Sandbox, process, security_tests, task

@task(sandbox=Sandbox(write=(".",)), idempotent=True)
def write_code(source: str) -> None:
    shutil.copytree(source, ".", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

@task(sandbox=Sandbox(write=(".",)), idempotent=True)
def touch_up() -> None:
    with open("shop.py", "a") as file:
        file.write("# The last word.\\n")

@task(environment="production", critical=True)
def ship() -> str:
    return "shipped"

@process
async def ship_shop(inputs: dict[str, str], ctx: Context) -> str:
    await ctx.task(write_code, inputs["source"])
    report = await ctx.task(security_tests())
    if inputs.get("then"):
        await ctx.task(touch_up)
    review = await ctx.breakpoint(
        "Ship?", "Ship", context={"environment": "production"}, diff=True, scan=True, findings=report,
        approves=[ship.call()],
    )
    return await ctx.task(ship) if review.approved else "not shipped"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "w"
    root.mkdir()
    (root / "ship.py").write_text(PROCESS)
    (root / "babysitter.toml").write_text(SETTINGS)
    monkeypatch.chdir(root)
    return root


def shipped(*inputs: str) -> int:
    """Start, approve and resume; return how the driver left the run."""
    words = [word for each in inputs for word in ("--input", each)]
    assert run(["start", "ship.py", "--allow-untrusted", "--run-id", "r", *words]) == 3
    assert run(["approve", "r", "--comment", "looks good to me"]) == 0
    return run(["resume", "r", "--allow-untrusted"])


def events(root: Path, kind: str) -> list[dict[str, object]]:
    lines = (root / ".a5c" / "runs" / "r" / "journal" / "journal.jsonl").read_text().splitlines()
    return [event["data"] for line in lines if (event := json.loads(line))["type"] == kind]


def shown(root: Path) -> str:
    (file,) = (root / ".a5c" / "runs" / "r" / "breakpoints").glob("[0-9]-ship/shown.md")
    return file.read_text()


def test_code_whose_tests_execute_every_change_ships(place: Path) -> None:
    assert shipped(f"source={BOOKSHOP / 'fixed'}") == 0

    assert isinstance(read_state(Workspace(load_place(place)).store, "r").end, ev.RunCompleted)
    (asked,) = events(place, "BREAKPOINT_REQUESTED")
    findings = asked["findings"]
    assert isinstance(findings, dict)
    # What the scan of the question counted stands beside what the tests came to.
    assert (findings["securityTests"], findings["high"]) == (ALL, 0)
    assert findings["securityTestsTree"] == asked["changes"]["tree"]  # type: ignore[index]
    assert [each["kind"] for each in events(place, "EFFECT_REQUESTED")] == ["python", "tests", "python"]
    assert "## Security tests\n\nauthentication:" in shown(place)
    assert "securityTestsTree" not in shown(place)


def test_code_without_tests_of_all_four_does_not_ship_though_a_person_says_yes(place: Path) -> None:
    assert shipped(f"source={BOOKSHOP / 'bad'}") == 3

    (lapsed,) = events(place, "BREAKPOINT_LAPSED")
    assert "security tests that the rule wants are missing" in str(lapsed)
    assert "NOT COVERED: authorization: no tests were found." in shown(place)


def test_tests_of_what_was_there_before_count_for_nothing(place: Path) -> None:
    """The workspace changes after its tests ran: what people are shown was never tested."""
    assert shipped(f"source={BOOKSHOP / 'fixed'}", "then=touch it up") == 3

    first = events(place, "BREAKPOINT_REQUESTED")[0]
    assert first["findings"]["securityTests"] == []  # type: ignore[index]
    assert "NOT COVERED: the workspace has changed since its tests ran" in shown(place)
