"""A passkey in a real browser signs an approval, and stock ``ssh-keygen`` says Good."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error

from babysitter.model.errors import SignatureError
from babysitter.model.statement import (
    APPROVAL_NAMESPACE,
    Digest,
    JournalPlace,
    Predicate,
    Statement,
    Subject,
    statement_bytes,
)
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.passkeys import (
    Assertion,
    assertion_options,
    challenge_of,
    public_key_line,
    registration_options,
    signature_from_assertion,
)
from babysitter.signing.verify import Trust, Verified, verify_signature
from tests.integration.passkeys.browser import Passkeys, passkeys_at, serving

pytestmark = [pytest.mark.promise("G24"), pytest.mark.needs("chromium", "ssh-keygen")]
ALICE = "alice@example.com"
HOST = "localhost"
STATEMENT = Statement(
    subject=(Subject(name="shown.md", digest=Digest(sha256="f" * 64)),),
    predicate=Predicate(
        run_id="r1",
        breakpoint_id="1-go",
        journal=JournalPlace(seq=7, prefix="a" * 64, head="b" * 64),
        decision="approve",
        comment="Read the plan; rollback is step 4.",
        approver=ALICE,
        rule="production",
        policy_sha256="e" * 64,
        nonce="00",
        issued_at="2026-01-31T10:15:30.000000Z",
    ),
)
MESSAGE = statement_bytes(STATEMENT)
AT_NS = 1_790_000_000_000_000_000


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A passkey that a browser made: its line, without a name, and its id."""

    line: str
    credential_id: bytes

    @property
    def signers(self) -> str:
        return f'{ALICE} namespaces="{APPROVAL_NAMESPACE}" {self.line} phone of Alice\n'

    def asked(self, message: bytes = MESSAGE, **more: object) -> dict[str, Any]:
        challenge = challenge_of(message, APPROVAL_NAMESPACE)
        return assertion_options(challenge=challenge, rp_id=HOST, known=[self.credential_id]) | more

    def signature(self, assertion: Assertion, *origins: str) -> str:
        return signature_from_assertion(
            assertion,
            public_key_line=self.line,
            message=MESSAGE,
            namespace=APPROVAL_NAMESPACE,
            origins=origins,
        )


def creation(**more: Any) -> dict[str, Any]:
    options = registration_options(challenge=b"c" * 32, rp_id=HOST, user_id=b"u" * 16, person=ALICE)
    return options | more


@pytest.fixture
def registered(passkeys: Passkeys) -> Registered:
    line, credential_id = public_key_line(passkeys.register(creation()), HOST)
    return Registered(line=line, credential_id=credential_id)


@pytest.fixture
def stock(tmp_path: Path) -> Callable[[str, str, bytes], str]:
    def verify(signers: str, signature: str, message: bytes) -> str:
        """Return what ``ssh-keygen`` says about it."""
        (tmp_path / "signers").write_text(signers)
        (tmp_path / "signature").write_text(signature)
        argv = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", ALICE, "-n", APPROVAL_NAMESPACE]
        argv += ["-s", "signature"]
        done = subprocess.run(argv, input=message, capture_output=True, cwd=tmp_path, check=False)
        assert (done.returncode == 0) == (b"Good" in done.stdout)
        return (done.stdout + done.stderr).decode()

    return verify


def ours(signers: str, signature: str, *origins: str, message: bytes = MESSAGE) -> Verified:
    return verify_signature(
        Trust(signers=AllowedSigners.parse(signers), origins=frozenset(origins)),
        message=message,
        armored=signature,
        principal=ALICE,
        namespace=APPROVAL_NAMESPACE,
        at_ns=AT_NS,
    )


def reason(call: Callable[[], object]) -> object:
    with pytest.raises(SignatureError) as refused:
        call()
    return refused.value.facts["reason"]


def test_a_passkey_signs_a_statement_and_both_verifiers_say_so(
    passkeys: Passkeys, registered: Registered, origin: str, stock: Callable[[str, str, bytes], str]
) -> None:
    signature = registered.signature(passkeys.sign(registered.asked()), origin)

    said = stock(registered.signers, signature, MESSAGE)
    verified = ours(registered.signers, signature, origin)

    assert said.startswith(f'Good "{APPROVAL_NAMESPACE}" signature for {ALICE} with ECDSA-SK key SHA256:')
    assert (verified.method, verified.user_verified) == ("passkey", True)
    assert verified.fingerprint in said


def test_what_the_key_adds_of_its_own_is_part_of_the_signature(
    passkeys: Passkeys, registered: Registered, origin: str, stock: Callable[[str, str, bytes], str]
) -> None:
    """An extension of the authenticator stands behind its counter, and is signed with it."""
    assertion = passkeys.sign(registered.asked(extensions={"getCredBlob": True}))

    signature = registered.signature(assertion, origin)

    assert b"credBlob" in assertion.authenticator_data
    assert "Good" in stock(registered.signers, signature, MESSAGE)
    assert ours(registered.signers, signature, origin).user_verified


def test_a_passkey_s_signature_is_for_one_statement(
    passkeys: Passkeys, registered: Registered, origin: str, stock: Callable[[str, str, bytes], str]
) -> None:
    signature = registered.signature(passkeys.sign(registered.asked()), origin)
    edited = MESSAGE.replace(b'"approve"', b'"reject"')

    assert "Good" not in stock(registered.signers, signature, edited)
    assert reason(lambda: ours(registered.signers, signature, origin, message=edited)) == "bad-signature"


def test_a_passkey_that_was_asked_something_else_approves_nothing(
    passkeys: Passkeys, registered: Registered, origin: str
) -> None:
    assertion = passkeys.sign(registered.asked(b"something harmless"))

    assert reason(lambda: registered.signature(assertion, origin)) == "bad-signature"


def test_our_options_get_no_answer_from_a_key_that_does_not_know_its_user(
    passkeys: Passkeys, registered: Registered
) -> None:
    passkeys.knows_its_user(known=False)

    with pytest.raises(Error, match="NotAllowedError"):
        passkeys.sign(registered.asked())


def test_an_answer_without_a_pin_or_fingerprint_is_refused(
    passkeys: Passkeys, registered: Registered, origin: str
) -> None:
    """A page that was tampered with may ask for less than our options do."""
    passkeys.knows_its_user(known=False)
    assertion = passkeys.sign(registered.asked(userVerification="discouraged"))

    assert reason(lambda: registered.signature(assertion, origin)) == "no-verification"


def test_a_key_that_does_not_know_its_user_makes_no_passkey(passkeys: Passkeys) -> None:
    passkeys.knows_its_user(known=False)

    with pytest.raises(Error, match="NotAllowedError"):
        passkeys.register(creation())


def test_a_person_may_choose_among_the_passkeys_of_the_host(
    passkeys: Passkeys, registered: Registered, origin: str
) -> None:
    assertion = passkeys.sign(registered.asked(allowCredentials=[]))

    assert ours(registered.signers, registered.signature(assertion, origin), origin).method == "passkey"


def test_an_answer_given_on_another_page_of_the_host_is_refused(
    browser: Browser, passkeys: Passkeys, registered: Registered, origin: str
) -> None:
    """The browser keeps passkeys by host; whoever has another port of it gets answers too."""
    with serving() as other_port:
        passkeys.page.goto(f"http://{HOST}:{other_port}")
        assertion = passkeys.sign(registered.asked())

    assert reason(lambda: registered.signature(assertion, origin)) == "origin"


def test_an_answer_given_inside_somebody_else_s_page_is_refused(
    passkeys: Passkeys, registered: Registered, origin: str, port: int
) -> None:
    """Whoever embeds our page can put something else over what it shows."""
    passkeys.page.goto(f"http://127.0.0.1:{port}")
    assertion = passkeys.sign(registered.asked(), on=passkeys.embedded(origin))

    assert b'"crossOrigin":true' in assertion.client_data_json
    assert reason(lambda: registered.signature(assertion, origin)) == "origin"


def test_a_device_makes_no_second_passkey_for_one_person(passkeys: Passkeys, registered: Registered) -> None:
    options = registration_options(
        challenge=b"c" * 32, rp_id=HOST, user_id=b"u" * 16, person=ALICE, known=[registered.credential_id]
    )

    with pytest.raises(Error, match="InvalidStateError"):
        passkeys.register(options)


def test_two_devices_have_two_keys(
    browser: Browser, passkeys: Passkeys, registered: Registered, origin: str
) -> None:
    with passkeys_at(browser, origin) as elsewhere:
        other, other_id = public_key_line(elsewhere.register(creation()), HOST)
        assertion = elsewhere.sign(Registered(line=other, credential_id=other_id).asked())

    assert other != registered.line
    assert reason(lambda: registered.signature(assertion, origin)) == "bad-signature"
