"""What a revocation list names is revoked, and a list that is not understood is not used."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import SignersError
from babysitter.signing.certificates import parse_signer
from babysitter.signing.keys import parse_key
from babysitter.signing.revocation import FILE_BYTES_MAX, Revocations
from babysitter.signing.wire import put_mpint, put_string, put_u8, put_u32, put_u64
from tests.unit.signing import software_keys as soft

KEY, CA, OTHER = soft.ed25519_key(), soft.ecdsa_key(), soft.rsa_key()
SERIALS, RANGE, BITMAP, KEY_IDS, EXTENSION = 0x20, 0x21, 0x22, 0x23, 0x39
LAST = 2**64 - 1


def krl(*sections: tuple[int, bytes], version: int = 1, flags: int = 0) -> bytes:
    head = b"SSHKRL\n\0" + put_u32(version) + put_u64(1) + put_u64(0) + put_u64(flags)
    body = b"".join(put_u8(kind) + put_string(data) for kind, data in sections)
    return head + put_string(b"") + put_string("a comment") + body


def about(authority: bytes, *parts: tuple[int, bytes]) -> tuple[int, bytes]:
    """Return a section about certificates of that authority (empty: of any)."""
    body = b"".join(put_u8(kind) + put_string(data) for kind, data in parts)
    return 1, put_string(authority) + put_string(b"") + body


def revokes(data: bytes, serial: int = 7) -> bool:
    signer = parse_signer(soft.certified(KEY, CA, serial=serial).certificate)
    return Revocations.parse(data).is_revoked(signer)


@pytest.mark.parametrize("named", [KEY, CA], ids=["key", "authority"])
@pytest.mark.parametrize("kind", [2, 3, 5], ids=["blob", "sha1", "sha256"])
def test_a_certificate_is_revoked_with_its_key_and_with_its_authority(
    named: soft.SoftwareKey, kind: int
) -> None:
    digests = {2: named.blob, 3: hashlib.sha1(named.blob).digest(), 5: hashlib.sha256(named.blob).digest()}

    assert revokes(krl((kind, put_string(digests[kind]))))
    assert not revokes(krl((2, put_string(OTHER.blob))))


@pytest.mark.parametrize("authority", [CA.blob, b""], ids=["its authority", "any"])
@pytest.mark.parametrize(
    "part",
    [
        (SERIALS, put_u64(3) + put_u64(7)),
        (RANGE, put_u64(7) + put_u64(7)),
        (RANGE, put_u64(1) + put_u64(LAST)),
        (BITMAP, put_u64(5) + put_mpint(0b100)),
        (KEY_IDS, put_string("bob") + put_string("alice's laptop")),
    ],
)
def test_a_certificate_is_revoked_with_its_number_and_with_its_id(
    authority: bytes, part: tuple[int, bytes]
) -> None:
    assert revokes(krl(about(authority, part)))


@pytest.mark.parametrize(
    "part",
    [
        (SERIALS, put_u64(8)),
        (RANGE, put_u64(8) + put_u64(LAST)),
        (BITMAP, put_u64(8) + put_mpint(2**200 - 1)),
        (BITMAP, put_u64(1) + put_mpint(0b111111)),
        (KEY_IDS, put_string("alice")),
        (EXTENSION, put_string("new@example.com") + put_u8(0) + put_string(b"")),
    ],
)
def test_what_a_list_does_not_name_is_not_revoked(part: tuple[int, bytes]) -> None:
    assert not revokes(krl(about(CA.blob, part)))
    assert not revokes(krl(about(OTHER.blob, (SERIALS, put_u64(7)))))


def test_serial_zero_says_that_there_is_no_serial() -> None:
    assert not revokes(krl(about(CA.blob, (BITMAP, put_u64(1) + put_mpint(LAST)))), serial=0)


@given(st.sets(st.integers(1, 300), min_size=1), st.integers(1, 300))
def test_a_bitmap_names_exactly_its_bits(serials: set[int], asked: int) -> None:
    first = min(serials)
    bits = sum(1 << (serial - first) for serial in serials)

    assert revokes(krl(about(CA.blob, (BITMAP, put_u64(first) + put_mpint(bits)))), asked) == (
        asked in serials
    )


def test_a_plain_list_names_keys_and_the_keys_of_certificates() -> None:
    certificate = soft.certified(KEY, CA)
    found = Revocations.parse(f"# gone\r\n\n{certificate.certificate_line} laptop\n".encode())

    assert found.is_revoked(parse_key(KEY.blob))
    assert not found.is_revoked(parse_key(OTHER.blob))


def test_an_empty_file_revokes_nothing() -> None:
    assert not Revocations.parse(b"").is_revoked(parse_key(KEY.blob))


@pytest.mark.parametrize(
    "data",
    [
        b"hello\n",
        b"\xff\n",
        b"SSHKRL",
        krl()[:-1],
        krl(version=2),
        krl(flags=1),
        krl((4, put_string(KEY.blob))),
        krl((9, b"")),
        krl((3, put_string(b"short"))),
        krl((2, b"\0\0\0\x09")),
        krl((255, put_string("new@example.com") + put_u8(1) + put_string(b""))),
        krl(about(b"no key")),
        krl(about(CA.blob, (SERIALS, put_u64(0)))),
        krl(about(CA.blob, (RANGE, put_u64(2) + put_u64(1)))),
        krl(about(CA.blob, (RANGE, put_u64(1) + put_u64(2) + b"\0"))),
        krl(about(CA.blob, (BITMAP, put_u64(0) + put_mpint(1)))),
        krl(about(CA.blob, (EXTENSION, put_string("new@example.com") + put_u8(1) + put_string(b"")))),
        krl(about(CA.blob, (0x77, b""))),
        b"\n" * (FILE_BYTES_MAX + 1),
    ],
)
def test_a_list_that_is_not_understood_is_not_used(data: bytes) -> None:
    with pytest.raises(SignersError) as refused:
        Revocations.parse(data, file="gone")

    assert refused.value.facts["file"] == "gone"


def test_an_extension_that_may_be_skipped_is_skipped() -> None:
    assert not revokes(krl((255, put_string("new@example.com") + put_u8(0) + put_string(b"x"))))
