"""Files of secrets: only ours, only for us, bounded, and an error never shows what is in them."""

import os
from pathlib import Path

import pytest

from babysitter.model.errors import SecretSourceError
from babysitter.secrets.sources.file import FILE_BYTES_MAX, FileSource


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    path.write_bytes(data)
    path.chmod(mode)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610])
@pytest.mark.promise("G10")
def test_a_file_that_others_may_open_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    write(tmp_path / "s.env", b"A=hunter2hunter2\n", mode)

    with pytest.raises(SecretSourceError) as caught:
        FileSource(tmp_path).get("s.env#A")

    assert "others may read or write" in caught.value.message
    assert caught.value.hint == "chmod 600 s.env"
    assert "hunter2" not in str(caught.value)


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "s.env", b"A=hunter2hunter2\n")
    someone_else = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: someone_else)

    with pytest.raises(SecretSourceError, match="belongs to another user"):
        FileSource(tmp_path).get("s.env#A")


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    write(tmp_path / "open.env", b"A=hunter2hunter2\n", 0o644)
    (tmp_path / "link.env").symlink_to("open.env")

    with pytest.raises(SecretSourceError, match="others may read"):
        FileSource(tmp_path).get("link.env#A")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"A=$HOME\n", "line 1 "),
        (b"A=\xff\xfehunter2\n", "not UTF-8"),
        (b"#" * (FILE_BYTES_MAX + 1), "larger than 1 MiB"),
    ],
)
def test_what_can_not_be_read_is_told_without_what_stands_there(
    tmp_path: Path, data: bytes, why: str
) -> None:
    write(tmp_path / "s.env", data)

    with pytest.raises(SecretSourceError, match=why) as caught:
        FileSource(tmp_path).get("s.env#A")

    assert caught.value.__cause__ is None
    assert "hunter2" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SecretSourceError, match="no regular file"):
        FileSource(tmp_path).get(".#A")


def test_a_path_may_be_absolute_or_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "s.env", b"A=hunter2hunter2\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert FileSource(Path("/")).get(f"{tmp_path}/s.env#A") == "hunter2hunter2"
    assert FileSource(Path("/")).get("~/s.env#A") == "hunter2hunter2"


def test_of_a_whole_file_one_line_end_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "key", b"one\ntwo\n\n")

    assert FileSource(tmp_path).get("key") == "one\ntwo\n"
