"""A browser and its authenticator made of nothing but software, which lie when they are told to."""

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from babysitter.signing.passkeys import Assertion
from babysitter.signing.wire import put_u8, put_u32

HOST, ORIGIN = "babysitter.example.com", "https://babysitter.example.com"
TOUCHED, VERIFIED, SYNCED, ATTESTED, EXTENDED = 0x01, 0x04, 0x18, 0x40, 0x80
TOUCHED_AND_VERIFIED = TOUCHED | VERIFIED
CREDENTIAL_ID = b"the first passkey"


def cbor(value: object) -> bytes:
    """Return the value as an authenticator writes it."""
    if isinstance(value, bool) or value is None:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(cbor(entry) for entry in value)
    assert isinstance(value, dict)
    return _head(5, len(value)) + b"".join(cbor(name) + cbor(entry) for name, entry in value.items())


def client_data(kind: str, challenge: bytes, origin: str = ORIGIN, **more: object) -> bytes:
    """Return the text of a browser; ``more`` are further fields of it."""
    asked = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    fields = {"type": kind, "challenge": asked, "origin": origin, "crossOrigin": False, **more}
    return json.dumps(fields, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Authenticator:
    """One passkey. What is not told otherwise is as it should be."""

    host: str = HOST
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def cose(self) -> dict[object, object]:
        numbers = self.private.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def data(self, flags: int = TOUCHED_AND_VERIFIED, rest: bytes = b"", counter: int = 7) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + put_u8(flags) + put_u32(counter) + rest

    def attestation(
        self,
        *,
        flags: int = TOUCHED_AND_VERIFIED | ATTESTED,
        cose: object = None,
        credential_id: bytes = CREDENTIAL_ID,
        rest: bytes = b"",
        statement: object = None,
    ) -> bytes:
        """Return an attestation object; ``rest`` stands behind the key."""
        held = cbor(self.cose if cose is None else cose)
        rest = bytes(16) + len(credential_id).to_bytes(2, "big") + credential_id + held + rest
        if not flags & ATTESTED:
            rest = b""
        return cbor({"fmt": "none", "attStmt": statement or {}, "authData": self.data(flags, rest)})

    def answer(self, text: bytes, data: bytes | None = None) -> Assertion:
        """Return a signed answer, whatever the browser's text and the authenticator's data are."""
        data = self.data() if data is None else data
        signature = self.private.sign(data + hashlib.sha256(text).digest(), ec.ECDSA(hashes.SHA256()))
        return Assertion(authenticator_data=data, client_data_json=text, signature_der=signature)


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return put_u8(kind << 5 | number)
    width = next(width for width in (1, 2, 4, 8) if number < 1 << 8 * width)
    return put_u8(kind << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[width]) + number.to_bytes(width, "big")
