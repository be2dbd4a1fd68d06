# ruff: noqa: D102 (the sentences are the names)
"""What any source of secrets must keep, as tests: subclass and give a source.

    class TestMySource(SourceConformance):
        @pytest.fixture
        def source(self):
            return MySource(...)            # that holds VALUES, and nothing called ABSENT

        @pytest.fixture
        def away(self):
            return MySource(...)            # whose place can't be reached, refuses, or never answers

A source that names its secrets otherwise overrides ``name_of``. The contract: secrets/sources/interface.py.
"""

import time
from abc import abstractmethod
from pathlib import Path

import pytest

from babysitter.model.errors import SecretError, SecretSourceError
from babysitter.model.runner import ManySecrets, SecretSource
from babysitter.model.secret import Secret

VALUES = {
    "PLAIN": "Kq7wRz9xLmP2vJd8",
    "AWKWARD": "p@ss:\"w/o'rd\\ $HOME `id` #no=comment +ünï€",
    "KEY_FILE": "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----",
}
ABSENT = "NOT_THERE"
AWAY_S_MAX = 10.0


class SourceConformance:
    """The suite. Each test gets a fresh source."""

    @pytest.fixture
    @abstractmethod
    def source(self) -> SecretSource:
        """Return a source that holds ``VALUES``."""

    @pytest.fixture
    @abstractmethod
    def away(self) -> SecretSource | None:
        """Return a source whose place can't be read; None when there is no such thing."""

    def name_of(self, name: str) -> str:
        """Return what stands behind the colon of a reference to the secret."""
        return name

    @pytest.mark.parametrize("name", list(VALUES))
    def test_a_value_comes_whole_and_unchanged(self, source: SecretSource, name: str) -> None:
        assert source.get(self.name_of(name)) == VALUES[name]

    def test_a_name_that_is_not_there_has_no_value(self, source: SecretSource) -> None:
        assert source.get(self.name_of(ABSENT)) is None

    def test_its_references_are_well_formed(self, source: SecretSource) -> None:
        for name in VALUES:
            Secret(f"{source.scheme}:{self.name_of(name)}")

    def test_several_at_once_are_the_same_as_one_by_one(self, source: SecretSource) -> None:
        if isinstance(source, ManySecrets):
            names = [self.name_of(name) for name in (*VALUES, ABSENT)]

            found = source.get_many(names)

            assert found == {self.name_of(name): value for name, value in VALUES.items()}

    def test_one_that_is_away_says_so_in_time(self, away: SecretSource | None) -> None:
        """What, where and what to do; and never a value of some other secret."""
        if away is None:
            return
        name = self.name_of("PLAIN")
        started = time.monotonic()  # noqa: TID251 (how long it takes is the question)

        with pytest.raises(SecretSourceError) as caught:
            away.get(name)

        assert time.monotonic() - started < AWAY_S_MAX  # noqa: TID251
        assert f"{away.scheme}:{name}" in caught.value.message
        assert caught.value.hint
        assert isinstance(caught.value, SecretError)

    def test_no_text_of_it_shows_a_value(self, source: SecretSource) -> None:
        source.get(self.name_of("PLAIN"))

        assert not any(value in repr(source) + str(source) for value in VALUES.values())

    def test_it_prints_nothing(self, source: SecretSource, capfd: pytest.CaptureFixture[str]) -> None:
        source.get(self.name_of("PLAIN"))
        source.get(self.name_of(ABSENT))

        assert capfd.readouterr() == ("", "")

    def test_it_leaves_no_file_behind(
        self, source: SecretSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home, temporary = tmp_path / "home-of-it", tmp_path / "tmp-of-it"
        home.mkdir()
        temporary.mkdir()
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("TMPDIR", str(temporary))
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        before = {path for path in tmp_path.rglob("*") if path.is_file()}

        source.get(self.name_of("PLAIN"))

        assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
