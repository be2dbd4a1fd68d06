"""A key that is revoked takes back what it released, as long as that has not begun."""

import pytest

from babysitter.model import events as ev
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.revocation import Revocations
from babysitter.signing.verify import Trust
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import of_type, resume, start, verifies, workspace
from tests.unit.service.signing import ALICE, BOB, KEYS, SIGNERS, rule, sign, trusting

pytestmark = [pytest.mark.promise("G02"), pytest.mark.promise("G25")]
GATE = "1-gate-deploy"


def waiting(quorum: int = 1) -> FakeWorkspace:
    place = trusting(workspace(), rule(quorum=quorum))
    start(place, "deploying", ["here"])
    return place


def revoke(place: FakeWorkspace, person: str) -> None:
    """Have the list of revoked keys name the person's."""
    place.trust = Trust(
        signers=AllowedSigners.parse(SIGNERS), revoked=(Revocations.parse(f"{KEYS[person].line}\n".encode()),)
    )


def test_a_key_revoked_after_the_release_stops_the_effect_and_it_is_asked_again() -> None:
    place = waiting()
    sign(place, BOB, GATE)

    revoke(place, BOB)
    view = resume(place)

    assert view.status == "waiting"
    assert place.performed == []
    (lapsed,) = of_type(place, ev.BreakpointLapsed)
    assert f"the signature of {BOB} no longer counts" in lapsed.reason
    assert "revoked" in lapsed.reason
    sign(place, ALICE, "1-gate2-deploy")
    assert resume(place).output == ["ok None"]
    assert verifies(place)


def test_a_key_taken_off_the_file_of_signers_stops_the_effect_too() -> None:
    place = waiting()
    sign(place, BOB, GATE)

    place.trust = Trust(signers=AllowedSigners.parse(f"{ALICE} {KEYS[ALICE].line}\n"))
    resume(place)

    assert place.performed == []


def test_a_key_revoked_before_the_quorum_is_reached_counts_for_nothing_in_it() -> None:
    place = waiting(quorum=2)
    sign(place, BOB, GATE)

    revoke(place, BOB)
    sign(place, ALICE, GATE)

    assert resume(place).status == "waiting"
    assert not of_type(place, ev.BreakpointReleased)


def test_another_persons_revoked_key_changes_nothing() -> None:
    place = waiting()
    sign(place, BOB, GATE)

    revoke(place, ALICE)

    assert resume(place).output == ["ok None"]
