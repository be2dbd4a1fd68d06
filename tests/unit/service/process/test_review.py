"""A review before anything runs: what it is and may do, what is wrong and has changed; what trust refuses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from babysitter.model.effects import Sandbox
from babysitter.model.errors import SandboxError, UntrustedProcessError, UsageError
from babysitter.model.runner import Ended, OutputSink, Program, StopToken
from babysitter.service.process_review import Reviewing
from babysitter.service.process_trust import Trusting
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.authoring import PROCESS
from tests.unit.service.process.places import FILES, TrustPlace
from tests.unit.service.signing import ALICE

pytestmark = pytest.mark.promise("G07")
# Put together here, so that no scanner of this repository takes it for one.
CREDENTIAL = "AKIA" + "QRSTUVWXYZ234567"
HARD_CODED = f'KEY = "{CREDENTIAL}"\n'
UNCONFINED = "import subprocess\nsubprocess.run(['true'])\n"


class FakeBandit:
    """A runner in which bandit answers what the test says. See model.runner.Runner."""

    name = "none"

    def __init__(self, report: Any, *, status: int = 0, error: Exception | None = None) -> None:
        self.report, self.status, self.error = report, status, error
        self.programs: list[tuple[Program, Sandbox]] = []

    def profile_sha256(self, sandbox: Sandbox) -> str:
        return "0" * 64

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        if program.argv[1:] == ("--version",):
            stdout.write(b"bandit 1.9.4\n")
            return Ended(why="exit", status=0, result=b"")
        self.programs.append((program, sandbox))
        if self.error is not None:
            raise self.error
        stdout.write(self.report if isinstance(self.report, bytes) else json.dumps(self.report).encode())
        return Ended(why="exit", status=self.status, result=b"")


def report(
    *results: dict[str, Any], files: tuple[str, ...] = ("flow.py", "near.py"), errors: Any = ()
) -> Any:
    metrics: dict[str, Any] = {"_totals": {}, **{name: {} for name in files}}
    return {"results": list(results), "metrics": metrics, "errors": list(errors)}


def place_with(
    tmp_path: Path,
    runner: Any,
    monkeypatch: pytest.MonkeyPatch,
    *,
    installed: bool = True,
    settings: str = "",
) -> TrustPlace:
    place = TrustPlace(tmp_path, settings=settings)
    place._runner = runner
    folder = tmp_path / "bin"
    folder.mkdir()
    if installed:
        (folder / "bandit").write_text("#!/bin/sh\n")
        (folder / "bandit").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    return place


def test_a_review_runs_nothing_of_the_process(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path)
    place.write("near.py", f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")

    Reviewing(place).review("flow.py", with_bandit=False)

    assert not (tmp_path / "ran").exists()


def test_a_review_says_what_the_process_is_and_may_do(tmp_path: Path) -> None:
    settings = '[[sandbox.tasks]]\ntask = "ship"\nnetwork = ["loopback"]\n'
    place = TrustPlace(tmp_path, settings=settings)
    place.write(
        "near.py",
        "from babysitter import task, secret, Sandbox\n"
        "@task(critical=True, sandbox=Sandbox(write=('out/',)))\ndef ship(): ...\n"
        "TOKEN = secret('env:TOKEN')\n",
    )

    found = Reviewing(place).review("flow.py", with_bandit=False)

    assert [file.path for file in found.files] == ["flow.py", "near.py"]
    [ship] = found.tasks
    assert (ship.task_id, ship.critical, ship.write, ship.network) == ("ship", True, ("out/",), ("loopback",))
    assert [(each.ref, each.path, each.line) for each in found.secrets] == [("env:TOKEN", "near.py", 4)]
    assert [each.name for each in found.processes] == ["main"]
    assert found.trusted is None
    assert "nobody has trusted flow.py" in found.why_not


def test_bandit_runs_in_the_sandbox_over_exactly_the_closure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {
        "filename": "./near.py", "line_number": 1, "col_offset": 0, "test_id": "B602",
        "issue_severity": "HIGH", "issue_text": "shell", "more_info": "https://example.com",
        "issue_cwe": {"id": 78},
    }  # fmt: skip
    runner = FakeBandit(report(result))
    place = place_with(tmp_path, runner, monkeypatch)
    place.write("unrelated.py", "")

    found = Reviewing(place).review("flow.py")

    [(program, sandbox)] = runner.programs
    assert program.argv[program.argv.index("--") + 1 :] == ("./flow.py", "./near.py")
    assert "--ignore-nosec" in program.argv
    assert sandbox == Sandbox()
    assert found.complete
    [finding] = found.scan.findings
    assert (finding.rule, finding.severity, finding.path, finding.category) == (
        "B602", "high", "near.py", "command-injection",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("runner", "installed", "state"),
    [
        (FakeBandit(report()), False, "missing"),
        (FakeBandit(b""), True, "failed"),
        (FakeBandit(b"{}"), True, "failed"),
        (FakeBandit(report(), status=2), True, "failed"),
        (FakeBandit(report(files=())), True, "failed"),
        (FakeBandit(report(files=("flow.py",))), True, "failed"),
        (FakeBandit(report(errors=[{"filename": "flow.py", "reason": "syntax"}])), True, "failed"),
        (FakeBandit(report(), error=SandboxError("no sandbox", hint="make one")), True, "failed"),
    ],
    ids=["missing", "silent", "empty", "status", "nothing examined", "one left out", "error", "no sandbox"],
)
def test_a_bandit_that_did_not_look_is_no_all_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: FakeBandit, installed: bool, state: str
) -> None:
    found = Reviewing(place_with(tmp_path, runner, monkeypatch, installed=installed)).review("flow.py")

    [run] = [each for each in found.scan.tools if each.tool == "bandit"]
    assert run.state == state
    assert run.why
    assert not found.complete


def test_what_the_workspace_says_of_scanning_hides_nothing_from_a_review(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings came with the code, so they can't say what is not looked at."""
    result = {
        "filename": "near.py", "line_number": 1, "test_id": "B602",
        "issue_severity": "HIGH", "issue_text": "shell",
    }  # fmt: skip
    runner = FakeBandit(report(result))
    settings = '[scan]\nexclude = ["near.py", "*"]\npath = ["bin"]\n'
    place = place_with(tmp_path, runner, monkeypatch, settings=settings)
    (place.root / "bin").mkdir()
    (place.root / "bin" / "bandit").write_text("#!/bin/sh\n")
    (place.root / "bin" / "bandit").chmod(0o755)

    found = Reviewing(place).review("flow.py")

    assert [each.rule for each in found.scan.findings] == ["B602"]
    assert Path(runner.programs[0][0].argv[0]) == tmp_path / "bin" / "bandit"


def test_a_password_that_bandit_quotes_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {
        "filename": "near.py", "line_number": 1, "test_id": "B105", "issue_severity": "LOW",
        "issue_text": "Possible hardcoded password: 'hunter2hunter2'",
    }  # fmt: skip

    found = Reviewing(place_with(tmp_path, FakeBandit(report(result)), monkeypatch)).review("flow.py")

    assert "hunter2" not in str(found)


@pytest.mark.promise("G11")
@pytest.mark.parametrize("person", [ALICE, None], ids=["signed", "local"])
@pytest.mark.parametrize("where", FILES)
def test_a_hard_coded_credential_is_never_trusted(tmp_path: Path, where: str, person: str | None) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.write(where, "\n" + HARD_CODED + FILES[where])

    with pytest.raises(UntrustedProcessError) as refusal:
        place.trust(person)

    [finding] = refusal.value.facts["findings"]
    assert (finding.path, finding.span.line, finding.category) == (where, 2, "credential")
    assert f"{where}:2" in refusal.value.message
    assert finding.rule in refusal.value.message
    assert CREDENTIAL not in str(refusal.value)
    assert not (place.root / "babysitter.trust").exists()
    assert not (tmp_path / "state").exists()


@pytest.mark.promise("G11")
def test_a_credential_is_not_accepted_by_name_and_not_by_a_comment(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path)
    place.write(
        "near.py", HARD_CODED.replace("\n", "  # nosec gitleaks:allow noqa pragma: allowlist secret\n")
    )
    [finding] = Reviewing(place).review("flow.py", with_bandit=False).scan.findings

    for name in (finding.rule, finding.fingerprint, f"{finding.tool}:{finding.rule}"):
        with pytest.raises(UntrustedProcessError):
            place.trust(None, accept={name: "it is old"})


@pytest.mark.promise("G11")
def test_what_is_no_credential_is_allowed_by_its_fingerprint_in_the_settings(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path)
    place.write("near.py", HARD_CODED)
    [finding] = Reviewing(place).review("flow.py", with_bandit=False).scan.findings
    [allow] = re.findall(r"allow = \[.*?\]", finding.fix)

    TrustPlace(tmp_path, settings=f"[secrets]\n{allow}\n").trust(None)


def test_a_finding_of_high_severity_is_taken_by_name_with_a_reason_that_is_signed(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.write("near.py", UNCONFINED)
    with pytest.raises(UntrustedProcessError, match="programs"):
        place.trust(ALICE)
    with pytest.raises(UsageError, match="needs a reason"):
        place.trust(ALICE, accept={"programs": " "})
    with pytest.raises(UsageError, match="clock: no such finding"):
        place.trust(ALICE, accept={"programs": "known", "clock": "x"})

    given = place.trust(ALICE, accept={"programs": "It only runs true."})

    [accepted] = given.accepted
    assert (accepted.rule, accepted.path, accepted.reason) == ("programs", "near.py", "It only runs true.")
    assert b"It only runs true." in Path(given.path).read_bytes()


def test_the_statement_says_what_did_not_look(tmp_path: Path) -> None:
    given = TrustPlace(tmp_path).trust(None)

    assert [(each.tool, each.state) for each in given.checked if each.state != "passed"] == [
        ("bandit", "left out")
    ]


@pytest.mark.parametrize("person", [ALICE, None], ids=["signed", "local"])
def test_a_review_shows_what_has_changed_since_the_last_trust(tmp_path: Path, person: str | None) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.trust(person)
    place.write("near.py", "VALUE = 2\n")
    place.write("flow.py", "import near, other\n" + PROCESS)
    place.write("other.py", "NEW = 1\n")

    change = Reviewing(place).review("flow.py", with_bandit=False).change

    assert change is not None
    assert change.files == ("flow.py", "near.py", "other.py")
    assert "-VALUE = 1\n+VALUE = 2" in change.diff
    assert "--- /dev/null\n+++ now/other.py" in change.diff
    place.trust(person)
    assert Reviewing(place).review("flow.py", with_bandit=False).change is None


def test_a_kept_source_that_was_touched_is_not_shown_as_what_was_trusted(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.trust(ALICE)
    place.write("near.py", "VALUE = 2\n")
    for path in (place.root / "babysitter.trust/sources").iterdir():
        path.write_text("VALUE = 2\n")

    change = Reviewing(place).review("flow.py", with_bandit=False).change

    assert change is not None
    assert "is not kept any more" in change.diff


def test_trust_is_listed_and_taken_back(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.trust(ALICE)
    place.trust(None)
    place.write("near.py", "VALUE = 2\n")
    place.trust(None)

    listed = {(view.method, view.by, view.current, view.state) for view in Trusting(place).records()}
    assert listed == {("signed", ALICE, False, "in force"), ("local", place.place.user, False, "in force"),
                      ("local", place.place.user, True, "in force")}  # fmt: skip

    removed = Trusting(place).untrust("flow.py")

    assert len(removed) == 3
    assert Trusting(place).records() == ()
    assert [path for path in (place.root / "babysitter.trust").rglob("*") if path.is_file()] == []
    with pytest.raises(UntrustedProcessError):
        place.admit()


def test_a_test_kit_trusts_in_so_many_words(tmp_path: Path) -> None:
    place = FakeWorkspace(tmp_path)

    assert place.admission.admit(None).method == "local"  # type: ignore[arg-type]


@pytest.mark.promise("G11")
def test_a_search_for_credentials_that_fails_is_no_reason_to_trust(tmp_path: Path) -> None:
    """Its rules come with the code: one that can't be read would switch the search off."""
    place = TrustPlace(tmp_path, settings='[secrets]\nrules = ["gone.toml"]\n')

    with pytest.raises(UntrustedProcessError, match="credentials could not look"):
        place.trust(None)


@pytest.mark.promise("G11")
def test_a_credential_that_the_settings_let_through_is_told_to_the_reviewer(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path)
    place.write("near.py", f"VALUE = 'ghp_{'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}'\n")
    (found,) = [
        each
        for each in Reviewing(place).review("flow.py", with_bandit=False).scan.findings
        if each.category == "credential"
    ]
    printed = found.fix.partition('allow = ["')[2].partition('"')[0]
    place = TrustPlace(tmp_path, settings=f'[secrets]\nallow = ["{printed}"]\n')

    told = [
        (each.rule, each.path, each.severity, "lets through" in each.message)
        for each in Reviewing(place).review("flow.py", with_bandit=False).scan.findings
    ]

    assert (f"allowed-{found.rule}", "near.py", "low", True) in told
    assert place.trust(None).method == "local"
