"""A repository of somebody else's: nothing it configures runs, and no object is taken for another."""

from pathlib import Path

import pytest

from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.scanners.git_history import GitHistory
from babysitter.service.git.incoming import Push
from babysitter.service.git.refusing import inspect_pushed, inspect_staged
from tests.integration.git.repository import CREDENTIAL, Repo, find

pytestmark = pytest.mark.needs("git")
NOTHING = "0" * 40
SIGNED = """\
tree {tree}
author n <n@example.org> 1 +0000
committer n <n@example.org> 1 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 \n abc
 -----END PGP SIGNATURE-----

signed
"""


@pytest.mark.promise("G13")
def test_a_history_that_wants_its_signatures_shown_starts_no_program_of_its_own(
    repo: Repo, tmp_path: Path
) -> None:
    repo.commit("a.txt")
    trace = tmp_path / "ran"
    repo.write("check", f"#!/bin/sh\ntouch {trace}\n", mode=0o755)
    (repo.root / "raw").write_text(SIGNED.format(tree=repo.git("write-tree")))
    repo.git("update-ref", "HEAD", repo.git("hash-object", "-t", "commit", "-w", "raw"))
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "gpg.program", str(repo.root / "check"))
    history = GitHistory(LocalPrograms(), str(repo.root), "HEAD")
    (version,) = history.versions()

    assert history.commit_of(version) == repo.git("rev-parse", "HEAD")
    assert not trace.exists()


@pytest.mark.promise("G06")
def test_an_object_that_stands_in_for_another_does_not_hide_what_is_staged_or_pushed(repo: Repo) -> None:
    """A push sends the object itself, whatever ``refs/replace`` shows here."""
    repo.commit("harmless.txt", "nothing\n")
    commit = repo.commit("leak.txt", CREDENTIAL)
    repo.git("replace", repo.git("rev-parse", "HEAD:leak.txt"), repo.git("rev-parse", "HEAD:harmless.txt"))
    push = Push(local_ref="refs/heads/main", local=commit, remote_ref="refs/heads/main", remote=NOTHING)
    repo.staged("again.txt", CREDENTIAL)

    pushed = inspect_pushed(repo.asked(), [push], remote="origin", find=find)
    staged = inspect_staged(repo.asked(), find=find)

    assert [each.path for each in pushed.refusals] == ["leak.txt"]
    assert [each.path for each in staged.refusals] == ["again.txt"]
