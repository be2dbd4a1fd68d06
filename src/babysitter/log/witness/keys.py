"""The key of a witness: made at first use, and never made anew where one has been.

Two witnesses with one key, or one that lost what it had seen and kept its key, would sign two
histories without knowing. So the key lives in the folder of the state, and they stay together.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from babysitter.log.notes import WITNESS_KEY, NoteSignature, VerifierKey, cosign, parse_key, verifier_of
from babysitter.model.errors import NotFoundError, SettingsError, WitnessError
from babysitter.stores.tree import Tree

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY, VERIFIER, LOGS = "witness.key", "witness.vkey", "logs"


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's key under its name."""

    name: str
    private: "Ed25519PrivateKey"

    @property
    def verifier(self) -> VerifierKey:
        """The public half, which logs and auditors are told."""
        return verifier_of(self.private, self.name, WITNESS_KEY)

    def cosign(self, text: str, time_s: int) -> NoteSignature:
        """Return the cosignature of a checkpoint's text."""
        return cosign(text, self.private, self.name, time_s)


def load_or_make_key(folder: Tree, name: str) -> WitnessKey:
    """Return the key of a witness's folder; made, and durable, when the folder is new.

    Raises:
        SettingsError: the name is none, the folder is another witness's, or its key is gone or broken.
        StoreFailedError: a disk operation failed.
    """
    try:
        data = folder.read(KEY)
    except NotFoundError:
        return _made(folder, name)
    key = WitnessKey(name, _private(data, folder))
    try:
        known = folder.read(VERIFIER).decode(errors="replace").strip()
    except NotFoundError:
        # A crash came between the two writes; nobody was told the public half yet.
        _publish(folder, key)
        return key
    if known != str(key.verifier):
        raise _refused(
            f"{folder.root} belongs to the witness {known.partition('+')[0]!r}, not to {name!r}, "
            "or its two key files do not belong together",
            "Start it under its own name, or give each witness a folder of its own.",
        )
    return key


def _made(folder: Tree, name: str) -> WitnessKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 (25 ms to import)
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    if folder.names(LOGS) or _has(folder, VERIFIER):
        raise _refused(
            f"the witness in {folder.root} has lost its key",
            "Bring the key back, or begin again in an empty folder: one key must not have two pasts.",
        )
    key = WitnessKey(name, Ed25519PrivateKey.generate())
    _check_name(key)
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    folder.replace(KEY, pem, durable=True)
    _publish(folder, key)
    return key


def _check_name(key: WitnessKey) -> None:
    try:
        parse_key(str(key.verifier))
    except WitnessError:
        raise _refused(
            f"{key.name!r} is no name for a witness",
            "Use something like witness.example.com/alice: no spaces, no '+'.",
        ) from None


def _publish(folder: Tree, key: WitnessKey) -> None:
    _check_name(key)
    folder.replace(VERIFIER, f"{key.verifier}\n".encode(), durable=True)


def _has(folder: Tree, path: str) -> bool:
    try:
        folder.read(path)
    except NotFoundError:
        return False
    return True


def _private(data: bytes, folder: Tree) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 (25 ms to import)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _refused(
            f"{folder.root}/{KEY} is no Ed25519 key",
            "Bring back the file that this witness made; a new key needs a new folder.",
        )
    return key


def _refused(what: str, hint: str) -> SettingsError:
    return SettingsError(f"{what}.", hint=hint)
