"""Nothing that changed is hidden by what it is called, or by what became of another file."""

from pathlib import Path

import pytest

from babysitter.changes.patches import changed_lines, new_lines, sections
from babysitter.model.errors import ReviewError
from tests.unit.changes.places import changes_of, write

pytestmark = [pytest.mark.needs("git"), pytest.mark.promise("G01")]


def test_a_file_that_becomes_a_link_takes_no_lines_from_the_files_after_it(tmp_path: Path) -> None:
    """Git writes two sections for it, and a finding is held against the lines of the right one."""
    write(tmp_path, {"a": "x\n", "b.py": "1\n2\n3\n", "c.py": "1\n2\n3\n"})
    began = changes_of(tmp_path).begin()
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("b.py")
    write(tmp_path, {"b.py": "1\ntwo\n3\n", "c.py": "1\n2\nthree\n"})

    found = changes_of(tmp_path).compare("run", began).found

    assert [(file.change, file.path, file.mode_before, file.mode) for file in found.files[:2]] == [
        ("deleted", "a", "100644", ""),
        ("added", "a", "", "120000"),
    ]
    assert [(file.added, file.removed) for file in found.files[:2]] == [(0, 1), (1, 0)]
    assert len(sections(found.patch)) == len(found.files)
    assert changed_lines(found.files, found.patch) == {
        "a": None,
        "b.py": frozenset({2}),
        "c.py": frozenset({3}),
    }


def test_where_sections_and_files_do_not_go_together_every_line_counts_as_new(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "1\n", "b.py": "1\n"})
    began = changes_of(tmp_path).begin()
    write(tmp_path, {"a.py": "2\n", "b.py": "2\n"})
    found = changes_of(tmp_path).compare("run", began).found
    first, second = sections(found.patch)
    assert new_lines(second) == frozenset({1})

    assert changed_lines(found.files, first + first + second) == {"a.py": None, "b.py": None}


@pytest.mark.parametrize("name", ["git~1/deploy.sh", ".git /deploy.sh", ".git.../deploy.sh", "a\\b.sh"])
def test_a_name_that_another_system_takes_for_gits_own_folder_is_shown(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"a.py": "one\n"})
    began = changes_of(tmp_path).begin()

    write(tmp_path, {name: "echo changed\n"})

    found = changes_of(tmp_path).compare("run", began).found
    assert [(file.change, file.path) for file in found.files] == [("added", name)]


def test_a_file_that_git_takes_under_no_circumstances_is_an_error_and_is_named(tmp_path: Path) -> None:
    """Git leaves it out with status 0, and nobody would be shown it."""
    write(tmp_path, {"a.py": "one\n"})
    began = changes_of(tmp_path).begin()

    write(tmp_path, {".GIT/deploy.sh": "echo changed\n"})

    with pytest.raises(ReviewError, match=r"\.GIT/deploy\.sh") as refusal:
        changes_of(tmp_path).now(began)
    assert "Rename that file" in refusal.value.hint


def test_a_link_called_gitmodules_is_an_error_and_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "one\n"})
    began = changes_of(tmp_path).begin()

    (tmp_path / ".gitmodules").symlink_to("a.py")

    with pytest.raises(ReviewError, match=r"\.gitmodules"):
        changes_of(tmp_path).now(began)
