"""The file of signers is OpenSSH's; one line that can't be used makes all of it unusable."""

import pytest

from babysitter.model.errors import SignersError
from babysitter.signing.allowed_signers import FILE_BYTES_MAX, AllowedSigners
from babysitter.signing.keys import parse_public_line
from tests.unit.signing import software_keys as soft

ALICE, BOB, CA = soft.ed25519_key(), soft.ecdsa_key(), soft.ed25519_key()
FILE = f"""# who may approve

alice@example.com,alice@example.org namespaces="babysitter-approval,git" {ALICE.line} laptop of Alice
bob@example.com valid-after="20260101Z",valid-before="20260701120000Z" {BOB.line}
bob@example.com {ALICE.line}
*@example.com,!mallory@example.com cert-authority {CA.line}
"""


def test_a_file_is_read_line_by_line() -> None:
    first, second, _, last = AllowedSigners.parse(FILE).lines

    assert (first.number, first.comment, first.namespaces) == (
        3,
        "laptop of Alice",
        "babysitter-approval,git",
    )
    assert first.key == parse_public_line(ALICE.line)
    assert (second.valid_after_s, second.valid_before_s) == (1767225600, 1782907200)
    assert (last.cert_authority, last.patterns) == (True, "*@example.com,!mallory@example.com")


def test_people_and_their_keys_are_found() -> None:
    signers = AllowedSigners.parse(FILE.encode())
    alice, bob, authority = (parse_public_line(key.line) for key in (ALICE, BOB, CA))

    assert signers.principals() == ("alice@example.com", "alice@example.org", "bob@example.com")
    assert signers.keys_of("bob@example.com") == (bob, alice)
    assert signers.keys_of("mallory@example.com") == ()
    assert signers.authorities_of("bob@example.com") == (authority,)
    assert signers.authorities_of("mallory@example.com") == ()


@pytest.mark.parametrize(
    "line",
    [
        "alice@example.com",
        "alice@example.com ssh-ed25519",
        "alice@example.com ssh-ed25519 AAAA",
        ALICE.line,
        f'"alice {ALICE.line}',
        f'"" {ALICE.line}',
        f"{'a' * 1100} {ALICE.line}",
        f"alice\x07 {ALICE.line}",
        f"alice\N{NO-BREAK SPACE}x {ALICE.line}",
        f"alice {ALICE.line} {'c' * 40000}",
        f"alice cert-authority,, {ALICE.line}",
        f"alice cert-authority, {ALICE.line}",
        f'alice cert-authority="x" {ALICE.line}',
        f"alice namespaces {ALICE.line}",
        f'alice namespaces="a",namespaces="b" {ALICE.line}',
        f'alice namespaces="a {ALICE.line}',
        f'alice namespaces="a"b {ALICE.line}',
        f"alice touch-required {ALICE.line}",
        f'alice valid-before="" {ALICE.line}',
        f'alice valid-before="20260230Z" {ALICE.line}',
        f'alice valid-before="2026010112Z" {ALICE.line}',
        f'alice valid-before="19700101Z" {ALICE.line}',
        f'alice valid-after="20260102Z",valid-before="20260102Z" {ALICE.line}',
        f"alice {soft.certified(ALICE, CA).certificate_line}",
        "alice ssh-dss AAAAB3NzaC1kc3MAAAAA",
    ],
    ids=lambda _: "line",  # the keys in them are new each time, and xdist compares names
)
def test_one_line_that_cannot_be_used_makes_the_file_unusable(line: str) -> None:
    with pytest.raises(SignersError) as refused:
        AllowedSigners.parse(f"# first\nbob {BOB.line}\n{line}\n", file="signers")

    assert (refused.value.facts["file"], refused.value.facts["line"]) == ("signers", 3)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "line"), [(b"# fine\n\xff", 2), (b"\n" * (FILE_BYTES_MAX + 1), 1)], ids=["bytes", "large"]
)
def test_a_file_that_is_no_text_or_too_large_is_refused(text: bytes, line: int) -> None:
    with pytest.raises(SignersError) as refused:
        AllowedSigners.parse(text)

    assert refused.value.facts["line"] == line


def test_a_quote_inside_an_option_is_escaped_as_openssh_does() -> None:
    (line,) = AllowedSigners.parse(rf'alice namespaces="a\"b c\d" {ALICE.line}').lines

    assert line.namespaces == r'a"b c\d'


@pytest.mark.parametrize("time", ["20260101Z", "20260101", "202601010000", "20260101000000z", "20260101utc"])
def test_a_time_without_a_zone_is_utc(time: str) -> None:
    (line,) = AllowedSigners.parse(f'alice valid-after="{time}" {ALICE.line}').lines

    assert line.valid_after_s == 1767225600
