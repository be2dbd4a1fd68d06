"""Keys made of nothing but software, of every kind we verify: security keys, passkeys and authorities too.

What hardware would refuse to do (sign without a touch) is what these are for.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from babysitter.signing.sshsig import armor, assemble, to_be_signed
from babysitter.signing.wire import put_mpint, put_string, put_u8, put_u32, put_u64

ORIGIN = "https://babysitter.example.com"
NAMESPACE = "babysitter-approval"
MESSAGE = b'{"decision":"approve"}'
TOUCHED, VERIFIED, ATTESTED, EXTENDED = 0x01, 0x04, 0x40, 0x80
CURVES: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    "nistp256": (ec.SECP256R1(), hashes.SHA256()),
    "nistp384": (ec.SECP384R1(), hashes.SHA384()),
    "nistp521": (ec.SECP521R1(), hashes.SHA512()),
}


@dataclass(frozen=True, kw_only=True)
class SoftwareKey:
    """``parts``: of the public key, behind its algorithm. ``sign``: from bytes to a signature blob."""

    algorithm: str
    parts: bytes
    sign: Callable[[bytes], bytes]
    certificate: bytes = b""

    @property
    def blob(self) -> bytes:
        return put_string(self.algorithm) + self.parts

    @property
    def line(self) -> str:
        return f"{self.algorithm} {base64.b64encode(self.blob).decode()}"

    @property
    def certificate_line(self) -> str:
        name = self.algorithm.removesuffix("@openssh.com") + "-cert-v01@openssh.com"
        return f"{name} {base64.b64encode(self.certificate).decode()}"

    def signature(
        self, message: bytes = MESSAGE, *, namespace: str = NAMESPACE, hash_name: str = "sha512"
    ) -> str:
        """Return the armoured signature, with the certificate where there is one."""
        signed = self.sign(to_be_signed(message, namespace, hash_name))
        return assemble(self.certificate or self.blob, namespace, hash_name, signed)


def ed25519_key() -> SoftwareKey:
    private = ed25519.Ed25519PrivateKey.generate()
    return SoftwareKey(
        algorithm="ssh-ed25519",
        parts=put_string(_raw(private)),
        sign=lambda data: put_string("ssh-ed25519") + put_string(private.sign(data)),
    )


def forged_ed25519_key() -> SoftwareKey:
    """Return a key that nobody has: the neutral point, for which one signature fits every text."""
    neutral = b"\1" + bytes(31)
    return SoftwareKey(
        algorithm="ssh-ed25519",
        parts=put_string(neutral),
        sign=lambda _: put_string("ssh-ed25519") + put_string(neutral + bytes(32)),
    )


def ecdsa_key(curve: str = "nistp256") -> SoftwareKey:
    private = ec.generate_private_key(CURVES[curve][0])
    algorithm = f"ecdsa-sha2-{curve}"
    return SoftwareKey(
        algorithm=algorithm,
        parts=put_string(curve) + put_string(_point(private)),
        sign=lambda data: put_string(algorithm) + put_string(_numbers(private, data, CURVES[curve][1])),
    )


def rsa_key(bits: int = 2048, *, kind: str = "rsa-sha2-512") -> SoftwareKey:
    private = _rsa_private(bits)
    public = private.public_key().public_numbers()
    chosen: hashes.HashAlgorithm = {
        "rsa-sha2-256": hashes.SHA256(),
        "rsa-sha2-512": hashes.SHA512(),
        "ssh-rsa": hashes.SHA1(),
    }[kind]
    return SoftwareKey(
        algorithm="ssh-rsa",
        parts=put_mpint(public.e) + put_mpint(public.n),
        sign=lambda data: put_string(kind) + put_string(private.sign(data, padding.PKCS1v15(), chosen)),
    )


def sk_ed25519_key(*, flags: int = TOUCHED, application: str = "ssh:") -> SoftwareKey:
    private, algorithm = ed25519.Ed25519PrivateKey.generate(), "sk-ssh-ed25519@openssh.com"

    def sign(data: bytes) -> bytes:
        vouched = _vouched(application, flags, hashlib.sha256(data).digest())
        return put_string(algorithm) + put_string(private.sign(vouched)) + put_u8(flags) + put_u32(7)

    parts = put_string(_raw(private)) + put_string(application)
    return SoftwareKey(algorithm=algorithm, parts=parts, sign=sign)


def sk_ecdsa_key(*, flags: int = TOUCHED, application: str = "ssh:") -> SoftwareKey:
    private, algorithm = ec.generate_private_key(ec.SECP256R1()), "sk-ecdsa-sha2-nistp256@openssh.com"

    def sign(data: bytes) -> bytes:
        vouched = _vouched(application, flags, hashlib.sha256(data).digest())
        numbers = _numbers(private, vouched, hashes.SHA256())
        return put_string(algorithm) + put_string(numbers) + put_u8(flags) + put_u32(7)

    parts = put_string("nistp256") + put_string(_point(private)) + put_string(application)
    return SoftwareKey(algorithm=algorithm, parts=parts, sign=sign)


def passkey(
    *,
    flags: int = TOUCHED | VERIFIED,
    origin: str = ORIGIN,
    said_origin: str | None = None,
    extensions: bytes = b"",
    kind: str = "webauthn.get",
    challenge: bytes | None = None,
    frame: str = '"crossOrigin":false',
) -> SoftwareKey:
    """Return a passkey; ``origin`` stands in the browser's text, ``said_origin`` beside it.

    ``frame``: what the browser says last, about pages that embed ours.
    """
    private, application = ec.generate_private_key(ec.SECP256R1()), "babysitter.example.com"

    def sign(data: bytes) -> bytes:
        asked = base64.urlsafe_b64encode(data if challenge is None else challenge).rstrip(b"=").decode()
        client_data = f'{{"type":"{kind}","challenge":"{asked}","origin":"{origin}",{frame}}}'.encode()
        vouched = _vouched(application, flags, hashlib.sha256(client_data).digest(), extensions)
        told = origin if said_origin is None else said_origin
        return (
            put_string("webauthn-sk-ecdsa-sha2-nistp256@openssh.com")
            + put_string(_numbers(private, vouched, hashes.SHA256()))
            + put_u8(flags)
            + put_u32(7)
            + b"".join(put_string(part) for part in (told, client_data, extensions))
        )

    parts = put_string("nistp256") + put_string(_point(private)) + put_string(application)
    return SoftwareKey(algorithm="sk-ecdsa-sha2-nistp256@openssh.com", parts=parts, sign=sign)


def certified(
    key: SoftwareKey,
    authority: SoftwareKey,
    *,
    principals: tuple[str, ...] = ("alice@example.com",),
    critical: tuple[str, ...] = (),
    valid: tuple[int, int] = (0, 2**64 - 1),
    serial: int = 1,
) -> SoftwareKey:
    """Return the key with a certificate of the authority around it."""
    name = key.algorithm.removesuffix("@openssh.com") + "-cert-v01@openssh.com"
    body = (
        put_string(name)
        + put_string(b"nonce")
        + key.parts
        + put_u64(serial)
        + put_u32(1)
        + put_string("alice's laptop")
        + put_string(b"".join(put_string(principal) for principal in principals))
        + b"".join(put_u64(bound) for bound in valid)
        + put_string(b"".join(put_string(option) + put_string(b"") for option in critical))
        + put_string(b"")
        + put_string(b"")
        + put_string(authority.blob)
    )
    return replace(key, certificate=body + put_string(authority.sign(body)))


def with_certificate(key: SoftwareKey, certificate: bytes) -> SoftwareKey:
    """Return the key with a certificate that somebody else made."""
    return replace(key, certificate=certificate)


def rearmored(text: str, change: Callable[[bytes], bytes]) -> str:
    """Return an armoured signature with its blob changed."""
    return armor(change(base64.b64decode("".join(text.splitlines()[1:-1]))))


def rewrapped(text: str) -> str:
    """Return an armoured signature in lines of 64 columns, as other programs than ssh-keygen write it."""
    begin, *lines, end = text.splitlines()
    body = "".join(lines)
    return "\n".join([begin, *(body[at : at + 64] for at in range(0, len(body), 64)), end, ""])


@cache
def _rsa_private(bits: int) -> rsa.RSAPrivateKey:
    """Return one key for each size: making them is slow."""
    return rsa.generate_private_key(65537, bits)


def _vouched(application: str, flags: int, digest: bytes, extensions: bytes = b"") -> bytes:
    named = hashlib.sha256(application.encode()).digest()
    return named + put_u8(flags) + put_u32(7) + extensions + digest


def _raw(private: ed25519.Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _point(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _numbers(private: ec.EllipticCurvePrivateKey, data: bytes, digest: hashes.HashAlgorithm) -> bytes:
    first, second = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
    return put_mpint(first) + put_mpint(second)
