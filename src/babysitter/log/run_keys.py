"""The key of one run: signs how far its journal is and how it ended, and is then destroyed.

Its public half stands in ``run.opened``. Once the run is sealed nobody, with every key
of the machine in hand, can make another seal that this public half confirms.

A key that a crash kept from the disk is gone: what it would have signed is left without a
signature, and verification says so.
"""

import base64
from contextlib import suppress
from typing import TYPE_CHECKING

from babysitter.log.notes import is_ed25519
from babysitter.model.errors import NotFoundError
from babysitter.stores.tree import Tree

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CONTEXT = "babysitter-run/v1"


def progress_text(run_id: str, seq: int, prefix: str) -> bytes:
    """Return what a run's key signs on the way."""
    return f"{CONTEXT}\n{run_id}\nprogress\n{seq}\n{prefix}\n".encode()


def seal_text(run_id: str, seq: int, prefix: str, status: str) -> bytes:
    """Return what a run's key signs at the end."""
    return f"{CONTEXT}\n{run_id}\nsealed\n{seq}\n{prefix}\n{status}\n".encode()


class RunKeys:
    """The keys of runs that are not sealed, in the folder of the log.

    None is kept in memory: another process may seal the run, and the key is to be gone then.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def make(self, run_id: str) -> str:
        """Make the run's key, unless it has one; return its public half, base64."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 (25 ms to import)
            Ed25519PrivateKey,
        )

        key = self._load(run_id)
        if key is None:
            key = Ed25519PrivateKey.generate()
            self._tree.replace(_path(run_id), key.private_bytes_raw(), durable=False)
        return base64.b64encode(key.public_key().public_bytes_raw()).decode()

    def sign(self, run_id: str, text: bytes) -> str:
        """Return the run key's signature of a text, base64; empty when the key is lost."""
        key = self._load(run_id)
        return base64.b64encode(key.sign(text)).decode() if key is not None else ""

    def destroy(self, run_id: str) -> None:
        """Afterwards there is no key; destroying it twice does nothing.

        Not synced: a power cut right then may bring the file back, until the run is opened again.
        """
        with suppress(NotFoundError):
            self._tree.remove(_path(run_id))

    def _load(self, run_id: str) -> "Ed25519PrivateKey | None":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 (25 ms to import)
            Ed25519PrivateKey,
        )

        try:
            return Ed25519PrivateKey.from_private_bytes(self._tree.read(_path(run_id)))
        except (NotFoundError, ValueError):
            return None


def is_signed(public: str, signature: str, text: bytes) -> bool:
    """Tell whether a run's key, given by its public half, signed a text. Both are base64."""
    try:
        key, signed = base64.b64decode(public, validate=True), base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    return is_ed25519(key, signed, text)


def _path(run_id: str) -> str:
    return f"run-keys/{run_id}.key"
