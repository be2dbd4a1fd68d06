"""A witness's key: made once, found again, and never made anew for a witness that has a past."""

import stat
from pathlib import Path

import pytest

from babysitter.log.notes import WITNESS_KEY, parse_key
from babysitter.log.witness.keys import KEY, VERIFIER, load_or_make_key
from babysitter.model.errors import SettingsError
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree

NAME = "witness.example.com/w"


@pytest.fixture
def folder(tmp_path: Path) -> Tree:
    return Tree(RealDisk(), str(tmp_path))


def test_the_first_use_makes_a_key_that_only_its_owner_reads(folder: Tree, tmp_path: Path) -> None:
    made = load_or_make_key(folder, NAME)

    published = parse_key((tmp_path / VERIFIER).read_text())
    assert published == made.verifier
    assert (published.name, published.kind) == (NAME, WITNESS_KEY)
    assert stat.S_IMODE((tmp_path / KEY).stat().st_mode) == 0o600
    assert load_or_make_key(folder, NAME).verifier == made.verifier


def test_a_crash_between_the_two_files_is_mended(folder: Tree, tmp_path: Path) -> None:
    made = load_or_make_key(folder, NAME)
    (tmp_path / VERIFIER).unlink()

    again = load_or_make_key(folder, NAME)

    assert again.verifier == made.verifier == parse_key((tmp_path / VERIFIER).read_text())


@pytest.mark.parametrize("past", ["vkey", "logs"])
def test_a_witness_that_lost_its_key_gets_no_other(folder: Tree, tmp_path: Path, past: str) -> None:
    load_or_make_key(folder, NAME)
    (tmp_path / KEY).unlink()
    if past == "logs":
        (tmp_path / VERIFIER).unlink()
        folder.replace("logs/x/latest", b"", durable=False)

    with pytest.raises(SettingsError, match="lost its key"):
        load_or_make_key(folder, NAME)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\x00" * 32])
def test_a_broken_key_is_refused(folder: Tree, content: bytes) -> None:
    load_or_make_key(folder, NAME)
    folder.replace(KEY, content, durable=False)

    with pytest.raises(SettingsError, match="no Ed25519 key"):
        load_or_make_key(folder, NAME)


def test_a_folder_belongs_to_one_name(folder: Tree) -> None:
    load_or_make_key(folder, NAME)

    with pytest.raises(SettingsError, match="belongs to the witness"):
        load_or_make_key(folder, "witness.example.com/other")


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb"])
def test_a_name_that_no_note_can_hold_makes_no_key(folder: Tree, tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="no name"):
        load_or_make_key(folder, name)

    assert list(tmp_path.iterdir()) == []
