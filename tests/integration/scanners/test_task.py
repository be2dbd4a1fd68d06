"""A process that scans before it asks: the scan is journaled, and its counts reach the question."""

import json
import subprocess
import sys
from typing import Any

import pytest

from babysitter.model.findings import Finding, Same, Scan, Span, Suppressed, ToolRun
from babysitter.scanners.sarif import to_sarif
from babysitter.testing.trusting import trust_as_it_is
from tests.conftest import SCANNERS
from tests.integration.scanners.conftest import Place

PROCESS = """\
from babysitter import Context, process, security_scan


@process
async def review(inputs: list[str], ctx: Context) -> str:
    scan = await ctx.task(security_scan(tools=inputs, paths=["src"]))
    answer = await ctx.breakpoint(question="Ship it?", title="Ship", findings=scan)
    return f"{scan.complete} {answer.approved}"
"""
SARIF_SCHEMA = SCANNERS[1].parent / "@microsoft" / "jest-sarif" / "lib" / "schemas" / "sarif-2.1.0-rtm.5.json"
VALIDATOR = SCANNERS[0] / "python"
VALIDATE = """\
import json, jsonschema, sys
schema, log = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:])
for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(log):
    print(error.json_path, error.message)
"""
BAD = "import subprocess\nsubprocess.call(input(), shell=True)\n"
pytestmark = [pytest.mark.promise("G17"), pytest.mark.needs("bandit")]


def run(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``babysitter`` in the workspace."""
    return subprocess.run(
        [sys.executable, "-m", "babysitter", *words],
        cwd=place.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def started(place: Place, tools: list[str]) -> list[dict[str, Any]]:
    """Start the process and return its events."""
    place.write({"process.py": PROCESS, "src/a.py": BAD, "tools.json": json.dumps(tools)})
    trust_as_it_is(place.root, "process.py#review")
    ended = run(place, "start", "process.py#review", "--run-id", "r1", "--inputs", "tools.json", "--json")
    assert ended.returncode == 3, ended.stderr + ended.stdout
    journal = place.root / ".a5c" / "runs" / "r1" / "journal" / "journal.jsonl"
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]


def of_type(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the one event of a type."""
    (found,) = [event for event in events if event["type"] == kind]
    return found


def test_a_scan_is_journaled_and_its_counts_stand_in_the_question(place: Place) -> None:
    events = started(place, ["bandit"])

    assert of_type(events, "BREAKPOINT_REQUESTED")["data"]["findings"] == {
        "critical": 0,
        "high": 1,
        "medium": 0,
        "low": 1,
    }
    assert of_type(events, "EFFECT_REQUESTED")["data"]["kind"] == "scan"
    assert run(place, "run", "replay", "r1").returncode == 0


def test_a_scan_in_which_a_tool_is_missing_has_no_counts_for_the_question(place: Place) -> None:
    place.write({"babysitter.toml": '[[scan.sarif]]\nname = "gone"\nargv = ["no-such-scanner"]\n'})

    events = started(place, ["bandit", "gone"])

    assert of_type(events, "BREAKPOINT_REQUESTED")["data"]["findings"] == {}


def test_the_command_leaves_with_4_1_and_0(place: Place) -> None:
    place.write({"src/a.py": BAD, "babysitter.toml": '[[scan.sarif]]\nname = "gone"\nargv = ["no-such"]\n'})

    incomplete = run(place, "security", "scan", "src", "--tool", "bandit", "--tool", "gone")
    found = run(place, "security", "scan", "src", "--tool", "bandit", "--json")
    kept = run(place, "security", "scan", "src", "--tool", "bandit", "--write-baseline", "known.json")
    known = run(place, "security:scan", "src", "--tool", "bandit", "--baseline", "known.json")

    assert (incomplete.returncode, found.returncode, kept.returncode, known.returncode) == (4, 1, 0, 0)
    assert "NOT SCANNED" in incomplete.stdout
    assert "missing" in incomplete.stdout
    assert [each["rule"] for each in json.loads(found.stdout)["findings"]] == ["B602", "B404"]
    assert "No findings (2 in the baseline)" in known.stdout


def schema_errors(log: str, place: Place) -> str:
    """Return what the SARIF schema has against a log; the validator is that of the scanners' environment."""
    file = place.root / "log.sarif"
    file.write_text(log, encoding="utf-8")
    ended = subprocess.run(
        [VALIDATOR, "-c", VALIDATE, str(SARIF_SCHEMA), str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.stdout + ended.stderr


def test_sarif_of_a_command_is_valid_and_says_what_is_known(place: Place) -> None:
    place.write({"src/a.py": BAD})
    run(place, "security", "scan", "src", "--tool", "bandit", "--write-baseline", "known.json")

    ended = run(place, "security", "scan", "src", "--tool", "bandit", "--baseline", "known.json", "--sarif")

    assert schema_errors(ended.stdout, place) == ""
    assert schema_errors('{"version": "2.1.0"}', place) != ""
    (log,) = json.loads(ended.stdout)["runs"]
    assert log["invocations"][0]["executionSuccessful"] is True
    assert {result["baselineState"] for result in log["results"]} == {"unchanged"}


def test_sarif_of_a_scan_with_all_there_can_be_is_valid(place: Place) -> None:
    def found(rule: str, **more: Any) -> Finding:
        return Finding(
            tool="a",
            rule=rule,
            category="xss",
            severity="low",
            path="a b/ü.py",
            message="m",
            fingerprint="f",
            **more,
        )

    scan = Scan(
        tools=(
            ToolRun(tool="a", state="passed", version="1", examined=1),
            ToolRun(tool="b", state="offline", why="It is away.", fix="Wait."),
        ),
        findings=(
            found("r1", span=Span(line=1, column=2, end_line=3, end_column=4), help_uri="https://a.example"),
        ),
        known=(found("r2", fix="Do.", also=(Same(tool="b", rule="x", fingerprint="g"),)),),
        suppressed=(Suppressed(finding=found("r3"), reason="It is fine.", until="2027-01-01"),),
        baseline_sha256="0" * 64,
    )

    assert schema_errors(json.dumps(to_sarif(scan)), place) == ""
