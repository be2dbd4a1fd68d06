"""A task's pane: what its approval showed, and whether the signatures behind it verify now."""

import base64
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.journal.layout import shown_patch_path
from babysitter.model import events as ev
from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.service.delivery import Delivery
from babysitter.service.hosting.watched_task import ApprovalShown, TaskPane, VisitedTask
from babysitter.service.mail import AnswerMail
from babysitter.service.statements import Answer, statement_for, what_it_covers
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.passkeys import (
    authenticator_data_of,
    challenge_of,
    public_key_line,
    signature_from_assertion,
)
from babysitter.signing.revocation import Revocations
from babysitter.signing.verify import Trust
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import answer, of_type, resume, start, workspace
from tests.unit.service.signing import ALICE, BOB, KEYS, SIGNERS, rule, sign, trusting
from tests.unit.service.test_changes import SHIP, Place
from tests.unit.service.test_question_parts import visit
from tests.unit.signing.software_authenticator import HOST, ORIGIN, Authenticator, client_data

pytestmark = pytest.mark.promise("G24")
GATE, EFFECT = "1-gate-deploy", "1-deploy"


def pane(place: FakeWorkspace, effect: str = EFFECT) -> TaskPane:
    return VisitedTask(visit(place)).pane("r", effect)


def signed(place: FakeWorkspace) -> ApprovalShown:
    (shown,) = pane(place).approvals
    return shown


def released(person: str = BOB) -> FakeWorkspace:
    """Return a workspace where a signed yes has let ``deploy`` start."""
    place = trusting(workspace(), rule())
    start(place, "deploying", ["here"])
    sign(place, person, GATE)
    resume(place)
    return place


def believing(place: FakeWorkspace, **trust: Any) -> None:
    """Have the workspace believe other keys from now on."""
    place.trust = Trust(**{"signers": AllowedSigners.parse(SIGNERS), **trust})


def test_a_signature_that_verifies_is_said_to_with_its_key() -> None:
    shown = signed(released())

    assert (shown.approver, shown.method, shown.good) == (BOB, "ssh", True)
    assert shown.signature == "verifies against today's signers"
    assert (shown.key_fingerprint or "").startswith("SHA256:")


def test_a_signature_by_a_passkey_verifies_where_its_page_counts_and_nowhere_else() -> None:
    passkey = Authenticator()
    line, _ = public_key_line(authenticator_data_of(passkey.attestation()), HOST)
    place = trusting(workspace(), rule())
    believing(place, signers=AllowedSigners.parse(f"{ALICE} {line}\n"), origins=frozenset({ORIGIN}))
    start(place, "deploying", ["here"])
    covered = what_it_covers(place.store, "r", GATE)
    nonce = Delivery(place).new_id()
    wanted = Answer(approver=ALICE, decision="approve", comment="", nonce=nonce)
    statement = statement_for(covered, wanted, place.clock.now_ns())
    text = client_data("webauthn.get", challenge_of(statement, APPROVAL_NAMESPACE))
    signature = signature_from_assertion(
        passkey.answer(text),
        public_key_line=line,
        message=statement,
        namespace=APPROVAL_NAMESPACE,
        origins=frozenset({ORIGIN}),
    )
    mail = AnswerMail(
        request_id=nonce,
        sender=ALICE,
        breakpoint_id=GATE,
        decision="approve",
        statement=statement.decode(),
        signature=signature,
    )
    Delivery(place).send("r", mail)
    resume(place)

    assert (signed(place).method, signed(place).good) == ("passkey", True)

    believing(place, signers=AllowedSigners.parse(f"{ALICE} {line}\n"), origins=frozenset())
    assert signed(place).good is False
    assert signed(place).signature.startswith("does not verify now: ")


def test_a_signature_by_a_key_that_was_revoked_since_does_not_verify_now() -> None:
    place = released()
    revoked = Revocations.parse(f"{KEYS[BOB].line}\n".encode())
    believing(place, revoked=(revoked,))

    shown = signed(place)

    assert shown.good is False
    assert "is revoked" in shown.signature


@pytest.mark.parametrize("part", ["statement", "signature"])
def test_a_signature_that_was_tampered_with_does_not_verify(part: str) -> None:
    place = released()
    store = place.store
    assert isinstance(store, MemoryStore)
    files = store.runs["r"].files
    (event,) = of_type(place, ev.BreakpointResponded)
    path = event.signature_ref.path if part == "signature" else event.statement_ref.path
    good = files[path]
    if part == "signature":
        head, body = good.split(b"\n", 1)
        raw = bytearray(base64.b64decode(b"".join(body.split(b"\n")[:-2])))
        raw[-1] ^= 1
        files[path] = head + b"\n" + base64.b64encode(bytes(raw)) + b"\n-----END SSH SIGNATURE-----\n"
    else:
        files[path] = good.replace(BOB.encode(), ALICE.encode(), 1)

    shown = signed(place)

    assert shown.good is False
    assert shown.signature.startswith("does not verify now: ")


def test_the_word_of_an_account_is_called_unsigned() -> None:
    place = workspace()
    place.policy = replace(place.policy, guarded=replace(place.policy.guarded, signature=False))
    start(place, "deploying", ["here"])
    answer(place, GATE, "approve")
    resume(place)

    shown = signed(place)

    assert (shown.good, shown.signature) == (None, "unsigned: the word of whoever ran the server")


@pytest.mark.needs("git")
def test_what_had_changed_when_it_was_approved_is_shown_file_by_file(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.start("shipping")
    answer(place.fake, SHIP, "approve")
    resume(place.fake)

    before, after = pane(place.fake, "1-work"), pane(place.fake, "4-ship")

    assert before.difference is None
    assert after.difference is not None
    (file,) = after.difference.files
    assert (file.path, file.added, file.removed) == ("app.py", 1, 1)
    assert [(line.kind, line.text) for line in file.lines if line.kind in ("add", "del")] == [
        ("del", "-two"),
        ("add", "+three"),
    ]


@pytest.mark.needs("git")
def test_a_difference_that_is_not_what_was_shown_is_said_and_not_shown(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.start("shipping")
    answer(place.fake, SHIP, "approve")
    resume(place.fake)
    store = place.fake.store
    assert isinstance(store, MemoryStore)
    files = store.runs["r"].files
    patch = shown_patch_path(SHIP)
    files[patch] = files[patch].replace(b"three", b"thr33")

    found = pane(place.fake, "4-ship").difference

    assert found is not None
    assert found.files == ()
    assert found.problem
