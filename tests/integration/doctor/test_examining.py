"""The whole: every check in every state that it can come to, what comes first, what is mended."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from babysitter.model.errors import NotFoundError, RefusedError
from babysitter.service.doctor.catalogue import CHECKS
from babysitter.service.doctor.check import STATES, Check, Result, ok
from babysitter.service.doctor.examining import examine, looked
from babysitter.service.doctor.sarif import sarif_of
from tests.integration.doctor import (
    test_access,
    test_environment,
    test_journals,
    test_machine,
    test_programs,
    test_rights,
    test_rules,
    test_scanning,
    test_version_control,
)
from tests.integration.doctor.ward import NOW_NS, Ward, called

ROOT = Path(__file__).resolve().parents[3]
MODULES = (
    test_access, test_environment, test_journals, test_machine, test_programs, test_rights, test_rules,
    test_scanning, test_version_control,
)  # fmt: skip
MAKERS = {"ok": "ok", "problem": "problem", "note": "note", "not_applicable": "not-applicable",
          "could_not_check": "could-not-check"}  # fmt: skip
TITLES: dict[str, str] = {}
BY_ID = {check.id: check for check in CHECKS}


def states_of(function: Callable[..., object]) -> set[str]:
    """Return the states that a check can give, by the makers and results that its code names."""
    module = inspect.getmodule(function)
    found: set[str] = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        named = getattr(module, node.id, None) if isinstance(node, ast.Name) else None
        if isinstance(named, Result):
            found.add(named.state)
        elif isinstance(node, ast.Name) and node.id in MAKERS:
            found.add(MAKERS[node.id])
        elif inspect.isfunction(named) and named.__module__ == function.__module__ and named is not function:
            found |= states_of(named)
    return found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_state_of_every_check_is_a_case(check: Check) -> None:
    cases = {state for module in MODULES for check_id, state in module.CASES if check_id == check.id}

    assert "ok" in states_of(check.look)
    assert states_of(check.look) <= cases, f"{check.id} has no case for {states_of(check.look) - cases}"


def test_every_case_is_about_a_check_that_there_is() -> None:
    assert {check_id for module in MODULES for check_id, _ in module.CASES} == BY_ID.keys()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_says_what_it_is_about(check: Check) -> None:
    assert re.fullmatch(r"D\d\d(-[a-z]+)+", check.id)
    assert check.promise == f"G{check.id[1:3]}"
    assert not check.title[:1].isupper()
    assert not check.title.endswith(".")
    assert check.why.endswith(".")


def test_the_reference_has_each_check_and_no_other() -> None:
    page = (ROOT / "docs/reference/doctor.md").read_text(encoding="utf-8")

    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in page.splitlines()
        if line.startswith("| `D")
    ]

    expected = [
        (f"`{check.id}`", check.promise, check.title, check.severity, check.why, "yes" if check.mend else "")
        for check in CHECKS
    ]
    assert rows == expected


@pytest.mark.parametrize(
    "error", [RefusedError("git failed.", hint="Look."), PermissionError(13, "denied", "/x")]
)
def test_a_check_that_fails_to_look_has_found_nothing_good(error: Exception, ward: Ward) -> None:
    def look(_: object) -> Result:
        raise error

    check = Check(id="D00-x", title="x", promise="G01", severity="high", why="x.", look=look)

    assert looked(check, ward.here()).state == "could-not-check"


def test_a_defect_of_ours_is_not_taken_for_an_answer(ward: Ward) -> None:
    check = Check(
        id="D00-x", title="x", promise="G01", severity="high", why="x.", look=lambda _: ok(TITLES["x"])
    )

    with pytest.raises(KeyError):
        looked(check, ward.here())


def test_what_is_to_be_done_comes_first_and_the_worst_of_it_at_once(ward: Ward) -> None:
    ward.environ.update(AGENT_TOKEN="t", HUMAN_TOKEN="t")

    checks = examine(ward.here()).checks

    assert checks[0].id == "D19-strong-tokens"
    places = [STATES.index(check.state) for check in checks]
    assert places == sorted(places)
    assert len(checks) == len(CHECKS)


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        (("D14-secret-logs",), ["D14-secret-logs"]),
        (("D14",), ["D14-secret-logs"]),
        (("G14",), ["D14-secret-logs"]),
    ],
)
def test_checks_are_chosen_by_id_beginning_or_promise(
    only: tuple[str, ...], ids: list[str], ward: Ward
) -> None:
    assert [check.id for check in examine(ward.here(), only=only).checks] == ids


def test_a_check_that_is_not_there_is_an_error_and_not_an_empty_all_clear(ward: Ward) -> None:
    with pytest.raises(NotFoundError):
        examine(ward.here(), only=("D14", "D99"))


@pytest.mark.parametrize(
    ("check_id", "verdict"), [("D04-vulnerabilities", "unchecked"), ("D04-newer-release", "fine")]
)
def test_not_knowing_counts_from_medium_on(check_id: str, verdict: str, ward: Ward) -> None:
    ward.online = False

    diagnosis = examine(ward.here(), only=(check_id,))

    assert (diagnosis.counts["could-not-check"], diagnosis.verdict) == (1, verdict)


def test_what_is_accepted_is_told_with_its_reason_and_counts_no_more(ward: Ward) -> None:
    ward.uid = 0
    day = f"{datetime.fromtimestamp(NOW_NS // 10**9, UTC):%Y-%m-%d}"
    ward.settings(f'[[doctor.accept]]\ncheck = "D05-not-root"\nreason = "a container"\nuntil = "{day}"\n')

    diagnosis = examine(ward.here(), only=("D05-not-root",))

    assert (diagnosis.verdict, diagnosis.checks[0].state) == ("fine", "accepted")
    assert diagnosis.checks[0].fix == f"Accepted (until {day}): a container"


def test_an_acceptance_that_has_run_out_is_none_and_is_told(ward: Ward) -> None:
    ward.uid = 0
    day = f"{datetime.fromtimestamp(NOW_NS // 10**9, UTC) - timedelta(days=1):%Y-%m-%d}"
    ward.settings(f'[[doctor.accept]]\ncheck = "D05-not-root"\nreason = "a container"\nuntil = "{day}"\n')

    states = {each.id: each.state for each in examine(ward.here(), only=("D05-not-root", "D28")).checks}

    assert (states["D05-not-root"], states["D28-acceptances"]) == ("problem", "problem")


def test_a_mend_that_fails_is_told_and_the_problem_stays(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.write(".env", mode=0o644)

    def refuse(path: Path, _: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "chmod", refuse)

    diagnosis = examine(ward.here(), only=("D10-environment-files-are-private",), fix=True)

    assert diagnosis.verdict == "problems"
    assert "could not be mended" in diagnosis.fixed["D10-environment-files-are-private"][0]


def test_fixing_twice_does_nothing_the_second_time(ward: Ward) -> None:
    ward.repository()
    ward.run()
    ward.write(".env", mode=0o644)
    (ward.root / ".a5c/.gitignore").write_text("")
    (ward.root / ".a5c").chmod(0o755)
    ward.git("add", "--force", ".a5c")

    first = examine(ward.here(), fix=True)
    second = examine(ward.here(), fix=True)

    assert set(first.fixed) == {
        "D03-tracked-run-data", "D03-run-data-ignores-itself", "D05-run-data-is-private", "D09-ignore-lines",
        "D10-environment-files-are-private",
    }  # fmt: skip
    assert second.fixed == {}


def test_problems_are_results_of_sarif_with_their_places(ward: Ward) -> None:
    ward.write(".env", mode=0o644)

    log = sarif_of(examine(ward.here(), only=("D10-environment-files-are-private",)))

    (run,) = log["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("D10-environment-files-are-private", "error")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == ".env"
    assert run["invocations"] == [{"executionSuccessful": True}]


def test_what_could_not_be_checked_makes_sarif_say_that_the_run_failed(ward: Ward) -> None:
    ward.programs.answers["pip-audit"] = called("", status=1, stderr="away")

    (run,) = sarif_of(examine(ward.here(), only=("D04-vulnerabilities",)))["runs"]

    assert run["invocations"][0]["executionSuccessful"] is False
    assert "D04-vulnerabilities" in str(run["invocations"])
