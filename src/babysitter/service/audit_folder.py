"""The files that an audit looks at, as bytes: a folder of runs with its log, and what the auditor brings.

Nothing here believes anything. ``trust`` is the auditor's own: keys, and checkpoints that
they got from witnesses or from each other.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from babysitter.log.notes import VerifierKey, parse_key
from babysitter.model.errors import NotFoundError, WitnessError

_FILE_BYTES_MAX = 1 << 30
_SIZE = re.compile(r"[0-9]{1,16}")
_TOKEN = re.compile(r"([0-9]{1,16})\.[^/\x00-\x1f\ud800-\udfff]{1,200}\.tsr")
_KEPT = re.compile(r"[0-9a-f]{64}(\.json(\.sig)?)?")


@dataclass(frozen=True, slots=True)
class AuditFolder:
    """``log`` is the folder of the log; ``trust`` the auditor's, or None.

    Each method raises WitnessError for a file that is there and can't be read.
    """

    log: Path
    trust: Path | None = None

    def log_bytes(self) -> bytes:
        """Return ``log.jsonl``; empty when there is none."""
        return _bytes(self.log / "log.jsonl") or b""

    def checkpoint(self) -> str | None:
        """Return the log's own newest checkpoint."""
        data = _bytes(self.log / "checkpoint")
        return data.decode("utf-8", "replace") if data is not None else None

    def kept_checkpoints(self) -> list[tuple[str, str]]:
        """Return (name, note) of the checkpoints that witnesses cosigned and the operator kept."""
        return [each for each in _notes(self.log / "checkpoints", "log/checkpoints") if _names_size(each[0])]

    def tokens(self) -> list[tuple[str, int, bytes]]:
        """Return (name, size, DER) of the time stamps that were kept, each over a checkpoint's text."""
        found = []
        for path in _files(self.log / "checkpoints"):
            named = _TOKEN.fullmatch(path.name)
            if named is not None:
                token = _bytes(path) or b""
                found.append((f"log/checkpoints/{path.name}", int(named.group(1)), token))
        return found

    def stamp_roots(self) -> bytes | None:
        """Return PEM of the certificates that the auditor believes of time stamping authorities, or None."""
        return _bytes(self.trust / "tsa-roots.pem") if self.trust is not None else None

    def seen_checkpoints(self) -> list[tuple[str, str]]:
        """Return (name, note) of the checkpoints that the auditor brings."""
        return _notes(self.trust / "seen", "seen") if self.trust is not None else []

    def expects_log(self) -> bool:
        """Tell whether the auditor brings what there can only be where there is a log."""
        return self.trust is not None and (
            (self.trust / "log.vkey").exists() or bool(_files(self.trust / "seen"))
        )

    def log_key(self) -> tuple[VerifierKey | None, bool]:
        """Return the log's key, and whether the auditor brought it.

        Raises:
            WitnessError: the key's file holds none.
        """
        brought = _bytes(self.trust / "log.vkey") if self.trust is not None else None
        data = brought if brought is not None else _bytes(self.log / "log.vkey")
        return (parse_key(data.decode("utf-8", "replace")) if data else None), brought is not None

    def witness_keys(self) -> list[VerifierKey]:
        """Return the keys of witnesses that the auditor believes.

        Raises:
            WitnessError: a line holds none.
        """
        data = _bytes(self.trust / "witnesses") if self.trust is not None else None
        lines = (data or b"").decode("utf-8", "replace").splitlines()
        return [parse_key(line) for line in lines if line.strip() and not line.startswith("#")]

    def origins(self) -> frozenset[str] | None:
        """Return the origins of passkeys that the auditor believes; None when they say nothing."""
        data = _bytes(self.trust / "origins") if self.trust is not None else None
        return frozenset(data.decode("utf-8", "replace").split()) if data is not None else None

    def signers(self) -> tuple[bytes, bytes] | None:
        """Return the auditor's own files of signers and of revoked keys; None when they bring none."""
        if self.trust is None:
            return None
        data = _bytes(self.trust / "allowed_signers")
        return (data, _bytes(self.trust / "revoked_keys") or b"") if data is not None else None

    def left_out(self) -> frozenset[str]:
        """Return the runs that whoever handed this over says to have left out."""
        data = _bytes(self.log.parent / "left-out")
        return frozenset((data or b"").decode("utf-8", "replace").split())

    def kept(self, kind: str, name: str) -> bytes:
        """Return a file that a leaf names by its digest.

        Raises:
            NotFoundError: it is not there.
        """
        data = _bytes(self.log / kind / name) if _KEPT.fullmatch(name) else None
        if data is None:
            raise NotFoundError(f"log/{kind}/{name} is missing.", hint="A leaf of the log names it.")
        return data


def _names_size(name: str) -> bool:
    return _SIZE.fullmatch(name.rpartition("/")[2]) is not None


def _notes(folder: Path, label: str) -> list[tuple[str, str]]:
    files = [path for path in _files(folder) if path.suffix != ".tsr"]
    return [(f"{label}/{path.name}", (_bytes(path) or b"").decode("utf-8", "replace")) for path in files]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file()] if folder.is_dir() else []


def _bytes(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise WitnessError(f"{path} is larger than anything of ours.", hint="Look at who made it.")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WitnessError(f"{path} can't be read: {error.strerror}.", hint="Look at what it is.") from None
