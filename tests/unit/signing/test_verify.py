"""The verifier's plan: the order of its steps, what it hands on, and whose signature one could be.

Which signatures pass is tests/conformance/test_signatures.py's matter.
"""

import subprocess
import sys

import pytest

from babysitter.model.clock import parse_time
from babysitter.model.errors import SignatureError
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.refusals import HINTS
from babysitter.signing.revocation import Revocations
from babysitter.signing.verify import Trust, Verified, verify_signature
from tests.unit.signing import software_keys as soft

ALICE, BOB = "alice@example.com", "bob@example.com"
NOW_NS = parse_time("2026-06-15T12:00:00Z")


def trust(lines: str, revoked: bytes | None = None) -> Trust:
    return Trust(
        signers=AllowedSigners.parse(lines),
        revoked=() if revoked is None else (Revocations.parse(revoked),),
        origins=frozenset({soft.ORIGIN}),
    )


def verify(believed: Trust, key: soft.SoftwareKey, principal: str = ALICE, **changes: object) -> Verified:
    given = {
        "message": soft.MESSAGE,
        "armored": key.signature(),
        "namespace": soft.NAMESPACE,
        "at_ns": NOW_NS,
    }
    return verify_signature(believed, principal=principal, **{**given, **changes})  # type: ignore[arg-type]


def test_it_hands_on_what_the_signature_proves() -> None:
    key = soft.sk_ed25519_key(flags=soft.TOUCHED | soft.VERIFIED)

    verified = verify(trust(f"{ALICE} {key.line}"), key)

    assert (verified.principal, verified.key_type, verified.method) == (ALICE, key.algorithm, "ssh")
    assert verified.fingerprint.startswith("SHA256:")
    assert (verified.user_verified, verified.via_certificate) == (True, None)


def test_a_passkey_is_told_from_an_ssh_key() -> None:
    key = soft.passkey()

    verified = verify(trust(f"{ALICE} {key.line}"), key)

    assert (verified.method, verified.user_verified) == ("passkey", True)


def test_a_certificate_names_its_authority_and_the_plain_key() -> None:
    authority, key = soft.ecdsa_key(), soft.ed25519_key()
    believed = trust(f"{ALICE} {key.line}\n*@example.com cert-authority {authority.line}")

    plain, certified = verify(believed, key), verify(believed, soft.certified(key, authority))

    assert plain.fingerprint == certified.fingerprint
    assert certified.via_certificate == believed.signers.lines[1].key.fingerprint


@pytest.mark.parametrize("at", ["2026-06-15T12:00:00.000000Z", "2026-06-15T12:00:00.999999Z"])
def test_the_last_second_of_a_key_is_a_whole_one(at: str) -> None:
    key = soft.ed25519_key()
    believed = trust(f'{ALICE} valid-before="20260615120000Z" {key.line}')

    assert verify(believed, key, at_ns=parse_time(at)).principal == ALICE


def test_nothing_is_said_of_people_before_the_signature_is_good() -> None:
    """Otherwise a stranger could learn from the reason whose key is in the file."""
    key = soft.ed25519_key()

    for lines in (f"{ALICE} {key.line}", f"{BOB} {key.line}", "# nobody"):
        with pytest.raises(SignatureError) as refused:
            verify(trust(lines), key, message=b"else")
        assert refused.value.facts["reason"] == "bad-signature"


def test_the_first_line_that_names_the_person_says_why() -> None:
    key = soft.ed25519_key()
    lines = f'{ALICE} valid-before="20260101Z" {key.line}\n{ALICE} namespaces="git" {key.line}'

    with pytest.raises(SignatureError) as refused:
        verify(trust(lines), key)

    assert refused.value.facts["reason"] == "expired-key"
    assert "line 1" in refused.value.message
    assert refused.value.hint == HINTS["expired-key"]


def test_reading_who_may_sign_does_not_load_the_cryptography() -> None:
    """Reading a run's status imports these modules; only verifying pays for the library."""
    code = (
        "import sys, babysitter.signing.verify as verify, babysitter.signing.sign\n"
        f"verify.AllowedSigners.parse({f'{ALICE} {soft.ed25519_key().line}'!r})\n"
        "assert 'cryptography' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
