"""A git remote as a witness: it grows, it is never forced, and what it has seen can be read back."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.witness.git import GitWitness
from babysitter.log.witness.interface import CheckpointUpdate
from babysitter.model.errors import WitnessError
from babysitter.testing.clocks import FakeClock
from tests.unit.log.witness.sample_log import ORIGIN, SampleLog

pytestmark = pytest.mark.needs("git")
HONEST, REWRITTEN = SampleLog(), SampleLog(rewritten_at=3)
ELSEWHERE = SampleLog(origin="logs.example.com/elsewhere", seed=2)


def git(*arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    place = tmp_path / "remote.git"
    git("init", "--quiet", "--bare", str(place))
    return place


def witness(remote: Path | str, folder: Path, branch: str = "checkpoints") -> GitWitness:
    return GitWitness(
        name="g",
        remote=str(remote),
        branch=branch,
        folder=str(folder),
        programs=LocalPrograms(),
        clock=FakeClock(),
    )


def reason(witness: GitWitness, update: CheckpointUpdate) -> object:
    with pytest.raises(WitnessError) as caught:
        witness.cosign(update)
    assert caught.value.facts["witness"] == "g"
    assert caught.value.hint
    return caught.value.facts["reason"]


def sizes(notes: list[str]) -> list[int]:
    return [read_checkpoint(note)[1].size for note in notes]


def test_each_checkpoint_is_a_commit_that_anybody_reads(remote: Path, tmp_path: Path) -> None:
    ours = witness(remote, tmp_path / "ours")

    left = [ours.cosign(HONEST.update(size)) for size in (5, 8, 8, 20)]

    auditor = witness(remote, tmp_path / "auditors")
    assert auditor.seen(ORIGIN) == [HONEST.note(size) for size in (20, 8, 5)]
    assert auditor.seen("logs.example.com/x") == []
    assert {(each.signatures, each.time_s) for each in left} == {((), None)}
    shown = git("--git-dir", str(remote), "log", "--format=%s", "checkpoints")
    assert shown.splitlines() == ["checkpoint at 20 lines", "checkpoint at 8 lines", "checkpoint at 5 lines"]


def test_an_empty_remote_has_seen_nothing(remote: Path, tmp_path: Path) -> None:
    assert witness(remote, tmp_path / "a").seen(ORIGIN) == []


def test_a_rollback_is_refused(remote: Path, tmp_path: Path) -> None:
    witness(remote, tmp_path / "a").cosign(HONEST.update(20))

    for folder in ("a", "b"):
        assert reason(witness(remote, tmp_path / folder), HONEST.update(8)) == "ahead"
    assert sizes(witness(remote, tmp_path / "c").seen(ORIGIN)) == [20]


@pytest.mark.parametrize("size", [8, 12])
def test_a_fork_is_refused(remote: Path, tmp_path: Path, size: int) -> None:
    witness(remote, tmp_path / "a").cosign(HONEST.update(8))

    for folder in ("a", "b"):
        assert reason(witness(remote, tmp_path / folder), REWRITTEN.update(size)) == "fork"


def test_several_logs_share_a_branch(remote: Path, tmp_path: Path) -> None:
    ours, theirs = witness(remote, tmp_path / "a"), witness(remote, tmp_path / "b")

    for size in (5, 8):
        ours.cosign(HONEST.update(size))
        theirs.cosign(ELSEWHERE.update(size + 1))

    assert (sizes(ours.seen(ORIGIN)), sizes(ours.seen(ELSEWHERE.origin))) == ([8, 5], [9, 6])


def test_two_at_once_both_arrive_or_say_so(remote: Path, tmp_path: Path) -> None:
    """Also from one folder, where two processes of a workspace meet."""
    pairs = [("a", HONEST), ("b", ELSEWHERE), ("a", HONEST)]

    def cosign(pair: tuple[str, SampleLog]) -> object:
        try:
            return witness(remote, tmp_path / pair[0]).cosign(pair[1].update(8))
        except WitnessError as error:
            return error.facts["reason"]

    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(cosign, pairs))

    assert {each for each in ended if isinstance(each, str)} <= {"conflict"}
    for folder, log in pairs:
        again = witness(remote, tmp_path / folder)
        again.cosign(log.update(8))
        assert sizes(again.seen(log.origin)) == [8]


def test_a_push_that_loses_the_race_is_made_again_on_top(remote: Path, tmp_path: Path) -> None:
    """Somebody pushes between our look and our push."""
    theirs = witness(remote, tmp_path / "b")

    class Racing(LocalPrograms):
        is_first = True

        def call(self, argv: tuple[str, ...], **more: object):  # type: ignore[no-untyped-def] # noqa: ANN202
            if "push" in argv and self.is_first:
                self.is_first = False
                theirs.cosign(ELSEWHERE.update(3))
            return super().call(argv, **more)  # type: ignore[arg-type]

    ours = GitWitness(
        name="g",
        remote=str(remote),
        branch="checkpoints",
        folder=str(tmp_path / "a"),
        programs=Racing(),
        clock=FakeClock(),
    )

    ours.cosign(HONEST.update(5))

    assert (sizes(ours.seen(ORIGIN)), sizes(ours.seen(ELSEWHERE.origin))) == ([5], [3])


def test_a_machine_without_git_is_told(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "env").symlink_to(shutil.which("env") or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert reason(witness(remote, tmp_path / "a"), HONEST.update(5)) == "settings"


@pytest.mark.parametrize("how", ["removed", "rewound", "rewritten"])
def test_a_remote_that_lost_what_it_had_seen_is_called_out(remote: Path, tmp_path: Path, how: str) -> None:
    ours = witness(remote, tmp_path / "a")
    for size in (5, 8):
        ours.cosign(HONEST.update(size))
    branch = "refs/heads/checkpoints"
    if how == "removed":
        git("--git-dir", str(remote), "update-ref", "-d", branch)
    elif how == "rewound":
        git("--git-dir", str(remote), "update-ref", branch, "checkpoints~1")
    else:
        git("--git-dir", str(remote), "update-ref", "-d", branch)
        witness(remote, tmp_path / "b").cosign(REWRITTEN.update(8))

    assert reason(ours, HONEST.update(12)) == "lost"
    with pytest.raises(WitnessError, match="no longer has"):
        ours.seen(ORIGIN)


@pytest.mark.parametrize("content", [None, "", "no note", "x" * 70_000])
def test_something_else_in_the_checkpoints_place_is_not_built_upon(
    remote: Path, tmp_path: Path, content: str | None
) -> None:
    ours = witness(remote, tmp_path / "a")
    ours.cosign(HONEST.update(5))
    head = git("--git-dir", str(remote), "rev-parse", "checkpoints").strip()
    # None: a checkpoint of another log at this log's place.
    put = ELSEWHERE.note(5) if content is None else content
    forged = ours._committed(head, HONEST.update(5).read()[1], put)
    assert ours._is_pushed(forged, head)

    assert reason(ours, HONEST.update(8)) in ("answer", "fork")


def test_a_remote_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    assert reason(witness(tmp_path / "nowhere.git", tmp_path / "a"), HONEST.update(5)) == "away"


def test_a_remote_that_refuses_is_not_forced(remote: Path, tmp_path: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)

    assert reason(witness(remote, tmp_path / "a"), HONEST.update(5)) == "conflict"


def test_no_hook_and_no_setting_of_the_user_is_run(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home full of traps, and a folder that somebody put a hook into."""
    trap = tmp_path / "trapped"
    hooks = tmp_path / "hooks"
    for place in (hooks, tmp_path / "a" / "hooks"):
        place.mkdir(parents=True)
        for name in ("pre-push", "reference-transaction", "post-index-change", "pre-auto-gc"):
            (place / name).write_text(f"#!/bin/sh\ntouch {trap}\n")
            (place / name).chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgSign = true\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(hooks))
    monkeypatch.setenv("GIT_CONFIG_KEY_1", f"url.{tmp_path}/elsewhere/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_1", f"{tmp_path}/")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "tree"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "objects"))

    witness(remote, tmp_path / "a").cosign(HONEST.update(5))

    assert not trap.exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "home", "hooks", "remote.git"]


@pytest.mark.parametrize(
    "remote",
    [
        "",
        "-u",
        "--upload-pack=x",
        "ext::sh -c x",
        "ext::x",
        "fd::3",
        "http://example.com/r",
        "git://example.com/r",
        "relative/path",
        "ssh://-oProxyCommand=x/r",
        "-x:path",
        "host:-x",
        "https://user:word@example.com/r",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "/a\x00b",
        "host:a::b",
    ],
)
def test_a_remote_that_could_be_something_else_is_refused(tmp_path: Path, remote: str) -> None:
    with pytest.raises(WitnessError, match="not given"):
        witness(remote, tmp_path / "a")


@pytest.mark.parametrize(
    "remote",
    [
        "https://example.com/r.git",
        "ssh://git@example.com:22/r",
        "git@example.com:a/b.git",
        "/a/b",
        "file:///a",
    ],
)
def test_remotes_as_people_write_them_are_taken(tmp_path: Path, remote: str) -> None:
    assert witness(remote, tmp_path / "a").remote == remote


@pytest.mark.parametrize(
    "branch", ["", "-x", "a b", "a..b", "a.lock", "/a", "a/", "a:b", "+a", "a@{1}", "x" * 101]
)
def test_a_branch_of_no_good_name_is_refused(tmp_path: Path, branch: str) -> None:
    with pytest.raises(WitnessError, match="branch"):
        witness("/a", tmp_path / "a", branch)
