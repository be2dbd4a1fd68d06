"""What changed in a workspace: everything that did, whatever somebody does to hide it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from babysitter.changes.differences import FILE_BYTES_MAX
from babysitter.changes.workspace import Compared
from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.model.errors import ReviewError
from babysitter.model.runner import Called
from babysitter.testing.programs import Call, FakePrograms, answered
from tests.unit.changes.places import changes_of, contents_of, git, repository, write

pytestmark = [pytest.mark.needs("git"), pytest.mark.promise("G01")]


def since_begin(root: Path, *, began: str) -> Compared:
    return changes_of(root).compare("run", began)


def told(compared: Compared) -> list[tuple[str, str]]:
    return [(file.change, file.path) for file in compared.found.files]


def test_added_changed_renamed_and_deleted_files_are_told_and_so_are_untracked_ones(tmp_path: Path) -> None:
    root = repository(
        tmp_path / "w", {"a.py": "one\n", "b.py": "two\n", "c.txt": "three\n" * 9, "d.py": "four\n"}
    )
    write(root, {"untracked.py": "before\n"})
    began = changes_of(root).begin()

    write(root, {"a.py": "one\ntwo\n", "new/e.py": "five\n", "untracked.py": "after\n"})
    (root / "b.py").unlink()
    (root / "c.txt").rename(root / "f.txt")
    compared = since_begin(root, began=began)

    assert told(compared) == [
        ("changed", "a.py"),
        ("deleted", "b.py"),
        ("renamed", "f.txt"),
        ("added", "new/e.py"),
        ("changed", "untracked.py"),
    ]
    assert compared.found.files[2].was == "c.txt"
    assert b"\n+two\n" in compared.found.patch


def test_a_workspace_without_a_repository_is_told_about_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "one\n"})
    began = changes_of(tmp_path).begin()

    write(tmp_path, {"a.py": "two\n"})

    assert told(since_begin(tmp_path, began=began)) == [("changed", "a.py")]


def test_binary_files_are_in_the_patch_whole(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"logo.png": bytes(range(256))})
    began = changes_of(root).begin()
    other = bytes(reversed(range(256))) * 2
    write(root, {"logo.png": other})

    compared = since_begin(root, began=began)

    file = compared.found.files[0]
    assert (file.added, file.bytes_before, file.bytes) == (None, 256, 512)
    copy = tmp_path / "copy"
    write(copy, {"logo.png": bytes(range(256)), "p": compared.found.patch})
    git(copy, "init", "--quiet", "--object-format=sha256")
    git(copy, "apply", "p")
    assert (copy / "logo.png").read_bytes() == other


def test_modes_and_links_are_told(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"run": "echo\n", "a": "x\n"})
    began = changes_of(root).begin()
    (root / "run").chmod(0o755)
    (root / "a").unlink()
    (root / "a").symlink_to("/etc/passwd")

    files = {file.path: file for file in since_begin(root, began=began).found.files}

    assert (files["run"].mode_before, files["run"].mode) == ("100644", "100755")
    assert any(file.mode == "120000" for file in files.values())


def test_a_folder_that_becomes_a_link_and_a_file_that_becomes_a_folder_are_told(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"d/x.py": "x\n", "f": "f\n", "elsewhere/x.py": "y\n"})
    began = changes_of(root).begin()
    (root / "d" / "x.py").unlink()
    (root / "d").rmdir()
    (root / "d").symlink_to("elsewhere")
    (root / "f").unlink()
    write(root, {"f/g": "g\n"})

    paths = {path for _, path in told(since_begin(root, began=began))}

    assert paths == {"d", "d/x.py", "f", "f/g"} or paths == {"d", "d/x.py", "f/g"}


def test_what_is_ignored_is_counted_and_run_data_is_not(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {".gitignore": "node_modules/\n*.log\n", "a": "a\n"})
    began = changes_of(root).begin()
    write(root, {"node_modules/x/y.js": "1", "b.log": "2", ".env": "3", ".a5c/runs/z": "4"})

    compared = since_begin(root, began=began)

    assert told(compared) == []
    assert compared.left_out.count == 3
    assert set(compared.left_out.names) == {"node_modules/", "b.log", ".env"}


def test_a_file_that_is_ignored_after_the_beginning_is_shown_all_the_same(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "good\n"})
    began = changes_of(root).begin()
    write(root, {".gitignore": "a.py\n", "a.py": "evil\n"})

    assert told(since_begin(root, began=began)) == [("added", ".gitignore"), ("changed", "a.py")]


def test_a_file_in_version_control_is_shown_though_it_is_ignored(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a": "a\n"})
    write(root, {".gitignore": "dist/\n", "dist/app.js": "good\n"})
    git(root, "add", "--force", "dist/app.js")
    began = changes_of(root).begin()
    write(root, {"dist/app.js": "evil\n"})

    assert told(since_begin(root, began=began)) == [("changed", "dist/app.js")]


def test_a_repository_inside_the_workspace_hides_nothing(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a": "a\n"})
    began = changes_of(root).begin()
    repository(root / "inner", {"evil.py": "1\n", "a": "not the outer one\n"})
    repository(root / "inner" / "deeper", {"worse.py": "2\n"})

    paths = {path for _, path in told(since_begin(root, began=began))}
    assert {"inner/evil.py", "inner/a", "inner/deeper/worse.py"} <= paths

    write(root, {"inner/evil.py": "3\n", "inner/more.py": "4\n"})
    again = since_begin(root, began=began)
    assert {"inner/evil.py", "inner/more.py"} <= {path for _, path in told(again)}
    assert b"+3\n" in again.found.patch


@pytest.mark.parametrize(
    ("attributes", "before", "after"),
    [
        ("* ident\n", b"/* $Id: a $ */\n", b"/* $Id: */ evil(); /* $ */\n"),
        ("* text\n", b"a\nb\n", b"a\r\nb\r\n"),
        ("* -diff\n", b"good\n", b"evil\n"),
        ("* binary\n", b"good\n", b"evil\n"),
        ("* working-tree-encoding=UTF-16\n", b"\xff\xfea\0\n\0", b"\xff\xfeb\0\n\0"),
    ],
)
def test_attributes_of_the_workspace_hide_no_change(
    tmp_path: Path, attributes: str, before: bytes, after: bytes
) -> None:
    root = repository(tmp_path / "w", {"x": "x\n"})
    write(root, {".gitattributes": attributes, "a.c": before})
    began = changes_of(root).begin()
    write(root, {"a.c": after})

    compared = since_begin(root, began=began)

    assert told(compared) == [("changed", "a.c")]
    if b"\0" not in after:
        assert b"+" + after.split(b"\n")[0] + b"\n" in compared.found.patch


def test_marks_in_the_users_index_hide_no_change(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "good\n", "b.py": "good\n"})
    began = changes_of(root).begin()
    git(root, "update-index", "--assume-unchanged", "a.py")
    git(root, "update-index", "--skip-worktree", "b.py")
    write(root, {"a.py": "evil\n", "b.py": "evil\n"})

    assert told(since_begin(root, began=began)) == [("changed", "a.py"), ("changed", "b.py")]
    assert told(changes_of(root).compare("main..", began)) == [("changed", "a.py"), ("changed", "b.py")]


def test_a_change_that_keeps_time_and_size_is_told(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "good\n"})
    began = changes_of(root).begin()
    facts = (root / "a.py").stat()
    write(root, {"a.py": "evil\n"})
    os.utime(root / "a.py", ns=(facts.st_atime_ns, facts.st_mtime_ns))

    assert told(since_begin(root, began=began)) == [("changed", "a.py")]


HOSTILE = """\
[core]
\tfsmonitor = {program}
\thooksPath = {hooks}
\tpager = {program}
\tattributesFile = {attributes}
[diff]
\texternal = {program}
[diff "evil"]
\ttextconv = {program}
\tcommand = {program}
[filter "evil"]
\tclean = {program}
\tsmudge = {program}
\tprocess = {program}
\trequired = true
[pager]
\tdiff = {program}
[alias]
\tdiff = !{program}
\tls-files = !{program}
[extensions]
\tpartialClone = evil
[remote "evil"]
\turl = .
\tuploadpack = {program}
\tpromisor = true
"""


def make_hostile(root: Path, said: Path) -> None:
    """Have everything that git's configuration can start leave a trace at ``said``."""
    program = root.parent / "evil.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {said}\nexec cat\n')
    program.chmod(0o755)
    hooks = root.parent / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in (
        "post-index-change",
        "pre-commit",
        "post-checkout",
        "reference-transaction",
        "fsmonitor-watchman",
    ):
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    (root.parent / "attributes").write_text("* filter=evil diff=evil\n")
    with (root / ".git" / "config").open("a") as config:
        config.write(HOSTILE.format(program=program, hooks=hooks, attributes=root.parent / "attributes"))
    for own in ("post-index-change", "reference-transaction"):
        copy = root / ".git" / "hooks" / own
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(program.read_text())
        copy.chmod(0o755)


def test_nothing_that_a_repository_configures_is_started(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "one\n", ".gitattributes": "* filter=evil diff=evil\n"})
    inner = repository(root / "inner", {"b.py": "two\n"})
    said = tmp_path / "said"
    make_hostile(root, said)
    make_hostile(inner, said)
    began = changes_of(root).begin()
    write(root, {"a.py": "three\n", "inner/b.py": "four\n"})

    run = since_begin(root, began=began)
    commit = changes_of(root).compare("main..", began)
    changes_of(root).compare("main..main", began)

    assert ("changed", "a.py") in told(run)
    assert ("changed", "a.py") in told(commit)
    assert b"+three\n" in run.found.patch
    assert not said.exists(), said.read_text()


def test_what_a_partial_clone_lacks_is_not_fetched(tmp_path: Path) -> None:
    """Its configuration says with which program to fetch, so asking for a name would start that program."""
    root = repository(tmp_path / "w", {"a.py": "one\n"})
    commit = git(root, "rev-parse", "main").strip()
    make_hostile(root, tmp_path / "said")
    (root / ".git" / "objects" / commit[:2] / commit[2:]).unlink()

    with pytest.raises(ReviewError, match="has no commit"):
        changes_of(root).compare("main..", "")

    assert not (tmp_path / "said").exists()


def test_the_traps_of_these_tests_do_spring(tmp_path: Path) -> None:
    """Plain git, in the same repository, starts what is configured: so the traps above are real ones."""
    root = repository(tmp_path / "w", {"a.py": "one\n", ".gitattributes": "* filter=evil diff=evil\n"})
    said = tmp_path / "said"
    make_hostile(root, said)
    write(root, {"a.py": "three\n"})

    LocalPrograms().call(("git", "status"), cwd=str(root))
    LocalPrograms().call(("git", "diff"), cwd=str(root))

    assert said.exists()


def test_the_users_repository_keeps_every_byte(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "one\n"})
    write(root, {"a.py": "two\n", "b.py": "new\n"})
    before = contents_of(root / ".git")

    began = changes_of(root).begin()
    changes_of(root).compare("main..", began)

    assert contents_of(root / ".git") == before


def test_the_beginning_survives_whatever_becomes_of_the_users_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "one\n"})
    write(root, {"a.py": "two\n"})
    began = changes_of(root).begin()
    write(root, {"a.py": "three\n"})
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--amend", "--message=other")
    git(root, "reflog", "expire", "--expire=now", "--all")
    git(root, "gc", "--quiet", "--prune=now")
    git(root / ".a5c" / "states" / "workspace.git", "gc", "--quiet", "--prune=now")

    compared = since_begin(root, began=began)

    assert b"\n-two\n+three\n" in compared.found.patch


def test_since_a_commit_all_that_is_in_the_workspace_counts(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "one\n", "b.py": "same\n"})
    write(root, {"a.py": "two\n"})
    git(root, "commit", "--quiet", "--all", "--message=two")
    write(root, {"c.py": "untracked\n"})
    began = changes_of(root).begin()

    compared = changes_of(root).compare("main~1..", began)

    assert told(compared) == [("changed", "a.py"), ("added", "c.py")]
    assert compared.tree == began


def test_two_commits_are_compared_without_the_workspace(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "one\n"})
    write(root, {"a.py": "two\n"})
    git(root, "commit", "--quiet", "--all", "--message=two")
    write(root, {"a.py": "three\n"})

    compared = changes_of(root).compare("main~1..main", "")

    assert b"\n-one\n+two\n" in compared.found.patch
    assert compared.tree == ""


def test_a_workspace_below_its_repositorys_top_sees_its_own_part(tmp_path: Path) -> None:
    top = repository(tmp_path / "w", {"sub/a.py": "one\n", "other.py": "x\n"})
    write(top, {"sub/a.py": "two\n", "other.py": "y\n"})

    compared = changes_of(top / "sub").compare("main..", "")

    assert told(compared) == [("changed", "a.py")]


def test_a_file_too_large_to_keep_is_named_with_its_sizes(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"a.py": "one\n"})
    began = changes_of(root).begin()
    write(root, {"a.py": "two\n", "huge": b"x" * (FILE_BYTES_MAX + 1)})

    found = since_begin(root, began=began).found

    assert [(file.path, file.kept) for file in found.files] == [("a.py", True), ("huge", False)]
    assert found.files[1].bytes == FILE_BYTES_MAX + 1
    assert len(found.patch) < 1000


@pytest.mark.parametrize(
    ("since", "says"),
    [
        ("nowhere..", "has no commit nowhere"),
        ("run", "was not kept as it was"),
        ("0" * 40 + "..", "has no commit"),
    ],
)
def test_what_can_not_be_told_is_an_error_that_says_what_to_do(tmp_path: Path, since: str, says: str) -> None:
    root = repository(tmp_path / "w", {"a.py": "one\n"})

    with pytest.raises(ReviewError, match=says) as refusal:
        changes_of(root).compare(since, "")

    assert refusal.value.hint


def no_git(call: Call) -> Called:
    """Answer as ``env`` does on a machine without git."""
    assert call.argv[0] == "env"
    return answered(status=127, stderr="env: 'git': No such file or directory\n")


def test_a_machine_without_git_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "one\n"})
    changes = replace(changes_of(tmp_path), programs=FakePrograms(no_git))

    with pytest.raises(ReviewError, match="git is not on this machine") as refusal:
        changes.begin()

    assert "Install git" in refusal.value.hint


def test_runs_that_are_given_one_name_or_one_that_is_none_for_git_keep_their_beginnings(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"a.py": "one\n"})
    first = changes_of(tmp_path).begin()
    write(tmp_path, {"a.py": "two\n"})
    second = changes_of(tmp_path).begin()
    git(tmp_path / ".a5c" / "states" / "workspace.git", "gc", "--quiet", "--prune=now")

    assert told(since_begin(tmp_path, began=first)) == [("changed", "a.py")]
    assert told(since_begin(tmp_path, began=second)) == []


def test_a_commit_without_a_repository_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="in no git repository"):
        changes_of(tmp_path).compare("main..", "")


def test_a_beginning_that_was_lost_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "one\n"})
    changes_of(tmp_path).begin()

    with pytest.raises(ReviewError, match="is not in"):
        since_begin(tmp_path, began="1" * 64)


def test_the_same_files_give_the_same_tree_whatever_was_there_in_between(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "one\n", "b/c.py": "two\n"})
    began = changes_of(tmp_path).begin()

    write(tmp_path, {"a.py": "other\n", "d.py": "three\n"})
    assert changes_of(tmp_path).now(began) != began
    write(tmp_path, {"a.py": "one\n"})
    (tmp_path / "d.py").unlink()

    assert changes_of(tmp_path).now(began) == began


def test_a_caller_that_is_a_git_hook_redirects_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path / "w", {"a.py": "one\n"})
    other = repository(tmp_path / "other", {"b.py": "two\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))

    began = changes_of(root).begin()
    write(root, {"a.py": "three\n"})

    assert told(since_begin(root, began=began)) == [("changed", "a.py")]


def test_the_time_of_the_last_look_is_kept_with_its_index(tmp_path: Path) -> None:
    """Git compares times by the second, and looks closer at files that are as new as its index.

    Without that, a change to as many bytes within the second of the last look would not be seen.
    """
    write(tmp_path, {"a.py": "one\n"})
    changes = changes_of(tmp_path)
    changes.begin()
    last = tmp_path / ".a5c" / "states" / "workspace.git" / "index"
    os.utime(last, ns=(10**18, 10**18))

    at_work = changes._states()._index()

    assert at_work != last
    assert at_work.stat().st_mtime_ns == 10**18


@pytest.mark.parametrize("number", range(5))
def test_a_change_to_as_many_bytes_right_after_a_look_is_told(tmp_path: Path, number: int) -> None:
    write(tmp_path, {"a.py": "0\n"})
    began = changes_of(tmp_path).begin()

    write(tmp_path, {"a.py": f"{number + 1}\n"})

    assert told(since_begin(tmp_path, began=began)) == [("changed", "a.py")]
