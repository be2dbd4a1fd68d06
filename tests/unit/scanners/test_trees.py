"""Trees of files: every file told of, links not followed, memory bounded, nothing passed over."""

import io
import os
import random
from pathlib import Path

import msgspec
import pytest

from babysitter.model.detections import Hit
from babysitter.scanners import trees
from babysitter.scanners.credentials import CredentialScanner
from babysitter.scanners.trees import TreeScan, scan_stream
from tests.unit.scanners.test_credentials import VALUE, OneWord


def scan(*paths: Path, root: Path, exclude: tuple[str, ...] = ()) -> TreeScan:
    done = TreeScan(CredentialScanner(OneWord()), exclude=exclude)
    for path in paths:
        done.add(path, root=root)
    return done


def test_files_below_a_folder_are_scanned_in_order_but_git_and_what_is_left_out(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.bin", "a/left.out", ".git/config", "node_modules/x.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\n" + VALUE)

    done = scan(tmp_path, root=tmp_path, exclude=("*.out", "node_modules"))

    assert [(f.path, f.span.line) for f in done.findings if f.span] == [("b.txt", 2), ("a/c.bin", 2)]
    assert done.result().complete


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(VALUE)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "plain.txt").write_text("plain")
    (tree / "file").symlink_to(outside / "secret.txt")
    (tree / "folder").symlink_to(outside)
    (tree / "loop").symlink_to(tree)

    done = scan(tree, root=tree)

    assert done.findings == []
    assert done.examined == 1


def test_a_pipe_in_a_tree_does_not_hang_and_a_named_one_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").write_text("plain")

    assert scan(tmp_path, root=tmp_path).result().complete


def test_what_cannot_be_read_makes_the_scan_incomplete_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(VALUE)

    result = scan(tmp_path / "a", tmp_path / "gone", root=tmp_path).result()

    assert len(result.findings) == 1
    assert not result.complete
    assert "gone (No such file" in result.tools[0].why


def test_nothing_examined_is_no_all_clear(tmp_path: Path) -> None:
    result = scan(tmp_path, root=tmp_path).result()

    assert not result.complete
    assert result.tools[0].why == "there was nothing to examine."


@pytest.mark.parametrize("offset", [*range(-272, -240), *range(-16, 17)])
def test_a_credential_across_two_pieces_is_found_once(monkeypatch: pytest.MonkeyPatch, offset: int) -> None:
    monkeypatch.setattr(trees, "PIECE_BYTES", 4096)
    monkeypatch.setattr(trees, "OVERLAP_BYTES", 256)
    data = b"x" * (4096 + offset) + VALUE + b"\n" + b"y\n" * 3000 + VALUE

    found = scan_stream(CredentialScanner(OneWord()), "big", io.BytesIO(data))

    assert [(f.span.line, f.span.column) for f in found if f.span] == [(1, 4097 + offset), (3002, 1)]


def test_a_text_in_sixteen_bits_is_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(f"line\n{VALUE.decode()}".encode("utf-16"))

    done = scan(tmp_path, root=tmp_path)

    assert [f.span.line for f in done.findings if f.span] == [2]


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "PIECE_BYTES", 65_536)
    monkeypatch.setattr(trees, "OVERLAP_BYTES", 1024)
    largest = 0

    class Measured(OneWord):
        def find(self, text: bytes, path: str = "") -> list[Hit]:
            nonlocal largest
            largest = max(largest, len(text))
            return super().find(text, path)

    data = io.BytesIO(random.Random(1).randbytes(3 << 20).replace(b"\n", b"x"))
    scan_stream(CredentialScanner(Measured()), "big", data)

    assert largest <= 65_536 + 1024 + 16


def test_a_name_that_is_no_utf_8_is_spelt_out_and_what_is_in_the_file_is_found(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_bytes(VALUE)

    result = scan(tmp_path, tmp_path / os.fsdecode(b"gone\xff"), root=tmp_path).result()

    assert [found.path for found in result.findings] == ["caf\\xe9.py"]
    assert "gone\\xff" in result.tools[0].why
    assert msgspec.json.encode(result)
