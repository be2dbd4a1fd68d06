"""SSH signatures of files: the bytes that a key signs, and the armour around a signature.

A signature carries the key it claims to be by, a namespace, and the name of a hash;
none of them means anything before verify.py has checked it. The armour is read as
strictly as it is written: lines of one width, nothing before, between or after.

Invariants, each with a test in tests/unit/signing/test_sshsig.py:
    - what ``assemble`` writes, ``parse`` reads back, and ``ssh-keygen`` would have written;
    - ``parse`` raises SignatureError for whatever is not exactly a signature.

Source: OpenSSH, PROTOCOL.sshsig.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from babysitter.signing.refusals import refusal
from babysitter.signing.wire import Reader, WireError, put_string, put_u32

ARMOUR_BYTES_MAX = 64 * 1024
"""A certificate of an RSA key with many principals, signed by another, stays far below this."""
HASH_NAMES = ("sha256", "sha512")
_MAGIC = b"SSHSIG"
_VERSION = 1
_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "\n-----END SSH SIGNATURE-----\n"
_COLUMNS = 70
_COLUMNS_MAX = 76
"""Other programs than ssh-keygen break lines elsewhere, but not later than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSignature:
    """What a signature claims. Blobs are in SSH wire form."""

    public_key_blob: bytes
    namespace: str
    hash_name: str
    signature_blob: bytes


def to_be_signed(message: bytes, namespace: str, hash_name: str = "sha512") -> bytes:
    """Return the bytes that a key signs for the message; ``hash_name`` is one of HASH_NAMES.

    Raises:
        ValueError: no such hash, or no namespace.
    """
    if hash_name not in HASH_NAMES or not namespace:
        raise ValueError(f"no signature with hash {hash_name!r} in namespace {namespace!r}")
    digest = hashlib.new(hash_name, message).digest()
    parts = (namespace, b"", hash_name, digest)
    return _MAGIC + b"".join(put_string(part) for part in parts)


def armor(blob: bytes) -> str:
    """Return a signature blob as ``ssh-keygen`` prints it."""
    text = base64.b64encode(blob).decode()
    lines = (text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS))
    return _BEGIN + "\n".join(lines) + _END


def assemble(public_key_blob: bytes, namespace: str, hash_name: str, signature_blob: bytes) -> str:
    """Return the armoured signature of these parts."""
    parts = (public_key_blob, namespace, b"", hash_name, signature_blob)
    return armor(_MAGIC + put_u32(_VERSION) + b"".join(put_string(part) for part in parts))


def parse(armored: str | bytes) -> SshSignature:
    """Return the parts of an armoured signature; nothing about them is checked.

    Raises:
        SignatureError: ``malformed``; it is not exactly one signature of version 1.
    """
    try:
        return _parse_blob(_dearmored(armored))
    except WireError as broken:
        raise refusal("malformed", f"The signature {broken}.") from None


def _dearmored(armored: str | bytes) -> bytes:
    if len(armored) > ARMOUR_BYTES_MAX:
        raise WireError(f"is larger than {ARMOUR_BYTES_MAX} bytes")
    try:
        text = armored if isinstance(armored, str) else armored.decode("ascii")
    except UnicodeDecodeError:
        raise WireError("holds bytes that are not ASCII") from None
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise WireError("is not between its BEGIN and END lines alone")
    lines = text[len(_BEGIN) : -len(_END)].split("\n")
    width = len(lines[0])
    if not 0 < width <= _COLUMNS_MAX or any(len(line) != width for line in lines[:-1]):
        raise WireError("is not broken into lines of one width")
    body = "".join(lines)
    try:
        blob = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise WireError("is not base64") from None
    if not 0 < len(lines[-1]) <= width or base64.b64encode(blob).decode() != body:
        raise WireError("is not base64 in its one form")
    return blob


def _parse_blob(blob: bytes) -> SshSignature:
    reader = Reader(blob)
    if reader.raw(len(_MAGIC)) != _MAGIC:
        raise WireError("does not begin as an SSH signature")
    version = reader.u32()
    if version != _VERSION:
        raise WireError(f"has version {version} where {_VERSION} is known")
    public_key_blob, namespace = reader.string(), reader.text()
    reserved, hash_name, signature_blob = reader.string(), reader.text(), reader.string()
    reader.done()
    if reserved or not namespace:
        raise WireError("has no namespace, or something in its reserved field")
    if hash_name not in HASH_NAMES:
        raise WireError(f"names hash {hash_name[:20]!r} where {' or '.join(HASH_NAMES)} is known")
    return SshSignature(
        public_key_blob=public_key_blob,
        namespace=namespace,
        hash_name=hash_name,
        signature_blob=signature_blob,
    )
