"""Run data and credential files in version control: what doctor says, and what --fix does."""

import os
from pathlib import Path

import msgspec
import pytest

from babysitter.service.doctor.examining import examine
from tests.integration.doctor.ward import Arrange, Cases, Ward, called, names_of

pytestmark = pytest.mark.needs("git")


def tracked(ward: Ward) -> None:
    ward.repository()
    ward.write(".a5c/runs/r/run.json")
    ward.git("add", "--force", ".a5c")


def committed_once(ward: Ward) -> None:
    tracked(ward)
    ward.git("commit", "--quiet", "-m", "oops")
    ward.git("rm", "-r", "--cached", "--quiet", ".a5c")
    ward.git("commit", "--quiet", "-m", "out")


def clean(ward: Ward) -> None:
    ward.repository()
    ward.write("a.txt")
    ward.git("add", "a.txt")


def ignoring(ward: Ward) -> None:
    ward.repository()
    ward.write(".gitignore", ".a5c/\n.env*\n*.pem\n*.key\ncredentials.json\n")


def not_a_repository(ward: Ward) -> None:
    ward.write(".a5c/x")


def broken_git(ward: Ward) -> None:
    ward.programs.answers["git"] = None


def tracked_key(ward: Ward) -> None:
    ward.repository()
    ward.write("deploy/server.key")
    ward.git("add", "--force", "deploy")


CASES: Cases = {
    ("D03-tracked-run-data", "problem"): tracked,
    ("D03-tracked-run-data", "ok"): clean,
    ("D03-tracked-run-data", "not-applicable"): not_a_repository,
    ("D03-tracked-run-data", "could-not-check"): broken_git,
    ("D03-run-data-in-history", "problem"): committed_once,
    ("D03-run-data-in-history", "ok"): clean,
    ("D03-run-data-in-history", "not-applicable"): not_a_repository,
    ("D03-run-data-ignores-itself", "problem"): not_a_repository,
    ("D03-run-data-ignores-itself", "ok"): lambda ward: ward.run(),
    ("D03-run-data-ignores-itself", "not-applicable"): clean,
    ("D06-tracked-credential-files", "problem"): tracked_key,
    ("D06-tracked-credential-files", "ok"): clean,
    ("D06-tracked-credential-files", "not-applicable"): not_a_repository,
    ("D09-ignore-lines", "problem"): clean,
    ("D09-ignore-lines", "ok"): ignoring,
}


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


@pytest.mark.promise("G03")
def test_fixing_untracks_run_data_and_leaves_the_files(ward: Ward) -> None:
    tracked(ward)

    diagnosis = examine(ward.here(), only=("D03-tracked-run-data",), fix=True)
    again = examine(ward.here(), only=("D03-tracked-run-data",), fix=True)

    assert ward.git("ls-files", ".a5c") == ""
    assert (ward.root / ".a5c/runs/r/run.json").read_text() == "x\n"
    assert diagnosis.fixed == {"D03-tracked-run-data": ("untracked .a5c/runs/r/run.json",)}
    assert (diagnosis.verdict, again.verdict, again.fixed) == ("fine", "fine", {})


@pytest.mark.promise("G03")
@pytest.mark.parametrize("name", ["a b", 'q"uote', "new\nline", "ünï", "-dash", "[x]", "*"])
def test_run_data_of_any_name_is_found_and_untracked(name: str, ward: Ward) -> None:
    ward.repository()
    ward.write(f".a5c/runs/r/artifacts/{name}")
    ward.git("add", "--force", ".a5c")

    before = ward.look("D03-tracked-run-data")
    examine(ward.here(), only=("D03-tracked-run-data",), fix=True)

    assert before.places == (f".a5c/runs/r/artifacts/{name}",)
    assert ward.git("ls-files") == ""


@pytest.mark.promise("G03")
def test_a_name_that_is_no_text_is_found_told_and_untracked(ward: Ward) -> None:
    ward.repository()
    folder = os.fsencode(ward.write(".a5c/a").parent)
    Path(os.fsdecode(folder + b"/\xff\n")).write_bytes(b"x")
    ward.git("add", "--force", ".a5c")

    before = examine(ward.here(), only=("D03-tracked-run-data",))
    after = examine(ward.here(), only=("D03-tracked-run-data",), fix=True)

    assert b"\\xff" in msgspec.json.encode(before.checks[0].places[1]).replace(b"\\\\", b"\\")
    assert msgspec.json.encode(after)
    assert ward.git("ls-files") == ""


@pytest.mark.promise("G03")
def test_a_workspace_below_the_root_of_its_repository_is_looked_at_as_one(ward: Ward) -> None:
    tracked(ward)
    ward.write("inner/babysitter.toml", "", mode=0o600)
    ward.write("inner/.a5c/runs/r/run.json")
    ward.git("add", "--force", "inner")
    ward.root = ward.root / "inner"

    diagnosis = examine(ward.here(), only=("D03-tracked-run-data",), fix=True)

    assert diagnosis.fixed == {"D03-tracked-run-data": ("untracked .a5c/runs/r/run.json",)}
    assert ward.git("ls-files", "--full-name", ":/").split() == [
        ".a5c/runs/r/run.json",
        "inner/babysitter.toml",
    ]


@pytest.mark.promise("G03")
def test_a_runs_directory_elsewhere_is_run_data_too(ward: Ward) -> None:
    ward.settings('[workspace]\nruns_dir = "data/runs"\n')
    ward.repository()
    ward.write("data/runs/r/run.json")
    ward.git("add", "data")

    assert ward.look("D03-tracked-run-data").places == ("data/runs/r/run.json",)


@pytest.mark.promise("G09")
def test_fixing_adds_the_guides_lines_and_keeps_what_is_there(ward: Ward) -> None:
    ward.repository()
    ward.write(".gitignore", b"*.pyc\n# \xff is no UTF-8\n*.pem")

    diagnosis = examine(ward.here(), only=("D09",), fix=True)

    text = (ward.root / ".gitignore").read_bytes()
    assert text.startswith(b"*.pyc\n# \xff is no UTF-8\n*.pem\n")
    assert diagnosis.verdict == "fine"
    assert text.count(b"*.pem") == 1
    assert "added .a5c/ to .gitignore" in diagnosis.fixed["D09-ignore-lines"]


@pytest.mark.promise("G09")
@pytest.mark.parametrize(
    ("check", "name"),
    [("D09-ignore-lines", ".gitignore"), ("D03-run-data-ignores-itself", ".a5c/.gitignore")],
)
def test_nothing_is_mended_through_a_link_that_came_with_a_clone(check: str, name: str, ward: Ward) -> None:
    ward.repository()
    ward.run()
    keys = ward.home / "authorized_keys"
    keys.parent.mkdir(exist_ok=True)
    keys.write_text("ssh-ed25519 mine\n")
    (ward.root / name).unlink(missing_ok=True)
    (ward.root / name).symlink_to(keys)

    diagnosis = examine(ward.here(), only=(check,), fix=True)

    assert "is a link" in diagnosis.fixed[check][0]
    assert keys.read_text() == "ssh-ed25519 mine\n"


@pytest.mark.promise("G09")
def test_a_line_that_is_taken_back_does_not_count(ward: Ward) -> None:
    ignoring(ward)
    file = ward.root / ".gitignore"
    file.write_text(f"{file.read_text()}!.env\n")

    found = ward.look("D09-ignore-lines")

    assert (found.state, found.found) == ("problem", "not ignored: .env")


def test_what_a_person_ignores_everywhere_says_nothing_of_the_next_clone(ward: Ward) -> None:
    clean(ward)
    excludes = ward.write("../excludes", ".a5c/\n.env*\n*.pem\n*.key\ncredentials.json\n")
    ward.git("config", "core.excludesFile", str(excludes))

    assert ward.look("D09-ignore-lines").state == "problem"


@pytest.mark.parametrize("lines", ["*\n!runs\n", "runs\n", ""])
def test_run_data_that_ignores_only_a_part_of_itself_is_found_and_mended(lines: str, ward: Ward) -> None:
    ward.write(".a5c/.gitignore", lines)

    before = ward.look("D03-run-data-ignores-itself").state
    after = examine(ward.here(), only=("D03-run-data-ignores-itself",), fix=True)

    assert (before, after.verdict) == ("problem", "fine")
    assert (ward.root / ".a5c/.gitignore").read_text().endswith("*\n")


def test_a_repository_of_somebody_else_is_not_called_clean(ward: Ward) -> None:
    """Git refuses to look at it; then nobody has looked."""
    tracked(ward)
    said = "fatal: detected dubious ownership in repository at '/srv/ws'\nTo add an exception ..."
    ward.programs.answers["rev-parse"] = called(status=128, stderr=said)

    found = ward.look("D03-tracked-run-data")

    assert (found.state, "dubious ownership" in found.found) == ("could-not-check", True)
