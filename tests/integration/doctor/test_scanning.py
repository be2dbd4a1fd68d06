"""Credentials in tracked files and in run data."""

import os

import pytest

from babysitter.model.errors import RefusedError
from tests.integration.doctor.ward import Arrange, Cases, Ward, names_of
from tests.integration.git.repository import CREDENTIAL

pytestmark = pytest.mark.needs("git")


def leaked(ward: Ward) -> None:
    ward.run()
    ward.write(".a5c/runs/r/artifacts/a.txt", f"1\n{CREDENTIAL}\n")


def tracked(ward: Ward) -> None:
    ward.repository()
    ward.write("src/a.py", f'\nKEY = "{CREDENTIAL}"\n')
    ward.git("add", "src")


def clean(ward: Ward) -> None:
    ward.repository()
    ward.write("a.txt")
    ward.git("add", "a.txt")


def nobody_looks(ward: Ward) -> None:
    leaked(ward)
    ward.find = None


CASES: Cases = {
    ("D08-credentials-in-run-data", "ok"): lambda ward: ward.run(),
    ("D08-credentials-in-run-data", "problem"): leaked,
    ("D08-credentials-in-run-data", "not-applicable"): lambda _: None,
    ("D08-credentials-in-run-data", "could-not-check"): nobody_looks,
    ("D11-credentials-in-files", "ok"): clean,
    ("D11-credentials-in-files", "problem"): tracked,
    ("D11-credentials-in-files", "not-applicable"): lambda _: None,
    ("D11-credentials-in-files", "could-not-check"): nobody_looks,
}


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


@pytest.mark.promise("G08")
def test_a_credential_in_any_file_of_a_run_is_named_by_place_and_never_by_value(ward: Ward) -> None:
    leaked(ward)

    found = ward.look("D08-credentials-in-run-data")

    assert found.places == (".a5c/runs/r/artifacts/a.txt",)
    assert CREDENTIAL not in str(found)


def test_a_tracked_file_is_named_with_its_line(ward: Ward) -> None:
    tracked(ward)

    found = ward.look("D11-credentials-in-files")

    assert (found.severity, "src/a.py:2" in found.found) == ("critical", True)


def test_what_is_tracked_and_gone_a_link_or_no_file_is_passed_over(ward: Ward) -> None:
    ward.repository()
    for name in ("gone.txt", "here.txt"):
        ward.write(name)
    (ward.root / "link").symlink_to("/etc/passwd")
    os.mkfifo(ward.root / "pipe")
    ward.git("add", "gone.txt", "here.txt", "link")
    ward.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    (ward.root / "gone.txt").unlink()

    assert ward.look("D11-credentials-in-files").found == "no credential in 1 tracked file"


@pytest.mark.parametrize("check", ["D08-credentials-in-run-data", "D11-credentials-in-files"])
def test_a_detector_that_fails_has_found_nothing_good(check: str, ward: Ward) -> None:
    tracked(ward)
    ward.run()

    def refuse(data: bytes, path: str) -> list[object]:
        raise RefusedError("the engine stopped.", hint="Mend it.")

    ward.find = refuse  # type: ignore[assignment]

    assert ward.look(check).state == "could-not-check"
