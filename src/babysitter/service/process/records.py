"""Where trust is kept: signed statements beside the settings, in version control; unsigned words per account.

    babysitter.trust/<digest>/<person>.json, <person>.json.sig      ``SignedRecords``
    babysitter.trust/sources/<SHA-256>                              the trusted files, for later diffs
    $XDG_STATE_HOME/babysitter/trust/                               ``LocalRecords``: 0700, files 0600

Nothing here says whether a record counts; admission.py does.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec

from babysitter.model.errors import RefusedError, SignatureError
from babysitter.model.trust_statement import TRUST_BYTES_MAX, TrustStatement, parse_trust
from babysitter.model.values import sha256_hex

TRUST_FOLDER = "babysitter.trust"
_RECORDS_MAX = 10_000
_SOURCES = "sources"
_CONTENT = re.compile(r"[0-9a-f]{64}")
_PRIVATE, _PUBLIC = 0o600, 0o666


@dataclass(frozen=True, slots=True)
class Record:
    """A statement as it is kept. ``signature``: armoured, or empty. ``problem``: why it can't be read."""

    path: Path
    data: bytes
    signature: str = ""
    problem: str = ""

    @property
    def sha256(self) -> str:
        """The digest of the statement."""
        return sha256_hex(self.data)

    def statement(self) -> TrustStatement:
        """Return what it says.

        Raises:
            SignatureError: it is no statement of trust.
        """
        if self.problem:
            raise SignatureError(f"{self.path.name} {self.problem}.", hint="Look at it.", reason="statement")
        return parse_trust(self.data)


class SourceStore:
    """Files by their digests, so that what was trusted can be held against what is there now."""

    def __init__(self, folder: Path, mode: int) -> None:
        self._folder = folder
        self._mode = mode

    def keep(self, files: Mapping[str, bytes]) -> None:
        """Afterwards each content is kept."""
        _refuse_links(self._folder, self._folder.parent)
        for content in files.values():
            path = self._folder / sha256_hex(content)
            if not path.exists():
                write_file(path, content, self._mode)

    def get(self, sha256: str) -> bytes | None:
        """Return the content of that digest; None when it is not here, or is not that."""
        try:
            content = (self._folder / sha256).read_bytes()
        except OSError:
            return None
        return content if sha256_hex(content) == sha256 else None

    def keep_only(self, digests: set[str]) -> None:
        """Afterwards no other content is kept; what is no file of ours stays."""
        _refuse_links(self._folder, self._folder.parent)
        with contextlib.suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if _CONTENT.fullmatch(path.name) and path.name not in digests:
                    path.unlink()


class SignedRecords:
    """The folder beside the settings. It is public, as the code that it is about."""

    def __init__(self, root: Path) -> None:
        self.folder = root / TRUST_FOLDER
        self.sources = SourceStore(self.folder / _SOURCES, _PUBLIC)

    def all(self) -> Iterator[Record]:
        """Yield every record, in the order of their names."""
        for path in sorted(self.folder.glob("*/*.json"))[:_RECORDS_MAX]:
            yield _read(path, signed=True)

    def stamps(self) -> tuple[object, ...]:
        """Return what changes when a record does."""
        files = (stamp_of(path) for path in sorted(self.folder.glob("*/*.json*")))
        return tuple(files)

    def write(self, digest: str, person: str, data: bytes, signature: str) -> Path:
        """Keep a signed statement, in place of the person's own about the same digest; return its path."""
        path = self.folder / digest / f"{_file_name(person)}.json"
        _refuse_links(self.folder, path.parent)
        # The signature first: without its statement it is nothing; the other way round a record fails.
        write_file(path.with_name(f"{path.name}.sig"), signature.encode(), _PUBLIC)
        write_file(path, data, _PUBLIC)
        return path

    def remove(self, record: Record) -> None:
        """Afterwards it is gone, with its signature."""
        record.path.unlink(missing_ok=True)
        record.path.with_name(f"{record.path.name}.sig").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            record.path.parent.rmdir()


class LocalRecords:
    """What one account on this machine has said, about workspaces by their folders."""

    def __init__(self, state: Path, root: Path) -> None:
        self._root = str(root.resolve())
        self._top = state / "trust"
        self.folder = self._top / sha256_hex(self._root.encode())[:32]
        self.sources = SourceStore(self.folder / _SOURCES, _PRIVATE)

    def all(self) -> Iterator[Record]:
        """Yield every record about this workspace; one that others could have written has a problem."""
        for path in sorted(self.folder.glob("*.json"))[:_RECORDS_MAX]:
            if path.name != "signers.json":
                yield _read(path, signed=False)

    def stamps(self) -> tuple[object, ...]:
        """Return what changes when a record does, or what is believed of the signers."""
        return tuple(stamp_of(path) for path in sorted(self.folder.glob("*.json")))

    def write(self, digest: str, data: bytes) -> Path:
        """Keep a word about a digest; return its path."""
        path = self.folder / f"{digest}.json"
        write_file(path, data, _PRIVATE)
        return path

    def remove(self, record: Record) -> None:
        """Afterwards it is gone."""
        record.path.unlink(missing_ok=True)

    @property
    def _signers(self) -> Path:
        return self.folder / "signers.json"

    def believed_signers(self) -> str:
        """Return the digest of the files of signers that this account believes here; empty: of none."""
        found = _read(self._signers, signed=False)
        if found.problem or not found.data:
            return ""
        try:
            said = msgspec.json.decode(found.data, type=dict[str, str])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        return said.get("signersSha256", "") if said.get("workspace") == self._root else ""

    def believe_signers(self, sha256: str, at: str) -> None:
        """Afterwards files of that digest are believed, and no others."""
        said = {"workspace": self._root, "signersSha256": sha256, "at": at}
        write_file(self._signers, msgspec.json.encode(said), _PRIVATE)

    def is_about_here(self, statement: TrustStatement) -> bool:
        """Tell whether an unsigned word is about this very folder."""
        return statement.predicate.workspace == self._root

    @property
    def root(self) -> str:
        """The workspace's folder, as records have it."""
        return self._root


def _refuse_links(*folders: Path) -> None:
    """Return when none of the folders is a link: they come with the code, and we write and remove there.

    Raises:
        RefusedError: one is a link.
    """
    for folder in folders:
        if folder.is_symlink():
            raise RefusedError(
                f"{folder} is a link, and what is kept of trust is kept in a folder of its own.",
                hint=f"Look where it leads, and remove it: rm {folder}",
            )


def stamp_of(path: Path) -> tuple[str, int, int, int]:
    """Return what changes when a file does."""
    try:
        facts = path.stat()
    except OSError:
        return (path.name, 0, 0, 0)
    return (path.name, facts.st_mtime_ns, facts.st_size, facts.st_ino)


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all; folders are made, private where the file is.

    Raises:
        RefusedError: it can't be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        for folder in (*reversed(path.parent.parents), path.parent):
            folder.mkdir(exist_ok=True, mode=0o700 if mode == _PRIVATE else 0o777)
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise RefusedError(
            f"{path} can't be written: {error.strerror}.", hint="Check its permissions."
        ) from None


def _read(path: Path, *, signed: bool) -> Record:
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            data = file.read(TRUST_BYTES_MAX + 1)
        signature = path.with_name(f"{path.name}.sig").read_text("ascii") if signed else ""
    except FileNotFoundError as error:
        return Record(path, b"", problem=f"lacks {Path(str(error.filename)).name}")
    except (OSError, UnicodeDecodeError) as error:
        return Record(path, b"", problem=f"can't be read ({type(error).__name__})")
    if not signed and (facts.st_uid != os.getuid() or facts.st_mode & 0o022):
        return Record(path, data, problem="could have been written by others")
    return Record(path, data, signature)


def _file_name(person: str) -> str:
    # A name may have any character; one that begins with a dot would be hidden, or lead elsewhere.
    return (
        quote(person, safe="@+").replace(".", "%2E", 1)
        if person.startswith(".")
        else quote(person, safe="@+")
    )
