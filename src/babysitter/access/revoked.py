"""Keys that no longer count, as the server's workspace lists them; read again when the file has changed."""

import threading
from pathlib import Path

from babysitter.model.errors import SignersError
from babysitter.signing.certificates import parse_signer
from babysitter.signing.keys import blob_of_line
from babysitter.signing.revocation import Revocations


class RevokedKeys:
    """The file of revoked keys (``signing.revoked``); it may be missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._revoked = Revocations()

    def has(self, public_key: str) -> bool:
        """Tell whether a key, as a file of signers has it, is revoked. ``public_key`` empty: it is none.

        Raises:
            SignersError: the file can't be read, so nobody knows.
        """
        if not public_key:
            return False
        return self._current().is_revoked(parse_signer(blob_of_line(public_key)[1]))

    def _current(self) -> Revocations:
        with self._turn:
            try:
                facts = self._path.stat()
                stamp = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
                if stamp != self._stamp:
                    self._revoked = Revocations.parse(self._path.read_bytes(), file=str(self._path))
                    self._stamp = stamp
            except FileNotFoundError:
                self._stamp, self._revoked = None, Revocations()
            except OSError as error:
                raise SignersError(
                    f"{self._path} can't be read: {error.strerror}.",
                    hint="Check its permissions.",
                    file=str(self._path),
                    line=0,
                ) from None
            return self._revoked
