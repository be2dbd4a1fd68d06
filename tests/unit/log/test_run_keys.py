"""A run's key signs how far the run is and how it ended; stock openssl can check it; then it is gone."""

import base64
import subprocess
from pathlib import Path

import pytest

from babysitter.log.run_keys import RunKeys, is_signed, progress_text, seal_text
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree

PREFIX = "ab" * 32
TEXT = progress_text("r", 7, PREFIX)


def keys_in(folder: Path) -> RunKeys:
    return RunKeys(Tree(RealDisk(), str(folder)))


def test_what_a_run_key_signs_its_public_half_confirms(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)

    public = keys.make("r")

    assert is_signed(public, keys.sign("r", TEXT), TEXT)


def test_the_key_is_found_again_by_the_next_driver(tmp_path: Path) -> None:
    public = keys_in(tmp_path).make("r")

    later = keys_in(tmp_path)

    assert later.make("r") == public
    assert is_signed(public, later.sign("r", TEXT), TEXT)


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    keys_in(tmp_path).make("r")

    assert (tmp_path / "run-keys/r.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "run-keys").stat().st_mode & 0o777 == 0o700


def test_two_runs_have_two_keys(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)

    assert keys.make("a") != keys.make("b")
    assert not is_signed(keys.make("a"), keys.sign("b", TEXT), TEXT)


def test_a_key_that_is_destroyed_signs_no_more_and_stays_gone(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    public = keys.make("r")
    signature = keys.sign("r", TEXT)

    keys.destroy("r")
    keys.destroy("r")

    assert list((tmp_path / "run-keys").iterdir()) == []
    assert keys.sign("r", TEXT) == ""
    assert is_signed(public, signature, TEXT), "what it signed stays verifiable"


def test_destroying_the_key_of_a_run_that_never_had_one_does_nothing(tmp_path: Path) -> None:
    keys_in(tmp_path).destroy("r")


def test_a_lost_key_is_not_replaced_by_signing(tmp_path: Path) -> None:
    assert keys_in(tmp_path).sign("r", TEXT) == ""


@pytest.mark.parametrize("broken", [b"", b"\0" * 31, b"x" * 33])
def test_a_key_that_a_power_cut_tore_is_a_lost_one(tmp_path: Path, broken: bytes) -> None:
    keys_in(tmp_path).make("r")
    (tmp_path / "run-keys/r.key").write_bytes(broken)

    assert keys_in(tmp_path).sign("r", TEXT) == ""


def test_each_text_says_one_thing() -> None:
    texts = {
        progress_text("r", 7, PREFIX),
        progress_text("r", 8, PREFIX),
        progress_text("s", 7, PREFIX),
        seal_text("r", 7, PREFIX, "completed"),
        seal_text("r", 7, PREFIX, "failed"),
    }

    assert len(texts) == 5
    assert all(text.startswith(b"babysitter-run/v1\n") for text in texts)


@pytest.mark.parametrize(
    ("public", "signature"),
    [
        ("", ""),
        ("QQ==", "QQ=="),
        ("?", "?"),
        ("\u2014", "\u2014"),
        (base64.b64encode(bytes(32)).decode(), "QQ=="),
    ],
)
def test_what_is_no_key_or_no_signature_confirms_nothing(public: str, signature: str) -> None:
    assert not is_signed(public, signature, TEXT)


def test_a_changed_text_is_not_signed(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    public, signature = keys.make("r"), keys.sign("r", seal_text("r", 7, PREFIX, "failed"))

    assert not is_signed(public, signature, seal_text("r", 7, PREFIX, "completed"))


@pytest.mark.needs("openssl")
def test_stock_openssl_checks_a_seal(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    public = base64.b64decode(keys.make("r"))
    text = seal_text("r", 7, PREFIX, "completed")
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
    (tmp_path / "text").write_bytes(text)
    (tmp_path / "signature").write_bytes(base64.b64decode(keys.sign("r", text)))
    asked = "pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -sigfile signature -in".split()

    good = subprocess.run(["openssl", *asked, "text"], cwd=tmp_path, capture_output=True, check=False)
    bad = subprocess.run(["openssl", *asked, "key.der"], cwd=tmp_path, capture_output=True, check=False)

    assert (good.returncode, bad.returncode) == (0, 1)


def test_a_key_that_another_process_destroyed_is_gone_from_this_one_too(tmp_path: Path) -> None:
    """A server that had made it kept it in memory, and could have sealed the run a second time."""
    keys = keys_in(tmp_path)
    keys.make("r")

    keys_in(tmp_path).destroy("r")

    assert keys.sign("r", TEXT) == ""
