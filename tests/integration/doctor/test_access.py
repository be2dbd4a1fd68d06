"""Who gets in to a server: the database, tokens that nobody uses, tokens that end."""

import pytest

from babysitter.access.tokens import DAY_S, Wish
from babysitter.service.access.opening import entrance_of
from tests.integration.doctor.ward import Arrange, Cases, Ward, names_of

pytestmark = pytest.mark.promise("G19")


def token(ward: Ward, *, days: int = 90, used: bool = True) -> None:
    entrance = entrance_of(ward.workspace())
    _, text = entrance.tokens.make(Wish(kind="agent", name="ci", made_by="root", lasts_s=days * DAY_S))
    if used:
        entrance.by_token(text)
    entrance.storage.database.close()


def without_key(ward: Ward) -> None:
    token(ward)
    (ward.root / ".a5c/server/key").unlink()


def idle(ward: Ward) -> None:
    token(ward)
    ward.clock.advance(61 * DAY_S)


def ending(ward: Ward) -> None:
    token(ward, days=10)


def unused_and_ending(ward: Ward) -> None:
    token(ward, days=10, used=False)


CASES: Cases = {
    ("D19-who-gets-in", "not-applicable"): lambda _: None,
    ("D19-who-gets-in", "ok"): token,
    ("D19-who-gets-in", "problem"): without_key,
    ("D19-idle-tokens", "not-applicable"): lambda _: None,
    ("D19-idle-tokens", "ok"): token,
    ("D19-idle-tokens", "problem"): idle,
    ("D19-ending-tokens", "not-applicable"): lambda _: None,
    ("D19-ending-tokens", "ok"): unused_and_ending,
    ("D19-ending-tokens", "problem"): ending,
}


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


def test_looking_lets_nobody_in_and_makes_no_file(ward: Ward) -> None:
    for check_id, _ in CASES:
        ward.look(check_id)

    assert not (ward.root / ".a5c/server").exists()


def test_where_the_database_can_t_be_read_nothing_is_said_about_its_tokens(ward: Ward) -> None:
    without_key(ward)

    assert ward.look("D19-idle-tokens").state == "could-not-check"
