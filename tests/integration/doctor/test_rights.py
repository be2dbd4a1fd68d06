"""Who may read, write and start what: modes, owners, root, sandbox, grants, inline tasks."""

import os
import stat

import pytest

from babysitter.service.doctor.examining import examine
from tests.integration.doctor.ward import Arrange, Cases, Ward, names_of


def private(ward: Ward) -> None:
    ward.run()


def readable(ward: Ward) -> None:
    ward.run()
    (ward.root / ".a5c/runs/r/run.json").chmod(0o644)


def somebody_elses(ward: Ward) -> None:
    ward.uid = os.getuid() + 1


def writable_settings(ward: Ward) -> None:
    ward.write("babysitter.toml", "", mode=0o664)


def readable_env(ward: Ward) -> None:
    ward.write(".env.staging.local", "A=b\n", mode=0o640)


def no_settings(ward: Ward) -> None:
    (ward.root / "babysitter.toml").unlink()
    ward.write(".a5c/x")


def confined_by(name: str | None) -> Arrange:
    def arrange(ward: Ward) -> None:
        ward.sandbox = name

    return arrange


def as_user(uid: int) -> Arrange:
    def arrange(ward: Ward) -> None:
        ward.uid = uid

    return arrange


def having(settings: str) -> Arrange:
    return lambda ward: ward.settings(settings)


CASES: Cases = {
    ("D05-run-data-is-private", "ok"): private,
    ("D05-run-data-is-private", "problem"): readable,
    ("D05-run-data-is-private", "not-applicable"): lambda _: None,
    ("D05-settings-are-ours", "ok"): lambda _: None,
    ("D05-settings-are-ours", "problem"): writable_settings,
    ("D05-workspace-is-ours", "ok"): private,
    ("D05-workspace-is-ours", "problem"): somebody_elses,
    ("D10-environment-files-are-private", "ok"): lambda ward: ward.write(".env", mode=0o600),
    ("D10-environment-files-are-private", "problem"): readable_env,
    ("D10-environment-files-are-private", "not-applicable"): lambda _: None,
    ("D05-not-root", "ok"): as_user(1000),
    ("D05-not-root", "problem"): as_user(0),
    ("D05-sandbox-works", "ok"): confined_by("bubblewrap"),
    ("D05-sandbox-works", "problem"): confined_by(None),
    ("D05-narrow-grants", "ok"): having('[[sandbox.tasks]]\ntask = "t"\nnetwork = ["a.example:443"]\n'),
    ("D05-narrow-grants", "problem"): having('[[sandbox.tasks]]\ntask = "t"\nnetwork = ["*"]\n'),
    ("D05-inline-tasks", "ok"): having('[sandbox]\ninline = "deny"\n'),
    ("D05-inline-tasks", "note"): lambda _: None,
}


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


@pytest.mark.promise("G05")
def test_fixing_closes_every_file_and_folder_of_run_data_and_nothing_else(ward: Ward) -> None:
    ward.run()
    for path in (ward.root / ".a5c").rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    outside = ward.write("shared.txt", mode=0o666)
    (ward.root / ".a5c/link").symlink_to(outside)

    diagnosis = examine(ward.here(), only=("D05-run-data-is-private",), fix=True)

    modes = {
        stat.S_IMODE(path.lstat().st_mode)
        for path in (ward.root / ".a5c").rglob("*")
        if not path.is_symlink()
    }
    assert modes == {0o700, 0o600}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666
    assert diagnosis.verdict == "fine"
    assert examine(ward.here(), only=("D05-run-data-is-private",), fix=True).fixed == {}


@pytest.mark.parametrize("path", ["log/log.key", "log/run-keys/r"])
def test_a_key_that_others_may_read_is_the_worst(path: str, ward: Ward) -> None:
    ward.run()
    key = ward.write(f".a5c/{path}", mode=0o640)
    key.parent.chmod(0o700)

    assert ward.look("D05-run-data-is-private").severity == "critical"


@pytest.mark.parametrize("name", ["allowed_signers", "revoked_keys", "babysitter.toml", "rules/a.cedar"])
def test_whatever_decides_who_may_approve_is_looked_at_and_closed(name: str, ward: Ward) -> None:
    ward.settings('[policy]\ncedar = ["rules/*.cedar"]\n')
    ward.write("rules/a.cedar", "", mode=0o600)
    ward.write("allowed_signers", "", mode=0o600)
    ward.write("revoked_keys", "", mode=0o600)
    (ward.root / name).chmod(0o620)

    before = ward.look("D05-settings-are-ours")
    after = examine(ward.here(), only=("D05-settings-are-ours",), fix=True)

    assert (before.places, after.verdict) == ((name,), "fine")


def test_a_folder_that_can_not_be_listed_is_not_called_private(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may list everything, so the refusal is made here."""
    ward.run()

    def refuse(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("babysitter.service.doctor.surroundings.walk", refuse)

    assert ward.look("D05-run-data-is-private").state == "could-not-check"


def test_what_a_driver_removes_meanwhile_is_left_out(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.run()
    gone = ward.root / ".a5c/runs/gone"
    monkeypatch.setattr(
        "babysitter.service.doctor.surroundings.walk", lambda folder: [folder, gone, gone / "run.json"]
    )

    states = [ward.look(check).state for check in ("D05-run-data-is-private", "D05-workspace-is-ours")]

    assert states == ["ok", "ok"]


@pytest.mark.parametrize(
    ("name", "state", "severity"),
    [("bubblewrap", "ok", None), ("landlock", "problem", "low"), (None, "problem", None)],
)
def test_a_weaker_sandbox_is_said(name: str | None, state: str, severity: str | None, ward: Ward) -> None:
    ward.sandbox = name

    found = ward.look("D05-sandbox-works")

    assert (found.state, found.severity) == (state, severity)


@pytest.mark.promise("G05")
def test_a_sandbox_that_is_switched_off_is_a_problem_though_one_would_work(ward: Ward) -> None:
    ward.settings('[sandbox]\nmode = "none"\n')

    found = ward.look("D05-sandbox-works")

    assert (found.state, "all of your rights" in found.found) == ("problem", True)


@pytest.mark.parametrize(
    "grant",
    ['network = ["loopback"]', 'read = ["/"]', 'write = ["~"]', 'read = ["HOME/.."]', 'write = ["HOME/"]'],
)
def test_a_grant_of_nearly_everything_is_named(grant: str, ward: Ward) -> None:
    named = grant.replace("HOME", str(ward.home))
    ward.settings(f'[[sandbox.tasks]]\ntask = "deploy"\n{named}\n')

    found = ward.look("D05-narrow-grants")

    assert (found.state, found.found.startswith("deploy may")) == ("problem", True)
