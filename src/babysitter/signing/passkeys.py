"""Passkeys as SSH keys: what a browser is asked, and its answer as a signature that OpenSSH verifies.

A passkey signs whatever text a page gives it as its challenge. Ours is the very text that
an SSH key would sign for the statement, so that an answer of the browser, its parts put
into another order, is an SSH signature: ``ssh-keygen -Y verify`` checks it, and a file of
signers names a passkey as it names any other key.

The plan, when a browser answers; each step refuses with its own word:

     1. The authenticator's part is for the host of this key.                      ``malformed``, ``origin``
     2. Somebody touched it, and it knew them.                          ``no-presence``, ``no-verification``
     3. The browser's part is about this statement, and was made on a page of
        ours that no other page embeds.                         ``malformed``, ``bad-signature``, ``origin``
     4. It begins as OpenSSH expects it, to the byte.                                          ``malformed``
     5. The signature, in SSH form, is one of this key over all of it.      ``malformed``, ``bad-signature``

The counter is handed on and not compared: passkeys that live on several devices have none.

Invariants, each with a test in tests/unit/signing/test_passkeys.py, or in tests/integration/passkeys:
    - what comes out verifies, here and with ``ssh-keygen``; what would not verify does not come out;
    - whatever an authenticator or a browser says, nothing is raised but SignatureError.

Source: W3C, Web Authentication Level 3; FIDO, CTAP 2.1, section 8 ("Message Encoding");
RFC 9053, section 7.1.1; OpenSSH, PROTOCOL.u2f.
"""

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from babysitter.signing import checks
from babysitter.signing.keys import SK_ECDSA, parse_public_line
from babysitter.signing.refusals import refusal
from babysitter.signing.sshsig import assemble, to_be_signed
from babysitter.signing.wire import Reader, WireError, put_mpint, put_string, put_u8, put_u32

TIMEOUT_MS = 120_000  # a person has to find the device and unlock it
ATTESTATION_BYTES_MAX = 16 * 1024
AUTHENTICATOR_DATA_BYTES_MAX = 4 * 1024
CREDENTIAL_ID_BYTES_MAX = 1023
_SIGNATURE_BYTES_MAX = 72  # two numbers of 256 bits in DER
_HASH_NAME = "sha512"
_ES256, _EC2, _P256 = -7, 2, 1
_DEPTH_MAX = 4
_CBOR_UNREAD = (0xF4, 0xF5, 0xF6)  # false, true and null; extensions have them, nobody asks which


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What a browser hands over when a passkey has signed, byte for byte.

    signature_der: two numbers in DER, as ES256 signatures are in WebAuthn.
    """

    authenticator_data: bytes
    client_data_json: bytes
    signature_der: bytes


class _AuthenticatorData(NamedTuple):
    """In the order of the bytes. ``rest``: the new key, if there is one, and the extensions."""

    rp_id_hash: bytes
    flags: int
    counter: int
    rest: bytes


def registration_options(
    *, challenge: bytes, rp_id: str, user_id: bytes, person: str, known: Collection[bytes] = ()
) -> dict[str, Any]:
    """Return what ``PublicKeyCredential.parseCreationOptionsFromJSON`` takes, for making a passkey.

    Args:
        challenge: fresh dice of the caller, at least 16 bytes.
        rp_id: the host of our pages, without scheme and port.
        user_id: at most 64 bytes that say nothing about the person; the same ones replace a passkey.
        person: whom the file of signers will name; shown when a passkey is chosen.
        known: the ids of the passkeys that the person has, so that no device gets a second one.
    """
    return {
        "rp": {"id": rp_id, "name": rp_id},
        "user": {"id": _base64url(user_id), "name": person, "displayName": person},
        "challenge": _base64url(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": _ES256}],
        "timeout": TIMEOUT_MS,
        "excludeCredentials": _descriptors(known),
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    }


def assertion_options(*, challenge: bytes, rp_id: str, known: Collection[bytes] = ()) -> dict[str, Any]:
    """Return what ``PublicKeyCredential.parseRequestOptionsFromJSON`` takes, for signing.

    ``challenge``: see ``challenge_of``. ``known``: the ids of the person's passkeys; without any, the
    browser offers what it has.
    """
    return {
        "challenge": _base64url(challenge),
        "rpId": rp_id,
        "timeout": TIMEOUT_MS,
        "allowCredentials": _descriptors(known),
        "userVerification": "required",
    }


def challenge_of(message: bytes, namespace: str) -> bytes:
    """Return the challenge whose answer is a signature over the message, for this namespace."""
    return to_be_signed(message, namespace, _HASH_NAME)


def authenticator_data_of(attestation_object: bytes) -> bytes:
    """Return the authenticator's part of what a browser calls ``attestationObject``.

    Who made the device is not asked: the person who puts the key into the file of signers vouches for it.

    Raises:
        SignatureError: ``malformed``.
    """
    try:
        reader = _bounded(attestation_object, ATTESTATION_BYTES_MAX)
        parts = _cbor(reader)
        reader.done()
    except WireError as broken:
        raise refusal("malformed", f"The attestation object {broken}.") from None
    data = parts.get("authData") if isinstance(parts, dict) else None
    if not isinstance(data, bytes):
        raise refusal("malformed", "The attestation object holds no authenticator data.")
    return data


def public_key_line(authenticator_data: bytes, rp_id: str) -> tuple[str, bytes]:
    """Return a new passkey as a line for the file of signers, and its credential id.

    Args:
        authenticator_data: of the browser's answer to ``registration_options``.
        rp_id: as in those options; the key's *application* in SSH terms.

    Raises:
        SignatureError: ``malformed``, ``unsupported``, ``origin``, ``no-presence`` or ``no-verification``.
    """
    try:
        data = _read_authenticator_data(authenticator_data)
        _check_authenticator(data, rp_id)
        credential_id, point = _read_new_key(data)
    except WireError as broken:
        raise refusal("malformed", f"The new passkey {broken}.") from None
    blob = b"".join(put_string(part) for part in (SK_ECDSA, "nistp256", point, rp_id))
    return f"{SK_ECDSA} {base64.b64encode(blob).decode()}", credential_id


def check_registration(client_data_json: bytes, *, challenge: bytes, origins: Collection[str]) -> None:
    """Return when a browser made a passkey because of our ``registration_options``, on a page of ours.

    Args:
        client_data_json: of the browser's answer.
        challenge: of those options; the caller never takes one twice.
        origins: of our pages, as browsers write them.

    Raises:
        SignatureError: ``malformed``, ``bad-signature`` or ``origin``.
    """
    try:
        _checked_origin(client_data_json, "webauthn.create", challenge, origins)
    except WireError as broken:
        raise refusal("malformed", f"The new passkey {broken}.") from None


def signature_from_assertion(
    assertion: Assertion, *, public_key_line: str, message: bytes, namespace: str, origins: Collection[str]
) -> str:
    """Return the armoured SSH signature that a passkey made over the message; it verifies.

    Args:
        assertion: the browser's answer to ``challenge_of`` the same message and namespace.
        public_key_line: the passkey's line in the file of signers.
        message: the statement.
        namespace: the purpose that the signature is for.
        origins: of our pages, as browsers write them (``https://host[:port]``).

    Raises:
        SignatureError: ``facts["reason"]`` is the word of the step that failed; see the plan above.
    """
    key = parse_public_line(public_key_line)
    if key.algorithm != SK_ECDSA or key.application is None:
        raise refusal("unsupported", f"{key.fingerprint} is of type {key.algorithm}, and not a passkey.")
    signed = challenge_of(message, namespace)
    try:
        data = _read_authenticator_data(assertion.authenticator_data)
        _check_authenticator(data, key.application)
        _check_extensions(data, Reader(data.rest))
        origin = _checked_origin(assertion.client_data_json, "webauthn.get", signed, origins)
        if not assertion.client_data_json.startswith(checks.client_data_start(signed, origin)):
            raise WireError("is not written in the order that ssh-keygen expects")
        blob = _signature_blob(data, origin, assertion)
    except WireError as broken:
        raise refusal("malformed", f"The answer of passkey {key.fingerprint} {broken}.") from None
    checks.check(key, blob, signed)
    return assemble(key.blob, namespace, _HASH_NAME, blob)


def _bounded(data: bytes, size_max: int) -> Reader:
    if len(data) > size_max:
        raise WireError(f"has a part of more than {size_max} bytes")
    return Reader(data)


def _read_authenticator_data(data: bytes) -> _AuthenticatorData:
    reader = _bounded(data, AUTHENTICATOR_DATA_BYTES_MAX)
    return _AuthenticatorData(reader.raw(32), reader.u8(), reader.u32(), reader.rest())


def _check_authenticator(data: _AuthenticatorData, rp_id: str) -> None:
    """Steps 1 and 2."""
    if data.rp_id_hash != hashlib.sha256(rp_id.encode()).digest():
        raise refusal("origin", f"The passkey answered for another host than {rp_id[:200]!r}.")
    if not data.flags & checks.USER_PRESENT:
        raise refusal("no-presence", "Nobody touched the passkey.")
    if not data.flags & checks.USER_VERIFIED:
        raise refusal("no-verification", "The passkey did not ask for a PIN or fingerprint.")


def _read_new_key(data: _AuthenticatorData) -> tuple[bytes, bytes]:
    if not data.flags & checks.ATTESTED:
        raise WireError("has no key in it")
    reader = Reader(data.rest)
    reader.raw(16)  # the model of the device; with attestation "none" it proves nothing
    size = int.from_bytes(reader.raw(2), "big")
    if not 0 < size <= CREDENTIAL_ID_BYTES_MAX:
        raise WireError(f"has an id of {size} bytes")
    credential_id, point = reader.raw(size), _point(_cbor(reader))
    _check_extensions(data, reader)
    return credential_id, point


def _point(cose_key: object) -> bytes:
    """Return the uncompressed point of a COSE key, which must be one of ES256 and nothing else."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 (heavy: reading a run never needs it)

    if not isinstance(cose_key, dict):
        raise WireError("has a key that is no map")
    if (cose_key.get(1), cose_key.get(3), cose_key.get(-1)) != (_EC2, _ES256, _P256):
        raise refusal("unsupported", "The new passkey is not of the one kind that was asked for, ES256.")
    parts = [part for part in (cose_key.get(-2), cose_key.get(-3)) if isinstance(part, bytes)]
    if cose_key.keys() != {1, 3, -1, -2, -3} or [len(part) for part in parts] != [32, 32]:
        raise WireError("has a key with other parts than two coordinates")
    point = b"\x04" + b"".join(parts)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise WireError("has a key that is no point on its curve") from None
    return point


def _check_extensions(data: _AuthenticatorData, reader: Reader) -> None:
    """The flag says whether a map of extensions comes next; nothing comes after it."""
    if data.flags & checks.EXTENDED and not isinstance(_cbor(reader), dict):
        raise WireError("has extensions that are no map")
    reader.done()


def _checked_origin(client_data: bytes, kind: str, challenge: bytes, origins: Collection[str]) -> str:
    """Return the page that asked for this, with this challenge: one of ours, and embedded by none."""
    said = checks.read_client_data(client_data)
    done, origin = said.get("type"), said.get("origin")
    if done != kind:
        raise refusal("bad-signature", f"The browser was asked for something else: {str(done)[:40]!r}.")
    if said.get("challenge") != _base64url(challenge):
        raise refusal("bad-signature", "The passkey was asked about something else than this.")
    if not isinstance(origin, str) or origin not in origins:
        raise refusal("origin", f"The passkey was used at {str(origin)[:200]!r}, which is not ours.")
    checks.refuse_embedded(said)
    return origin


def _signature_blob(data: _AuthenticatorData, origin: str, assertion: Assertion) -> bytes:
    numbers = put_string(_ssh_numbers(assertion.signature_der))
    parts = (origin, assertion.client_data_json, data.rest)
    fixed = put_string(checks.WEBAUTHN) + numbers + put_u8(data.flags) + put_u32(data.counter)
    return fixed + b"".join(put_string(part) for part in parts)


def _ssh_numbers(signature_der: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: PLC0415 (heavy)

    try:
        first, second = decode_dss_signature(_bounded(signature_der, _SIGNATURE_BYTES_MAX).rest())
    except ValueError:
        raise WireError("has a signature that is not two numbers in DER") from None
    return put_mpint(first) + put_mpint(second)


def _cbor(reader: Reader, depth: int = 0) -> object:
    """Return the next value; what authenticators may not write is refused: floats, tags, open lengths.

    Each value takes a byte at least, so a count that lies ends with the data.
    """
    if depth > _DEPTH_MAX:
        raise WireError("is nested too deeply")
    first = reader.u8()
    if first in _CBOR_UNREAD:
        return None
    kind, number = first >> 5, _cbor_number(reader, first & 0x1F)
    if kind in (0, 1):
        return ~number if kind else number
    if kind in (2, 3):
        data = reader.raw(number)
        return Reader(put_string(data)).text() if kind == 3 else data
    if kind not in (4, 5):
        raise WireError("holds a value of a kind that authenticators do not write")
    items = [_cbor(reader, depth + 1) for _ in range(number * (kind - 3))]
    return items if kind == 4 else _cbor_map(items)


def _cbor_number(reader: Reader, code: int) -> int:
    if code < 24:
        return code
    if code > 27:
        raise WireError("holds a value without a length")
    size = 1 << (code - 24)
    number = int.from_bytes(reader.raw(size), "big")
    if number < (24 if size == 1 else 1 << (4 * size)):
        raise WireError("holds a number that could be written shorter")
    return number


def _cbor_map(items: list[object]) -> dict[object, object]:
    keys = items[::2]
    if not all(isinstance(key, int | str) for key in keys) or len(set(keys)) != len(keys):
        raise WireError("holds a key twice, or one that is neither number nor text")
    return dict(zip(keys, items[1::2], strict=True))


def _descriptors(ids: Collection[bytes]) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": _base64url(one)} for one in ids]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
