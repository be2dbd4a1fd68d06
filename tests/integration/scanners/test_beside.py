"""Findings of the guide's four classes stand on changed lines beside the difference; a rule asks for none.

SQL injection, cross-site scripting, insecure dependencies and hard-coded secrets: each by the true tool.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from babysitter.testing.trusting import trust_as_it_is
from tests.conftest import ROOT
from tests.integration.scanners.conftest import Place

PROCESS = """\
from babysitter import Context, process


@process
async def ship(ctx: Context) -> bool:
    answer = await ctx.breakpoint(
        "Ship it?",
        "Ship",
        context={"environment": "production"},
        diff="HEAD..",
        scan=["bandit", "eslint", "osv"],
    )
    return answer.approved
"""
SETTINGS = f"""\
osv = "{ROOT}/tests/unit/scanners/osv/database"
exclude = ["process.py"]

[roles]
people = ["ann@example.com"]

[[approvals]]
id = "clean"
when = {{ environment = "production" }}
roles = ["people"]
findings = {{ critical = 0, high = 0, medium = 0 }}
"""
CLEAN = {
    "app.py": "def find(connection, name):\n    return connection.execute('SELECT 1 WHERE a = ?', (name,))\n",
    "page.js": "export function show(element, name) {\n  element.textContent = name;\n}\n",
    "requirements.txt": "made-up-parser==1.4.2\n",
}
# Put together here: the credential is none, and stands in no file.
CREDENTIAL = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"[::-1]
HOLES = {
    "app.py": CLEAN["app.py"]
    + "\n\ndef any(connection, name):\n"
    + "    return connection.execute(\"SELECT * FROM t WHERE a = '%s'\" % name)\n",
    "page.js": CLEAN["page.js"] + "export function any(element, name) {\n  element.innerHTML = name;\n}\n",
    "requirements.txt": "made-up-parser==1.4.1\n",
    "settings.py": f'GITHUB_TOKEN = "{CREDENTIAL}"\n',
}

pytestmark = [pytest.mark.promise("G15"), pytest.mark.needs("git", "bandit", "eslint", "node")]


def command(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the workspace."""
    return subprocess.run(
        words,
        cwd=place.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def asked(place: Place, changes: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Commit clean code, change it, ask; return the question's event and what an approver is shown."""
    place.write({"process.py": PROCESS, "babysitter.toml": SETTINGS, **CLEAN})
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "clean"]):
        command(place, "git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words)
    place.write(changes)
    trust_as_it_is(place.root, "process.py#ship")
    ended = command(
        place, sys.executable, "-m", "babysitter", "start", "process.py#ship", "--run-id", "r1", "--json"
    )
    assert ended.returncode == 3, ended.stdout + ended.stderr
    run = place.root / ".a5c" / "runs" / "r1"
    lines = (run / "journal" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    (event,) = (e for e in map(json.loads, lines) if e["type"] == "BREAKPOINT_REQUESTED")
    (shown,) = Path(run / "breakpoints").glob("*/shown.md")
    return event, shown.read_text(encoding="utf-8")


def test_the_four_classes_stand_on_the_changed_lines_and_no_rule_lets_them_pass(place: Place) -> None:
    event, shown = asked(place, HOLES)

    assert "NOT SCANNED" not in shown
    on_changed_lines = shown.partition("## Findings on changed lines")[2].partition("\n## ")[0]
    for said in ("B608", "no-unsanitized/property", "MADE-2026-0001", "settings.py"):
        assert said in on_changed_lines
    assert CREDENTIAL not in shown
    assert event["data"]["findings"]["critical"] >= 1
    explained = command(place, sys.executable, "-m", "babysitter", "policy", "explain", "r1/1-ship")
    assert "critical findings are more than 0" in explained.stdout


def test_changes_without_a_hole_are_counted_as_none(place: Place) -> None:
    event, shown = asked(place, {"app.py": CLEAN["app.py"] + "\n\nLIMIT = 10\n"})

    assert "NOT SCANNED" not in shown
    assert event["data"]["findings"] == {"critical": 0, "high": 0, "medium": 0, "low": 0}
