"""Code is reviewed before it ships: a shop with holes is refused for what scanners find, another ships."""

import shutil
from pathlib import Path

import pytest

from babysitter.cli.root import run
from babysitter.config import load_place
from babysitter.model import events as ev
from babysitter.service.reading import read_state
from babysitter.service.wiring import Workspace
from tests.integration.security.test_security_tests import BOOKSHOP

pytestmark = [pytest.mark.needs("git"), pytest.mark.promise("G15"), pytest.mark.linux]
SETTINGS = """\
[[approvals]]
id = "production"
when = {{ environment = "production" }}
people = ["*"]
author_may_approve = true
signature = false
findings = {{ critical = 0, high = 0 }}

[[sandbox.tasks]]
task = "write_code"
read = ["{source}"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "w"
    root.mkdir()
    shutil.copy(BOOKSHOP / "ship.py", root)
    (root / "babysitter.toml").write_text(SETTINGS.format(source=BOOKSHOP))
    monkeypatch.chdir(root)
    return root


def shipped(kind: str) -> int:
    """Start, approve and resume; return how the driver left the run."""
    assert (
        run(
            ["start", "ship.py", "--allow-untrusted", "--run-id", "r", "--input", f"source={BOOKSHOP / kind}"]
        )
        == 3
    )
    assert run(["approve", "r", "--comment", "looks good to me"]) == 0
    return run(["resume", "r", "--allow-untrusted"])


def shown(root: Path) -> str:
    return (root / ".a5c" / "runs" / "r" / "breakpoints" / "2-ship" / "shown.md").read_text()


def test_code_with_a_credential_does_not_ship_though_a_person_says_yes(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert shipped("bad") == 3

    document = shown(place)
    assert "- HIGH credential shop/shop.py:6 [credentials " in document
    assert document.index("HIGH credential") < document.index("## Changes since the run began")
    state = read_state(Workspace(load_place(place)).store, "r")
    assert not [effect for effect in state.effects.values() if effect.attempt]
    told = (place / ".a5c" / "runs" / "r" / "journal" / "journal.jsonl").read_text()
    assert "BREAKPOINT_LAPSED" in told
    assert "the findings are worse than the rule allows" in told
    assert "hunter2" not in told + document


def test_code_without_holes_ships(place: Path) -> None:
    assert shipped("fixed") == 0

    assert "## Findings on changed lines\n\nNone.\n" in shown(place)
    end = read_state(Workspace(load_place(place)).store, "r").end
    assert isinstance(end, ev.RunCompleted)
