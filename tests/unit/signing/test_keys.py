"""Public keys are read strictly, and their fingerprints are those that ``ssh-keygen -l`` prints."""

import subprocess
from pathlib import Path

import pytest

from babysitter.model.errors import SignatureError
from babysitter.signing.certificates import Certificate, parse_signer
from babysitter.signing.checks import check
from babysitter.signing.keys import KEY_BYTES_MAX, parse_key, parse_public_line
from babysitter.signing.wire import Reader, put_mpint, put_string
from tests.unit.signing import software_keys as soft

KEYS = [
    soft.ed25519_key(),
    soft.ecdsa_key("nistp256"),
    soft.ecdsa_key("nistp384"),
    soft.ecdsa_key("nistp521"),
    soft.rsa_key(),
    soft.sk_ed25519_key(),
    soft.sk_ecdsa_key(),
]
IDS = [key.line.split()[0] for key in KEYS]
POINT = soft.ecdsa_key().parts


@pytest.mark.parametrize("key", KEYS, ids=IDS)
def test_a_key_is_read_from_its_line_and_keeps_its_blob(key: soft.SoftwareKey) -> None:
    read = parse_public_line(f"{key.line} somebody's laptop\n")

    assert (read.algorithm, read.blob) == (key.algorithm, key.blob)
    assert read == parse_key(key.blob)


@pytest.mark.needs("ssh-keygen")
@pytest.mark.parametrize("key", KEYS, ids=IDS)
def test_the_fingerprint_is_the_one_that_people_know(key: soft.SoftwareKey, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(key.line + "\n")
    listed = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], capture_output=True, check=True)

    assert parse_public_line(key.line).fingerprint == listed.stdout.decode().split()[1]


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (b"", "malformed"),
        (put_string("ssh-ed25519"), "malformed"),
        (put_string("ssh-ed25519") + put_string(bytes(31)), "malformed"),
        (put_string("ssh-ed25519") + put_string(bytes(32)) + b"\0", "malformed"),
        (put_string("ssh-dss") + put_string(bytes(32)), "unsupported"),
        (put_string("ecdsa-sha2-nistp384") + POINT, "malformed"),
        (put_string("sk-ecdsa-sha2-nistp256@openssh.com") + POINT, "malformed"),
        (put_string("ecdsa-sha2-nistp256") + POINT.replace(b"A\x04", b"A\x06", 1), "malformed"),
        (put_string("ssh-rsa") + put_mpint(3) + put_mpint(1 << 16384), "malformed"),
        (put_string("ssh-rsa") + put_mpint(1 << 64) + put_mpint(1 << 2048), "malformed"),
    ],
)
def test_what_is_not_exactly_a_key_is_refused(blob: bytes, reason: str) -> None:
    with pytest.raises(SignatureError) as refused:
        parse_key(blob)

    assert refused.value.facts["reason"] == reason


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 !",
        KEYS[0].line.replace("ssh-ed25519", "ssh-rsa", 1),
        soft.sk_ed25519_key(application="a" * KEY_BYTES_MAX).line,
    ],
    ids=lambda _: "line",  # the keys in them are new each time, and xdist compares names
)
def test_a_line_says_what_its_key_is(line: str) -> None:
    with pytest.raises(SignatureError):
        parse_public_line(line)


@pytest.mark.parametrize("key", KEYS, ids=IDS)
def test_a_certificate_holds_the_very_key(key: soft.SoftwareKey) -> None:
    whole = soft.certified(key, soft.ed25519_key(), principals=("a", "b"))

    certificate = parse_signer(whole.certificate)

    assert isinstance(certificate, Certificate)
    assert certificate.key == parse_key(key.blob)
    assert certificate.principals == ("a", "b")


def test_a_certificate_that_its_authority_did_not_sign_is_refused() -> None:
    whole = soft.certified(soft.ed25519_key(), soft.ed25519_key()).certificate

    with pytest.raises(SignatureError) as refused:
        parse_signer(whole.replace(b"alice@example.com", b"mallo@example.com"))

    assert refused.value.facts["reason"] == "bad-signature"


def test_no_certificate_is_an_authority() -> None:
    """Chains of certificates are not a thing of OpenSSH; a certificate's certificate proves nothing."""
    middle = soft.certified(soft.ed25519_key(), soft.ed25519_key())
    inner = soft.certified(soft.ed25519_key(), middle)
    swapped = inner.certificate.replace(put_string(middle.blob), put_string(middle.certificate))

    with pytest.raises(SignatureError) as refused:
        parse_signer(swapped)

    assert refused.value.facts["reason"] == "unsupported"


@pytest.mark.parametrize(
    "options",
    [{"principals": tuple("a" * 257)}, {"critical": tuple("a" * 65)}],
    ids=["people", "options"],
)
def test_what_a_certificate_names_is_bounded(options: dict[str, tuple[str, ...]]) -> None:
    whole = soft.certified(soft.ed25519_key(), soft.ed25519_key(), **options)  # type: ignore[arg-type]

    with pytest.raises(SignatureError) as refused:
        parse_signer(whole.certificate)

    assert refused.value.facts["reason"] == "malformed"


def test_no_authority_signs_through_a_browser() -> None:
    """Nobody looks at the origin then, so any page could have asked for it."""
    whole = soft.certified(soft.ed25519_key(), soft.passkey())

    with pytest.raises(SignatureError) as refused:
        parse_signer(whole.certificate)

    assert refused.value.facts["reason"] == "malformed"


@pytest.mark.parametrize("key", KEYS, ids=IDS)
def test_a_key_makes_signatures_of_its_own_type_only(key: soft.SoftwareKey) -> None:
    """Otherwise the type, which is not signed, could be changed without anybody noticing."""
    good = Reader(key.sign(b"text"))
    good.string()
    tail = good.rest()

    for kind in ("ssh-ed25519-v2", "ssh-dss", "sk-ssh-ed25519@example.com"):
        with pytest.raises(SignatureError) as refused:
            check(parse_key(key.blob), put_string(kind) + tail, b"text")
        assert refused.value.facts["reason"] == "malformed"
