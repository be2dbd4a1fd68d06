"""Is this signature by this key over these bytes? One check for each kind of key.

A security key signs more than the bytes: flags that say whether somebody touched it
and whether it knew who that was, and a counter. A passkey signs a text of the browser
around them, which names the origin. ``check`` verifies all of it and hands it on as
Presence; what a flag must be is verify.py's to say.

Source: OpenSSH, PROTOCOL, PROTOCOL.u2f; FIPS 186-5 for what may still be called strong.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from babysitter.signing.keys import SK_ECDSA, PublicKey
from babysitter.signing.refusals import refusal
from babysitter.signing.wire import Reader, WireError, put_u8, put_u32

WEBAUTHN = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
"""The type of a passkey's signature; its key is of type SK_ECDSA."""
RSA_BITS_MIN = 2048
CLIENT_DATA_BYTES_MAX = 4 * 1024
USER_PRESENT, USER_VERIFIED, ATTESTED, EXTENDED = 0x01, 0x04, 0x40, 0x80
"""Flags of an authenticator, as WebAuthn has them."""
_RSA_HASHES = {"rsa-sha2-256": "SHA256", "rsa-sha2-512": "SHA512"}
_CURVES = {
    "nistp256": ("SECP256R1", "SHA256"),
    "nistp384": ("SECP384R1", "SHA384"),
    "nistp521": ("SECP521R1", "SHA512"),
}
_ED25519_PRIME = 2**255 - 19
_ED25519_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_ED25519_SMALL = {0, 1, _ED25519_PRIME - 1, _ED25519_ORDER_8, _ED25519_PRIME - _ED25519_ORDER_8}
"""The y of every point of order 1, 2, 4 or 8 (RFC 8032): anybody can sign for such a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What a security key vouches for, beside the bytes.

    user_present: somebody touched it. user_verified: it knew them, by PIN or fingerprint.
    counter: its signatures so far, or 0. origin: where a passkey was used; None for other keys.
    """

    user_present: bool
    user_verified: bool
    counter: int
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assertion:
    """A security key's signature, taken apart. ``client_data`` is None where no browser was between."""

    signature: bytes
    flags: int
    counter: int
    origin: str = ""
    client_data: bytes | None = None
    extensions: bytes = b""


def check(key: PublicKey, signature_blob: bytes, signed: bytes) -> Presence | None:
    """Return what the security key vouches for (None for other keys): the signature over ``signed`` is good.

    Raises:
        SignatureError: ``bad-signature``, ``malformed``, ``weak-key`` or ``unsupported``.
    """
    try:
        reader = Reader(signature_blob)
        return _check(key, reader.text(), reader, signed)
    except WireError as broken:
        raise refusal("malformed", f"The signature of {key.fingerprint} {broken}.") from None


def _check(key: PublicKey, kind: str, reader: Reader, signed: bytes) -> Presence | None:
    if key.application is not None:
        return _check_security_key(key, kind, reader, signed)
    signature = reader.string()
    reader.done()
    if key.rsa is not None:
        _check_rsa(key, kind, signature, signed)
    elif kind != key.algorithm:
        raise WireError(f"is of type {kind[:64]!r}, which such a key does not make")
    else:
        _check_curve(key, signature, signed)
    return None


def _check_curve(key: PublicKey, signature: bytes, signed: bytes) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 (heavy: reading a run never needs it)

    try:
        if key.curve:
            _loaded(key).verify(_der(signature), signed, _ecdsa(key.curve))
        else:
            _loaded(key).verify(signature, signed)
    except InvalidSignature:
        raise _bad(key) from None


def _check_rsa(key: PublicKey, kind: str, signature: bytes, signed: bytes) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 (heavy: reading a run never needs it)
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 (same)
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 (same)

    assert key.rsa is not None
    if kind == "ssh-rsa":
        raise refusal("weak-key", f"The signature of {key.fingerprint} is made with SHA-1.")
    if kind not in _RSA_HASHES:
        raise WireError(f"is of type {kind[:64]!r}, which such a key does not make")
    bits = key.rsa[1].bit_length()
    if bits < RSA_BITS_MIN:
        raise refusal(
            "weak-key", f"{key.fingerprint} is an RSA key of {bits} bits, fewer than {RSA_BITS_MIN}."
        )
    # Some agents drop leading zero bytes; the number is the same.
    padded = signature.rjust((bits + 7) // 8, b"\0")
    try:
        _loaded(key).verify(padded, signed, padding.PKCS1v15(), getattr(hashes, _RSA_HASHES[kind])())
    except InvalidSignature:
        raise _bad(key) from None


def _check_security_key(key: PublicKey, kind: str, reader: Reader, signed: bytes) -> Presence:
    assert key.application is not None
    assertion = _read_assertion(key, kind, reader)
    if assertion.client_data is None:
        digest = hashlib.sha256(signed).digest()
    else:
        _check_client_data(assertion, signed)
        digest = hashlib.sha256(assertion.client_data).digest()
    vouched = (
        hashlib.sha256(key.application.encode()).digest()
        + put_u8(assertion.flags)
        + put_u32(assertion.counter)
        + assertion.extensions
        + digest
    )
    _check_curve(key, assertion.signature, vouched)
    return Presence(
        user_present=bool(assertion.flags & USER_PRESENT),
        user_verified=bool(assertion.flags & USER_VERIFIED),
        counter=assertion.counter,
        origin=None if assertion.client_data is None else assertion.origin,
    )


def _read_assertion(key: PublicKey, kind: str, reader: Reader) -> _Assertion:
    passkey = kind == WEBAUTHN and key.algorithm == SK_ECDSA
    if kind != key.algorithm and not passkey:
        raise WireError(f"is of type {kind[:64]!r}, which such a key does not make")
    signature, flags, counter = reader.string(), reader.u8(), reader.u32()
    if not passkey:
        reader.done()
        return _Assertion(signature=signature, flags=flags, counter=counter)
    origin, client_data, extensions = reader.text(), reader.string(), reader.string()
    reader.done()
    return _Assertion(
        signature=signature,
        flags=flags,
        counter=counter,
        origin=origin,
        client_data=client_data,
        extensions=extensions,
    )


def client_data_start(challenge: bytes, origin: str) -> bytes:
    """Return how the browser's text begins, to the byte, for a challenge and an origin.

    The text has a fixed order (WebAuthn, "serialize client data"), which ``ssh-keygen`` relies on too.
    """
    text = base64.urlsafe_b64encode(challenge).rstrip(b"=")
    return b'{"type":"webauthn.get","challenge":"%b","origin":"%b"' % (text, origin.encode())


def _check_client_data(assertion: _Assertion, signed: bytes) -> None:
    extended = bool(assertion.flags & EXTENDED)
    if '"' in assertion.origin or assertion.flags & ATTESTED or extended != bool(assertion.extensions):
        raise WireError("has flags, extensions or an origin that do not fit together")
    assert assertion.client_data is not None
    if not assertion.client_data.startswith(client_data_start(signed, assertion.origin)):
        raise refusal("bad-signature", "The passkey was asked about something else than this text.")
    refuse_embedded(read_client_data(assertion.client_data))


def read_client_data(data: bytes) -> dict[str, object]:
    """Return what the browser says that it asked the passkey, nothing of it checked.

    Raises:
        WireError: it is no JSON object, or says something twice.
    """
    if len(data) > CLIENT_DATA_BYTES_MAX:
        raise WireError(f"has a part of the browser of more than {CLIENT_DATA_BYTES_MAX} bytes")
    try:
        said = json.loads(data.decode(), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise WireError("has a part of the browser that is no JSON object")
    return said


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise WireError("says something twice")
    return found


def refuse_embedded(said: dict[str, object]) -> None:
    """Return where no other page had ours inside it: its owner could lay what they like over the question.

    Raises:
        SignatureError: ``origin``.
    """
    # Some browsers leave it out where nothing embeds the page.
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        page = str(said.get("origin"))[:200]
        raise refusal("origin", f"The page at {page} was embedded in one of somebody else.")


@lru_cache(maxsize=256)
def _loaded(key: PublicKey) -> Any:  # noqa: ANN401 (each kind of key has its own class, without a common one)
    """Return the key as the library wants it; the same few people sign again and again."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415 (heavy)

    try:
        if key.rsa is not None:
            return rsa.RSAPublicNumbers(*key.rsa).public_key()
        if key.curve:
            return ec.EllipticCurvePublicKey.from_encoded_point(
                getattr(ec, _CURVES[key.curve][0])(), key.point
            )
        _refuse_small_order(key)
        return ed25519.Ed25519PublicKey.from_public_bytes(key.point)
    except ValueError:
        raise refusal("malformed", f"{key.fingerprint} is not the number or point of any key.") from None


def _refuse_small_order(key: PublicKey) -> None:
    height = int.from_bytes(key.point, "little") & (2**255 - 1)
    if height >= _ED25519_PRIME or height in _ED25519_SMALL:
        raise refusal("weak-key", f"{key.fingerprint} is no key of one person: anybody can sign for it.")


def _ecdsa(curve: str) -> Any:  # noqa: ANN401 (a class of a library that is imported late)
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 (heavy)
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 (heavy)

    return ec.ECDSA(getattr(hashes, _CURVES[curve][1])())


def _der(signature: bytes) -> bytes:
    """Return the two numbers of an ECDSA signature in the form that the library reads."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415 (heavy)

    reader = Reader(signature)
    first, second = reader.mpint(), reader.mpint()
    reader.done()
    return encode_dss_signature(first, second)


def _bad(key: PublicKey) -> Exception:
    return refusal("bad-signature", f"The signature is not one of {key.fingerprint} over this text.")
