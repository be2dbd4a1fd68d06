"""Keys that no longer count: OpenSSH's key revocation list (KRL), or a plain list of public keys.

Whatever is in the file and not understood makes it unusable, because it might revoke
the very key that is asked about. Signed lists are refused, as OpenSSH does since 9.4: the file's
integrity comes from where it is kept.

Invariants, each with a test in tests/unit/signing/test_revocation.py:
    - a certificate is revoked with its key, its authority, its serial number or its key id;
    - nothing is expanded: a range or bitmap costs what it takes in the file.

Source: OpenSSH, PROTOCOL.krl; ssh-keygen(1), "KEY REVOCATION LISTS".
"""

import hashlib
from dataclasses import dataclass, field

from babysitter.model.errors import SignatureError, SignersError
from babysitter.signing.certificates import Certificate, parse_signer, plain_key
from babysitter.signing.keys import PublicKey, blob_of_line, parse_key
from babysitter.signing.wire import Reader, WireError

FILE_BYTES_MAX = 16 * 1024 * 1024
_MAGIC = b"SSHKRL\n\0"
_CERTIFICATES, _KEYS, _SHA1, _SIGNATURE, _SHA256, _EXTENSION = 1, 2, 3, 4, 5, 255
_SERIALS, _RANGE, _BITMAP, _KEY_IDS, _CERT_EXTENSION = 0x20, 0x21, 0x22, 0x23, 0x39


@dataclass(slots=True, kw_only=True)
class _Revoked:
    """Certificates of one authority, or of any. ``bitmaps``: first serial number, and a bit for each."""

    serials: set[int] = field(default_factory=set)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    bitmaps: list[tuple[int, int]] = field(default_factory=list)
    key_ids: set[bytes] = field(default_factory=set)

    def holds(self, certificate: Certificate) -> bool:
        """True when the list names the certificate; no list names serial 0, which says that there is none."""
        serial = certificate.serial
        return (
            certificate.key_id.encode() in self.key_ids
            or serial in self.serials
            or any(first <= serial <= last for first, last in self.ranges)
            or any(_has_bit(bits, serial - first) for first, bits in self.bitmaps)
        )


class Revocations:
    """What a file revokes."""

    __slots__ = ("_blobs", "_certificates", "_sha1", "_sha256")

    def __init__(self) -> None:
        self._blobs: set[bytes] = set()
        self._sha1: set[bytes] = set()
        self._sha256: set[bytes] = set()
        self._certificates: dict[bytes, _Revoked] = {}
        """By the authority's blob; the empty one stands for any authority."""

    @classmethod
    def parse(cls, data: bytes, *, file: str = "revoked_keys") -> "Revocations":
        """Return the revocations of a file: a KRL, or a list of public keys; an empty file revokes nothing.

        Raises:
            SignersError: it can't be used; ``facts`` has ``file`` and ``line`` (0 for a KRL).
        """
        if len(data) > FILE_BYTES_MAX:
            raise _unusable(file, 0, f"is larger than {FILE_BYTES_MAX} bytes")
        found = cls()
        if not data.startswith(_MAGIC):
            found._read_list(data, file)
            return found
        try:
            found._read_krl(Reader(data[len(_MAGIC) :]))
        except WireError as broken:
            raise _unusable(file, 0, str(broken)) from None
        except SignatureError as broken:
            raise _unusable(file, 0, f"names an unusable authority: {broken.message}") from None
        return found

    def is_revoked(self, signer: PublicKey | Certificate) -> bool:
        """True when the key does not count: it, its certificate, or the authority of that is named."""
        if self._names(plain_key(signer)):
            return True
        if not isinstance(signer, Certificate):
            return False
        groups = (self._certificates.get(blob) for blob in (signer.authority.blob, b""))
        return self._names(signer.authority) or any(
            group.holds(signer) for group in groups if group is not None
        )

    def _names(self, key: PublicKey) -> bool:
        return (
            key.blob in self._blobs
            or hashlib.sha256(key.blob).digest() in self._sha256
            or hashlib.sha1(key.blob, usedforsecurity=False).digest() in self._sha1
        )

    def _read_list(self, data: bytes, file: str) -> None:
        for number, line in enumerate(data.split(b"\n"), start=1):
            stripped = line.strip(b" \t\r")
            if not stripped or stripped.startswith(b"#"):
                continue
            try:
                _, blob = blob_of_line(stripped.decode())
                self._blobs.add(plain_key(parse_signer(blob)).blob)
            except UnicodeDecodeError:
                raise _unusable(file, number, "is not UTF-8") from None
            except SignatureError as bad:
                raise _unusable(file, number, f"has a line that is no key: {bad.message}") from None

    def _read_krl(self, reader: Reader) -> None:
        version = reader.u32()
        reader.u64()  # the list's own version
        reader.u64()  # when it was made
        flags = reader.u64()
        reader.string()  # reserved
        reader.string()  # comment
        if version != 1 or flags:
            raise WireError(f"has format {version} and flags {flags}, where format 1 without flags is known")
        while reader.more():
            kind = reader.u8()
            section = Reader(reader.string())
            if kind == _CERTIFICATES:
                self._read_certificates(section)
            elif kind == _EXTENSION:
                _skip_extension(section)
            else:
                self._read_keys(kind, section)

    def _read_keys(self, kind: int, section: Reader) -> None:
        kinds = {_KEYS: (self._blobs, 0), _SHA1: (self._sha1, 20), _SHA256: (self._sha256, 32)}
        if kind not in kinds:
            raise WireError("is signed" if kind == _SIGNATURE else f"has a section of unknown type {kind}")
        target, size = kinds[kind]
        while section.more():
            value = section.string()
            if size and len(value) != size:
                raise WireError(f"has a digest of {len(value)} bytes where {size} belong")
            target.add(value)

    def _read_certificates(self, section: Reader) -> None:
        authority = section.string()
        section.string()  # reserved
        if authority:
            authority = parse_key(authority).blob
        revoked = self._certificates.setdefault(authority, _Revoked())
        while section.more():
            kind = section.u8()
            _read_revoked(kind, Reader(section.string()), revoked)


def _read_revoked(kind: int, part: Reader, revoked: _Revoked) -> None:
    if kind == _SERIALS:
        while part.more():
            revoked.serials.add(_serial(part))
    elif kind == _RANGE:
        revoked.ranges.append(_range(part))
    elif kind == _BITMAP:
        revoked.bitmaps.append(_bitmap(part))
    elif kind == _KEY_IDS:
        while part.more():
            revoked.key_ids.add(part.string())
    elif kind == _CERT_EXTENSION:
        _skip_extension(part)
    else:
        raise WireError(f"has a section of unknown type {kind} about certificates")
    part.done()


def _range(part: Reader) -> tuple[int, int]:
    first, last = _serial(part), _serial(part)
    if first > last:
        raise WireError("has a range of serial numbers that ends before it begins")
    return first, last


def _bitmap(part: Reader) -> tuple[int, int]:
    first, bits = part.u64(), part.mpint()
    if first == 0 and bits & 1:
        raise WireError("revokes serial number 0, which says that there is none")
    return first, bits


def _has_bit(bits: int, place: int) -> bool:
    return 0 <= place < bits.bit_length() and bool(bits >> place & 1)


def _serial(part: Reader) -> int:
    serial = part.u64()
    if serial == 0:
        raise WireError("revokes serial number 0, which says that there is none")
    return serial


def _skip_extension(section: Reader) -> None:
    name, critical = section.text(), section.u8()
    section.string()
    section.done()
    if critical:
        raise WireError(f"has extension {name[:64]!r}, which must be understood")


def _unusable(file: str, line: int, what: str) -> SignersError:
    return SignersError(
        f"{file}{f', line {line}' if line else ''}: the revocation list {what}.",
        hint="Make it with 'ssh-keygen -k -f FILE KEY.pub', or as a file of public keys, one a line.",
        file=file,
        line=line,
    )
