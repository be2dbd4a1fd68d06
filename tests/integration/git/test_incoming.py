"""What a commit or a push would bring in: read from git's own objects, whatever their names and shapes."""

import subprocess

import hypothesis
import hypothesis.strategies as st
import pytest

from babysitter.model.errors import RefusedError, UsageError
from babysitter.service.git.incoming import Push, read_pushes
from babysitter.service.git.refusing import Inspection, inspect_pushed, inspect_staged
from tests.integration.git.repository import CREDENTIAL, Repo, find

pytestmark = pytest.mark.needs("git")
NOTHING = "0" * 40


def staged(repo: Repo, **more: str) -> Inspection:
    return inspect_staged(repo.asked(), find=find, **more)


def pushed(repo: Repo, local: str, remote_: str = NOTHING, *, remote: str = "origin") -> Inspection:
    push = Push(local_ref="refs/heads/main", local=local, remote_ref="refs/heads/main", remote=remote_)
    return inspect_pushed(repo.asked(), [push], remote=remote, find=find)


def told(found: Inspection) -> list[tuple[str, str]]:
    return [(each.path, each.rule) for each in found.refusals]


@pytest.mark.promise("G06")
@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (".a5c/runs/r/run.json", "run-data"),
        ("deep/below/.a5c/x", "run-data"),
        (".A5C/x", "run-data"),
        (".env", "environment-file"),
        ("svc/.env.local", "environment-file"),
        (".env.prod.local", "environment-file"),
    ],
)
@pytest.mark.parametrize("first", [True, False], ids=["first commit", "later commit"])
def test_run_data_and_environment_files_are_refused(path: str, rule: str, first: bool, repo: Repo) -> None:
    if not first:
        repo.commit("a.txt")
    repo.staged(path)

    assert told(staged(repo)) == [(path, rule)]


@pytest.mark.promise("G06")
@pytest.mark.parametrize(
    "path", [".env.example", "a5c/x", "x.a5c", ".environment", "docs/env.local", ".a5c.md"]
)
def test_what_only_looks_alike_is_not_refused(path: str, repo: Repo) -> None:
    repo.staged(path)

    assert told(staged(repo)) == []


def test_a_runs_directory_elsewhere_is_refused_too(repo: Repo) -> None:
    repo.staged("data/runs/r/run.json")
    repo.staged("data/runs.md")

    assert told(staged(repo, runs_dir="data/runs")) == [("data/runs/r/run.json", "run-data")]


@pytest.mark.promise("G06")
def test_the_index_counts_and_not_the_working_tree(repo: Repo) -> None:
    repo.staged("clean-in-tree.txt", CREDENTIAL)
    repo.write("clean-in-tree.txt", "nothing")
    repo.staged("clean-in-index.txt", "nothing")
    repo.write("clean-in-index.txt", CREDENTIAL)

    assert told(staged(repo)) == [("clean-in-tree.txt", "the-one")]


@pytest.mark.promise("G06")
@pytest.mark.parametrize(
    "name", ["a b", 'q"uote', "new\nline", "ünï", "-dash", "tab\there", "[x]*", ":colon"]
)
def test_a_file_of_any_name_is_looked_into(name: str, repo: Repo) -> None:
    repo.git("config", "core.quotePath", "true")
    repo.staged(name, f"1\n2 {CREDENTIAL}\n")

    found = staged(repo)

    assert [(each.path, each.line) for each in found.refusals] == [(name, 2)]


def test_a_name_that_is_no_text_is_told_spelt_out(repo: Repo) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", stdin=CREDENTIAL)
    listed = f"100644 {blob}\tbad".encode() + b"\xff\0"

    subprocess.run(["git", "update-index", "-z", "--index-info"], cwd=repo.root, input=listed, check=True)

    assert told(staged(repo)) == [("bad\\xff", "the-one")]


NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: not set(name) & set(b"\0/") and name not in (b".", b"..") and b".git" not in name.lower()
)


@pytest.mark.promise("G06")
@hypothesis.given(
    names=st.sets(NAMES, min_size=1, max_size=6), folder=st.sampled_from([b"", b".a5c/", b"d/"])
)
def test_names_of_any_bytes_are_read_as_git_has_them(
    names: set[bytes], folder: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hypothesis.assume(not any(fixes_the_name(name) for name in names))
    repo = Repo.make(tmp_path_factory.mktemp("names"))
    blob = repo.git("hash-object", "-w", "--stdin", stdin=CREDENTIAL)
    listed = b"".join(b"100644 " + blob.encode() + b"\t" + folder + name + b"\0" for name in names)
    subprocess.run(["git", "update-index", "-z", "--index-info"], cwd=repo.root, input=listed, check=True)

    found = staged(repo)

    spelt = {(folder + name).decode("utf-8", "backslashreplace") for name in names}
    assert found.files == len(names)
    assert {each.path for each in found.refusals} == spelt


def fixes_the_name(name: bytes) -> bool:
    """Tell whether git would not take a name, since on some file system it is .git."""
    return b"git~" in name.lower() or b"\xe2\x80" in name or b"\xe2\x81" in name or b"\xef\xbb" in name


@pytest.mark.promise("G06")
def test_the_content_of_binary_files_is_looked_into(repo: Repo) -> None:
    repo.staged("x.bin", b"\0\1\2\xff" + CREDENTIAL.encode() + b"\0")

    assert told(staged(repo)) == [("x.bin", "the-one")]


@pytest.mark.promise("G06")
def test_a_file_that_git_calls_binary_or_converts_is_looked_into_as_it_is_stored(repo: Repo) -> None:
    repo.write(".gitattributes", "*.txt -diff binary\n*.dat diff=conv filter=conv\n")
    repo.git("config", "diff.conv.textconv", "echo nothing; #")
    repo.staged("a.txt", CREDENTIAL)
    repo.staged("b.dat", CREDENTIAL)

    assert {path for path, _ in told(staged(repo))} == {"a.txt", "b.dat"}


def test_a_symlink_counts_with_the_path_that_it_holds(repo: Repo) -> None:
    (repo.root / "l").symlink_to(f"/nowhere/{CREDENTIAL}")
    secret = repo.write("../outside.txt", CREDENTIAL)
    (repo.root / "m").symlink_to(secret)
    repo.git("add", "l", "m")

    assert told(staged(repo)) == [("l", "the-one")]


@pytest.mark.promise("G06")
def test_renaming_into_run_data_and_copying_a_credential_are_seen(repo: Repo) -> None:
    repo.git("config", "diff.renames", "copies")
    repo.commit("a.txt", "the very same text, long enough to count as the same\n" * 9)
    repo.git("mv", "a.txt", "b.txt")
    (repo.root / ".a5c").mkdir()
    repo.git("mv", "b.txt", ".a5c/b.txt")

    assert told(staged(repo)) == [(".a5c/b.txt", "run-data")]


def test_deleting_run_data_is_what_is_wanted(repo: Repo) -> None:
    repo.commit(".a5c/x")
    repo.git("rm", "--quiet", "-r", ".a5c")

    assert staged(repo) == Inspection(files=0, refusals=())


def test_a_submodule_is_a_name_and_its_content_is_elsewhere(repo: Repo) -> None:
    other = Repo.make(repo.root.parent / "other")
    commit = other.commit("a.txt", CREDENTIAL)
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},lib")

    found = staged(repo)

    assert (found.files, told(found)) == (1, [])


@pytest.mark.promise("G06")
def test_a_push_looks_at_every_commit_and_not_only_at_the_last(repo: Repo, remote: Repo) -> None:
    repo.commit("a.txt")
    bad = repo.commit("b.txt", CREDENTIAL)
    repo.git("rm", "--quiet", "b.txt")
    last = repo.commit()

    found = pushed(repo, last)

    assert [(each.path, each.commit) for each in found.refusals] == [("b.txt", bad)]


@pytest.mark.promise("G06")
def test_a_push_looks_at_what_the_remote_has_not(repo: Repo, remote: Repo) -> None:
    old = repo.commit("old.txt", CREDENTIAL)
    repo.git("push", "--quiet", "origin", "main")
    new = repo.commit("new.txt", CREDENTIAL)

    assert told(pushed(repo, new, old)) == [("new.txt", "the-one")]
    assert told(pushed(repo, new)) == [("new.txt", "the-one")], "another branch of the same remote"


def test_a_forced_push_looks_at_what_is_new_on_top_of_what_is_common(repo: Repo, remote: Repo) -> None:
    repo.commit("base.txt")
    repo.commit("old.txt")
    repo.git("push", "--quiet", "origin", "main")
    old = repo.git("rev-parse", "HEAD")
    repo.git("reset", "--quiet", "--hard", "HEAD~")
    new = repo.commit("forced.txt", CREDENTIAL)

    assert told(pushed(repo, new, old)) == [("forced.txt", "the-one")]


def test_a_push_over_something_that_is_not_here_looks_at_all_that_the_remote_is_not_known_to_have(
    repo: Repo, remote: Repo
) -> None:
    new = repo.commit("new.txt", CREDENTIAL)

    assert told(pushed(repo, new, "1" * 40)) == [("new.txt", "the-one")]


def test_a_deletion_brings_nothing(repo: Repo, remote: Repo) -> None:
    old = repo.commit("a.txt", CREDENTIAL)

    assert pushed(repo, NOTHING, old) == Inspection(files=0, refusals=())


def test_an_address_without_a_name_has_seen_nothing(repo: Repo, remote: Repo) -> None:
    repo.commit("a.txt", CREDENTIAL)
    repo.git("push", "--quiet", "origin", "main")

    found = pushed(repo, repo.git("rev-parse", "HEAD"), remote="https://[::1]/a?b*")

    assert told(found) == [("a.txt", "the-one")]


@pytest.mark.promise("G06")
def test_what_a_merge_itself_brings_is_seen_and_what_others_merged_is_not_repeated(
    repo: Repo, remote: Repo
) -> None:
    repo.commit("a.txt", "1\n")
    repo.git("checkout", "--quiet", "-b", "theirs")
    repo.commit("theirs.txt", CREDENTIAL)
    repo.git("push", "--quiet", "origin", "theirs")
    repo.git("checkout", "--quiet", "main")
    repo.commit("ours.txt")
    repo.git("merge", "--quiet", "--no-commit", "theirs")
    repo.staged("evil.txt", CREDENTIAL)
    repo.staged("a.txt", f"{CREDENTIAL}\n")
    merge = repo.commit(message="a merge")

    assert {path for path, _ in told(pushed(repo, merge))} == {"evil.txt", "a.txt"}


@pytest.mark.promise("G06")
def test_the_same_content_under_a_refused_name_is_refused(repo: Repo, remote: Repo) -> None:
    """The remote has the bytes, but not the name."""
    repo.commit("a.txt", "same\n")
    repo.git("push", "--quiet", "origin", "main")

    assert told(pushed(repo, repo.commit(".a5c/a.txt", "same\n"))) == [(".a5c/a.txt", "run-data")]


@pytest.mark.promise("G06")
def test_what_commits_and_tags_say_is_looked_at(repo: Repo, remote: Repo) -> None:
    repo.commit("a.txt", message=f"deploy with {CREDENTIAL}")
    in_commit = pushed(repo, repo.git("rev-parse", "HEAD"))
    repo.commit("b.txt")
    repo.git("push", "--quiet", "--no-verify", "origin", "main")
    repo.git("tag", "-a", "v1", "-m", f"released with {CREDENTIAL}")
    in_tag = pushed(repo, repo.git("rev-parse", "v1"))

    assert [path for path, _ in told(in_commit)] == ["(what the commit or tag says)"]
    assert [path for path, _ in told(in_tag)] == ["(what the commit or tag says)"]


@pytest.mark.parametrize("kind", ["blob", "tree"])
def test_a_tag_of_something_else_than_a_commit_is_looked_into(kind: str, repo: Repo, remote: Repo) -> None:
    repo.commit("dir/a.txt", CREDENTIAL)
    name = {"blob": "HEAD:dir/a.txt", "tree": "HEAD:dir"}[kind]
    repo.git("tag", "odd", name)

    assert [rule for _, rule in told(pushed(repo, repo.git("rev-parse", "odd")))] == ["the-one"]


@pytest.mark.parametrize("options", [("--object-format=sha256",), ()], ids=["sha256", "sha1"])
def test_both_hashes_of_git_are_known(options: tuple[str, ...], repo: Repo) -> None:
    other = Repo.make(repo.root.parent / "hashed", *options)
    other.staged("a.txt", CREDENTIAL)
    in_index = told(staged(other))
    commit = other.commit()

    assert in_index == [("a.txt", "the-one")]
    assert told(pushed(other, commit, "0" * len(commit))) == [("a.txt", "the-one")]


@pytest.mark.promise("G06")
def test_an_object_that_is_not_here_is_no_all_clear(repo: Repo) -> None:
    repo.staged("a.txt", "x")
    blob = repo.git("rev-parse", ":a.txt")
    (repo.root / ".git/objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(RefusedError, match="no object"):
        staged(repo)


@pytest.mark.parametrize("text", ["nonsense\n", "a b c\n", "refs/heads/main --all refs/heads/main HEAD\n"])
def test_what_git_would_not_say_is_refused(text: str, repo: Repo) -> None:
    with pytest.raises(UsageError):
        inspect_pushed(repo.asked(), read_pushes(text), remote="origin", find=find)


@pytest.mark.promise("G06")
def test_what_is_too_large_to_be_looked_into_is_refused(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("babysitter.service.git.refusing.BLOB_BYTES_MAX", 10)
    repo.staged("a.bin", "x" * 11)
    repo.staged("b.bin", "x" * 10)

    assert told(staged(repo)) == [("a.bin", "too-large")]


def test_many_and_large_files_are_looked_at_in_parts(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("babysitter.service.git.repository._BATCH_BYTES", 100)
    for number in range(9):
        repo.write(f"{number}.txt", f"{'x' * 60}{number}\n{CREDENTIAL if number in (0, 4, 8) else ''}")
    repo.write("empty")
    repo.git("add", ".")

    assert {path for path, _ in told(staged(repo))} == {"0.txt", "4.txt", "8.txt"}
