"""Credentials in files and trees of files, read piece by piece; none is passed over in silence.

Invariants, each with a test in tests/unit/scanners/test_trees.py:
    - a credential across the border of two pieces is found, once;
    - a link is not followed; a file that can't be read makes the scan fail, and is named;
    - memory does not grow with a file's size.
"""

import codecs
import os
import stat
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from babysitter.model.findings import Finding, Scan, ToolRun, in_order
from babysitter.scanners.credentials import TOOL, CredentialScanner, spelt

PIECE_BYTES = 4 << 20
OVERLAP_BYTES = 64 << 10
"""How far a credential may reach over the border of two pieces."""

_NAMED_MAX = 5
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class TreeScan:
    """One scan of files: what it found, how many it read, and which it could not."""

    def __init__(
        self,
        scanner: CredentialScanner,
        *,
        exclude: tuple[str, ...] = (),
        progress: Callable[[int, str], None] | None = None,
    ) -> None:
        self._scanner = scanner
        self._exclude = exclude
        self._progress = progress
        self.findings: list[Finding] = []
        self.examined = 0
        self.unread: list[str] = []

    def add(self, path: Path, *, root: Path) -> None:
        """Scan a file, or all files below a folder; names are relative to ``root`` where they are in it."""
        if path.is_dir():
            for file in self._below(path):
                self._add_file(file, _name(file, root))
        else:
            self._add_file(path, _name(path, root))

    def add_stream(self, name: str, stream: BinaryIO) -> None:
        """Scan what can be read from a stream."""
        self.findings += scan_stream(self._scanner, name, stream)
        self._count(name)

    def result(self, *, version: str = "") -> Scan:
        """Return what was found; a scan that could not read a file, or read none, has failed."""
        why = fix = ""
        if self.unread:
            shown = "; ".join(self.unread[:_NAMED_MAX])
            more = len(self.unread) - _NAMED_MAX
            why = f"{len(self.unread)} could not be read: {shown}{f'; and {more} more' if more > 0 else ''}."
            fix = "Make them readable, or leave them out with --exclude."
        elif not self.examined:
            why, fix = "there was nothing to examine.", "Name files, or folders that hold some."
        run = ToolRun(
            tool=TOOL,
            state="failed" if why else "passed",
            version=version,
            examined=self.examined,
            why=why,
            fix=fix,
        )
        return Scan(tools=(run,), findings=in_order(self.findings))

    def _count(self, name: str) -> None:
        self.examined += 1
        if self._progress is not None:
            self._progress(self.examined, name)

    def _add_file(self, file: Path, name: str) -> None:
        try:
            with file.open("rb") as stream:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    self.unread.append(f"{name} (no file)")
                    return
                self.add_stream(name, stream)
        except OSError as error:
            self.unread.append(f"{name} ({error.strerror or type(error).__name__})")

    def _below(self, folder: Path) -> Iterator[Path]:
        """Yield the files below a folder, in order; of git's own folder none, and no links."""

        def told(error: OSError) -> None:
            self.unread.append(f"{spelt(str(error.filename))} ({error.strerror})")

        for parent, folders, files in os.walk(folder, onerror=told, followlinks=False):
            here = Path(parent)
            folders[:] = sorted(
                name for name in folders if name != ".git" and not self._left_out(here / name, folder)
            )
            for name in sorted(files):
                file = here / name
                # What a link leads to is scanned where it is, or is not ours to read. Pipes would never end.
                if not self._left_out(file, folder) and stat.S_ISREG(file.lstat().st_mode):
                    yield file

    def _left_out(self, path: Path, root: Path) -> bool:
        name = path.relative_to(root).as_posix()
        return any(fnmatch(name, pattern) or fnmatch(path.name, pattern) for pattern in self._exclude)


def scan_stream(scanner: CredentialScanner, name: str, stream: BinaryIO) -> list[Finding]:
    """Return the credentials in a stream, which is read in pieces."""
    makes = scanner.findings(name)
    found: list[Finding] = []
    held = b""
    for piece in _pieces(stream):
        data = held + piece
        keep = max(0, len(data) - OVERLAP_BYTES) if len(piece) >= PIECE_BYTES else len(data)
        cut = (data.rfind(b"\n", 0, keep) + 1 or keep) if keep < len(data) else keep
        hits = scanner.hits(name, data)
        across = [hit.begin for hit in hits if hit.begin < cut < hit.end]
        cut = min(across, default=cut) or cut
        found += makes.of(data, [hit for hit in hits if hit.begin < cut])
        makes.skip(data[:cut])
        held = data[cut:]
    if held:
        found += makes.of(held, scanner.hits(name, held))
    return found


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a stream's bytes as UTF-8 where it says that it is something else, else as they are."""
    first = stream.read(PIECE_BYTES)
    encoding = next((name for bom, name in _BOMS if first.startswith(bom)), None)
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding not in (None, "utf-8") else None
    piece = first
    while piece:
        yield piece if decoder is None else decoder.decode(piece).encode("utf-8", "surrogatepass")
        piece = stream.read(PIECE_BYTES)


def _name(file: Path, root: Path) -> str:
    try:
        return spelt(file.resolve().relative_to(root.resolve()).as_posix())
    except ValueError:
        return spelt(file.as_posix())
