"""A repository, and a remote of it."""

from pathlib import Path

import pytest

from tests.integration.git.repository import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.make(tmp_path / "repo")


@pytest.fixture
def remote(repo: Repo, tmp_path: Path) -> Repo:
    made = Repo.make(tmp_path / "remote.git", "--bare")
    repo.git("remote", "add", "origin", str(made.root))
    return made
