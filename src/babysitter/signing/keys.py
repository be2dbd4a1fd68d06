"""Public keys in SSH form: the kinds we know, their parts, and their fingerprint.

The parts are read once, strictly, so that equal keys have equal blobs. Whether a key
is strong enough is asked where a signature is checked: a weak key may stand in a
file of signers, and still proves nothing.

Source: RFC 4253 6.6, RFC 5656, RFC 8709; OpenSSH, PROTOCOL.u2f for the keys of security keys.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from babysitter.signing.refusals import refusal
from babysitter.signing.wire import Reader, WireError, put_mpint, put_string

KEY_BYTES_MAX = 16 * 1024
"""Of a key's or a certificate's blob; an RSA key of 16384 bits takes 2 KiB."""
RSA_BITS_MAX = 16384
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
CURVES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
"""Curve to the bytes of an uncompressed point on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key as its signer published it. ``blob``: wire form, so equal keys have equal blobs.

    algorithm: ``ssh-ed25519``, ``ecdsa-sha2-nistp256`` …, as in the blob's first string.
    point: the Ed25519 key or the uncompressed curve point; empty for RSA.
    curve: of an ECDSA key. rsa: exponent and modulus.
    application: what a security key was told it is for (``ssh:``, or a passkey's host); else None.
    """

    algorithm: str
    blob: bytes
    point: bytes = b""
    curve: str = ""
    rsa: tuple[int, int] | None = None
    application: str | None = None

    @property
    def fingerprint(self) -> str:
        """The fingerprint as ``ssh-keygen -l`` prints it."""
        return fingerprint(self.blob)


def fingerprint(blob: bytes) -> str:
    """Return ``SHA256:…`` of a plain key's blob, as ``ssh-keygen -l`` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def parse_key(blob: bytes) -> PublicKey:
    """Return the plain key of a blob.

    Raises:
        SignatureError: ``malformed`` or ``unsupported``; a certificate is no plain key.
    """
    try:
        reader = Reader(blob)
        key = read_key(reader.text(), reader)
        reader.done()
    except WireError as broken:
        raise refusal("malformed", f"The public key {broken}.") from None
    return key


def read_key(algorithm: str, reader: Reader) -> PublicKey:
    """Return the key whose parts come next: a blob behind its first string, a certificate behind its nonce.

    Raises:
        WireError: the parts are not those of such a key.
        SignatureError: ``unsupported``; no such algorithm.
    """
    read = _PARTS.get(algorithm)
    if read is None:
        raise refusal("unsupported", f"Keys of type {algorithm[:64]!r} are not supported.")
    return read(algorithm, reader)


def parse_public_line(line: str) -> PublicKey:
    """Return the key of a line ``ssh-ed25519 AAAA… comment``, as a ``.pub`` file has it.

    Raises:
        SignatureError: ``malformed`` or ``unsupported``.
    """
    algorithm, blob = blob_of_line(line)
    key = parse_key(blob)
    if key.algorithm != algorithm:
        raise refusal("malformed", f"The line says {algorithm[:64]!r}, but its key is of {key.algorithm!r}.")
    return key


def blob_of_line(line: str) -> tuple[str, bytes]:
    """Return the algorithm and the blob that a line names; a comment behind them is left out.

    Raises:
        SignatureError: ``malformed``.
    """
    words = line.split(maxsplit=2)
    if len(words) < 2:
        raise refusal("malformed", "The line is not a public key: it has no type and key.")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise refusal("malformed", "The key in the line is not base64.") from None
    if len(blob) > KEY_BYTES_MAX:
        raise refusal("malformed", f"The key in the line is larger than {KEY_BYTES_MAX} bytes.")
    return words[0], blob


def _read_ed25519(algorithm: str, reader: Reader) -> PublicKey:
    point = reader.string()
    if len(point) != 32:
        raise WireError("is not an Ed25519 key of 32 bytes")
    if algorithm != SK_ED25519:
        return PublicKey(algorithm=algorithm, blob=_blob(algorithm, point), point=point)
    application = reader.text()
    blob = _blob(algorithm, point, application.encode())
    return PublicKey(algorithm=algorithm, blob=blob, point=point, application=application)


def _read_ecdsa(algorithm: str, reader: Reader) -> PublicKey:
    curve, point = reader.text(), reader.string()
    wanted = "nistp256" if algorithm == SK_ECDSA else algorithm.removeprefix("ecdsa-sha2-")
    if curve != wanted or len(point) != CURVES[wanted] or point[:1] != b"\x04":
        raise WireError(f"is not an uncompressed point on {wanted}")
    if algorithm != SK_ECDSA:
        blob = _blob(algorithm, curve.encode(), point)
        return PublicKey(algorithm=algorithm, blob=blob, point=point, curve=curve)
    application = reader.text()
    blob = _blob(algorithm, curve.encode(), point, application.encode())
    return PublicKey(algorithm=algorithm, blob=blob, point=point, curve=curve, application=application)


def _read_rsa(algorithm: str, reader: Reader) -> PublicKey:
    exponent, modulus = reader.mpint(), reader.mpint()
    if modulus.bit_length() > RSA_BITS_MAX or exponent.bit_length() > 64:
        raise WireError(f"is an RSA key of more than {RSA_BITS_MAX} bits, or with a huge exponent")
    blob = put_string(algorithm) + put_mpint(exponent) + put_mpint(modulus)
    return PublicKey(algorithm=algorithm, blob=blob, rsa=(exponent, modulus))


def _blob(*parts: bytes | str) -> bytes:
    return b"".join(put_string(part) for part in parts)


_PARTS: dict[str, Callable[[str, Reader], PublicKey]] = {
    "ssh-ed25519": _read_ed25519,
    "ecdsa-sha2-nistp256": _read_ecdsa,
    "ecdsa-sha2-nistp384": _read_ecdsa,
    "ecdsa-sha2-nistp521": _read_ecdsa,
    "ssh-rsa": _read_rsa,
    SK_ED25519: _read_ed25519,
    SK_ECDSA: _read_ecdsa,
}
ALGORITHMS = tuple(_PARTS)
"""Of plain keys; certificates.py knows the same ones with a certificate around them."""
