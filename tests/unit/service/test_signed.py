"""Signed answers: they count for exactly what was shown, from exactly who signed, once."""

from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.journal.layout import shown_facts_path, shown_path
from babysitter.model import events as ev
from babysitter.model.errors import PolicyDeniedError, SecretError, SignatureError
from babysitter.model.statement import parse_statement
from babysitter.model.values import sha256_hex
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.service.delivery import Delivery
from babysitter.service.mail import encode_mail
from babysitter.service.statements import refuse_secrets, what_it_covers
from babysitter.service.wiring import Secrets
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import Driving, FakeWorkspace
from tests.unit.service.runs import answer, create, of_type, resume, start, verifies, workspace
from tests.unit.service.signing import (
    ALICE,
    BOB,
    KEYS,
    rule,
    saying,
    sign,
    signed_mail,
    trusting,
)

pytestmark = pytest.mark.promise("G24")
GATE = "1-gate-deploy"


def waiting(**more: Any) -> FakeWorkspace:
    """A run that waits for a signed yes to ``deploy``."""
    place = trusting(workspace(), rule(**more))
    start(place, "deploying", ["here"])
    return place


def test_a_signed_approval_lets_the_effect_through_and_is_kept_as_it_was_signed() -> None:
    place = waiting()

    sign(place, BOB, GATE, comment="fine")
    view = resume(place)

    assert view.output == ["ok None"]
    (event,) = of_type(place, ev.BreakpointResponded)
    assert (event.approver, event.method, event.comment) == (BOB, "ssh", "fine")
    kept = place.store.read_file("r", event.statement_ref.path)
    assert sha256_hex(kept) == event.statement_sha256
    assert parse_statement(kept).predicate.approver == BOB
    assert place.store.read_file("r", event.signature_ref.path).startswith(b"-----BEGIN SSH SIGNATURE-----")
    assert verifies(place)


def test_the_effect_names_the_approval_that_let_it_start() -> None:
    place = waiting()
    sign(place, BOB, GATE)

    resume(place)

    assert [event.approval for event in of_type(place, ev.EffectStarted)] == [GATE]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"run_id": "other"}, "run"),
        ({"breakpoint_id": "2-gate-deploy"}, "breakpoint"),
        ({"approves": ()}, "set of calls"),
        ({"decision": "reject"}, "decision"),
        ({"comment": "something else"}, "comment"),
        ({"approver": ALICE}, "approver"),
        ({"rule": "default-asked"}, "rule"),
        ({"policy_sha256": "0" * 64}, "policy"),
        ({"expires_at": "2030-01-01T00:00:00.000000Z"}, "time limit"),
        ({"on_behalf_of": ALICE}, "delegation"),
        ({"break_glass": True}, "emergency"),
    ],
)
def test_a_statement_about_anything_else_is_refused(said: dict[str, Any], what: str) -> None:
    place = waiting()

    with pytest.raises(SignatureError, match=f"signed for another {what}") as refusal:
        sign(place, BOB, GATE, change=saying(**said))

    assert refusal.value.facts["reason"] == "statement"
    assert of_type(place, ev.BreakpointResponded) == []


@pytest.mark.parametrize("field", ["seq", "prefix", "head"])
def test_a_statement_about_another_place_of_the_journal_is_refused(field: str) -> None:
    place = waiting()
    covered = what_it_covers(place.store, "r", GATE)
    other = replace(covered.place, **{field: 1 if field == "seq" else "0" * 64})

    with pytest.raises(SignatureError, match="another place of the journal"):
        sign(place, BOB, GATE, change=saying(journal=other))


def test_a_statement_over_other_shown_bytes_is_refused() -> None:
    place = waiting()

    with pytest.raises(SignatureError, match="another set of shown files"):
        sign(place, BOB, GATE, change=lambda made: replace(made, subject=made.subject[:1]))


def test_an_answer_signed_by_somebody_elses_key_is_refused() -> None:
    place = waiting()

    with pytest.raises(SignatureError) as refusal:
        sign(place, BOB, GATE, key=KEYS[ALICE])

    assert refusal.value.facts["reason"] in ("wrong-principal", "unknown-signer")


def test_the_same_statement_counts_once() -> None:
    place = waiting(quorum=2)
    mail = signed_mail(place, BOB, GATE)
    Delivery(place).send("r", mail)

    with pytest.raises(SignatureError, match="given before"):
        Delivery(place).send("r", replace(mail, request_id="another"))


def test_a_person_who_changes_their_mind_signs_anew() -> None:
    place = waiting(quorum=2)

    sign(place, BOB, GATE)
    sign(place, BOB, GATE, "reject", comment="on second thought")

    assert [event.decision for event in of_type(place, ev.BreakpointResponded)] == ["approve", "reject"]
    assert of_type(place, ev.BreakpointRejected)[0].responded_by == (BOB,)
    assert verifies(place)


def test_an_answer_without_a_signature_is_refused_where_the_rule_wants_one() -> None:
    place = waiting()

    with pytest.raises(PolicyDeniedError, match="wants a signature by the person's own key"):
        answer(place, GATE, "approve")


def test_a_signed_answer_reaches_a_run_that_somebody_drives() -> None:
    place = trusting(workspace(), rule())
    create(place, "deploying", ["here"])

    with Driving(place, "r") as driving:
        driving.face.wait_for("BREAKPOINT_REQUESTED")
        sign(place, BOB, GATE)
        view = driving.ended()

    assert view.output == ["ok None"]
    assert [event.method for event in of_type(place, ev.BreakpointResponded)] == ["ssh"]
    assert verifies(place)


def test_forged_mail_becomes_a_line_that_says_why_it_is_no_answer() -> None:
    """Whoever can write files can leave mail; the driver believes the signature and not the mail."""
    place = waiting()
    forged = signed_mail(place, BOB, GATE, key=KEYS[ALICE])
    place.store.send_mail("r", "forged.json", encode_mail(forged))

    view = resume(place)

    assert view.status == "waiting"
    assert of_type(place, ev.BreakpointResponded) == []
    assert "mail:" in of_type(place, ev.PolicyDenied)[0].subject
    assert verifies(place)


def test_a_comment_with_a_secret_is_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "wonderful-secret-1")
    masker = Secrets(("env:API_KEY",), {"env": EnvironmentSource()}, workspace().place).masker

    with pytest.raises(SecretError, match="holds a secret"):
        refuse_secrets("the key is wonderful-secret-1", masker)

    refuse_secrets("the key is fine", masker)


def test_a_statement_with_a_secret_is_not_kept_even_when_it_was_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who signs need not have the run's secrets; who keeps it does."""
    monkeypatch.setenv("API_KEY", "wonderful-secret-1")
    place = trusting(workspace(), rule())
    start(place, "publishing", None)
    (asked,) = of_type(place, ev.BreakpointRequested)

    with pytest.raises(SignatureError, match="holds a secret of the run"):
        sign(place, BOB, asked.breakpoint_id, comment="it is wonderful-secret-1")

    assert of_type(place, ev.BreakpointResponded) == []
    store = place.store
    kept = [store.read_file("r", path) for path in store.paths("r")]
    assert not any(b"wonderful-secret-1" in data for data in kept)


@pytest.mark.promise("G01")
@pytest.mark.parametrize("path", [shown_path(GATE), shown_facts_path(GATE)])
def test_nothing_is_signed_over_bytes_that_are_not_those_of_the_journal(path: str) -> None:
    place = waiting()
    assert isinstance(place.store, MemoryStore)
    files = place.store._run("r").files
    files[path] = files[path].replace(b"here", b"there")

    with pytest.raises(SignatureError) as refusal:
        what_it_covers(place.store, "r", GATE)

    assert refusal.value.facts["reason"] == "shown"


@pytest.mark.promise("G01")
def test_what_an_approver_signs_holds_every_shown_file() -> None:
    place = trusting(workspace(), rule())
    start(place, "taking_values", None)
    (asked,) = of_type(place, ev.BreakpointRequested)

    covered = what_it_covers(place.store, "r", asked.breakpoint_id)

    names = [file.name for file in covered.shown.files]
    assert names == ["artifacts/notes/plan.md", "missing.md"]
    assert "(missing: there is no file missing.md in the workspace.)" in covered.document
