"""Tokens: what form they have, when they count, what they are kept as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.access.credentials import id_of, make_credential
from babysitter.access.server_key import ServerKey
from babysitter.access.tokens import DAY_S
from babysitter.model.errors import CredentialError, NotFoundError, RefusedError
from babysitter.service.detecting import credential_search
from babysitter.service.ports import SystemDice
from tests.unit.access.building import ALICE, BOB, House

pytestmark = pytest.mark.promise("G19")
KEY = ServerKey(b"k" * 32)
NS_PER_S = 1_000_000_000


@pytest.mark.parametrize("kind", ["agent", "auditor", "admin"])
def test_a_program_s_token_holds_its_one_role_where_it_counts(house: House, kind: str) -> None:
    caller = house.entrance.by_token(house.token(kind=kind))

    assert caller.roles == {"shop": frozenset({kind})}
    assert (caller.is_person, caller.method) == (False, "token")
    assert not caller.may("breakpoint.answer", "shop")
    assert not caller.may("token.manage", "shop")


def test_a_person_s_token_holds_what_the_settings_give_the_person(house: House) -> None:
    caller = house.entrance.by_token(house.token(kind="human", person=BOB))

    assert (caller.name, caller.is_person) == (BOB, True)
    assert caller.roles == {"shop": frozenset({"approver"})}


def test_a_token_for_another_workspace_knows_nothing_of_this_one(house: House) -> None:
    caller = house.entrance.by_token(house.token(workspaces=("elsewhere",)))

    assert not caller.knows("shop")


def test_a_scope_takes_away(house: House) -> None:
    caller = house.entrance.by_token(house.token(scopes=("run.read",)))

    assert caller.may("run.read", "shop")
    assert not caller.may("run.create", "shop")


def test_a_token_counts_until_its_last_nanosecond_and_not_in_the_one_after(house: House) -> None:
    token = house.token(lasts_s=60)

    house.clock.time_ns += 60 * NS_PER_S - 1
    house.entrance.by_token(token)
    house.clock.time_ns += 1

    with pytest.raises(CredentialError):
        house.entrance.by_token(token)


@pytest.mark.parametrize(
    ("revoked", "after_s", "state"),
    [
        (False, 0, "valid"),
        (False, 60, "expired"),
        (False, 400 * DAY_S, "expired"),
        (True, 0, "revoked"),
        (True, 60, "revoked"),
    ],
)
def test_each_state_of_a_token(house: House, revoked: bool, after_s: int, state: str) -> None:
    text = house.token(lasts_s=60)
    token_id = text.split("_")[1]
    if revoked:
        house.entrance.tokens.revoke(token_id, ALICE)
    house.clock.advance(after_s)

    assert house.entrance.tokens.find(token_id).state(house.clock.now_ns()) == state
    if state == "valid":
        house.entrance.by_token(text)
    else:
        with pytest.raises(CredentialError):
            house.entrance.by_token(text)


def test_revoking_twice_keeps_the_first_time_and_who(house: House) -> None:
    token_id = house.token().split("_")[1]
    first = house.entrance.tokens.revoke(token_id, ALICE)
    house.clock.advance(60)

    assert house.entrance.tokens.revoke(token_id, BOB) == first


def test_every_credential_that_does_not_count_gets_one_answer(house: House) -> None:
    expired, revoked, stranger = (
        house.token(lasts_s=1),
        house.token(),
        make_credential("bst", KEY, SystemDice()),
    )
    house.entrance.tokens.revoke(revoked.split("_")[1], ALICE)
    house.clock.advance(1)

    said = set()
    for text in (expired, revoked, stranger.text, "", "bst_", "x" * 5000, "Bearer é", stranger.text[:-1]):
        with pytest.raises(CredentialError) as refused:
            house.entrance.by_token(text)
        said.add((str(refused.value), tuple(refused.value.facts)))

    assert len(said) == 1


def test_a_session_s_cookie_is_no_token_and_a_code_is_none_either(house: House) -> None:
    cookie = house.cookie_of(house.passkey_of(ALICE))
    _, code = house.entrance.passkeys.invite(BOB, by=ALICE, may_sign=False)

    for text in (cookie, code, "bst" + cookie[3:], "bst" + code[3:]):
        with pytest.raises(CredentialError):
            house.entrance.by_token(text)


@given(place=st.integers(4, 63), character=st.sampled_from("0Zz_é\n"))
def test_a_token_with_one_other_character_has_not_even_the_form_of_one(place: int, character: str) -> None:
    made = make_credential("bst", KEY, SystemDice())
    changed = made.text[:place] + character + made.text[place + 1 :]

    if changed == made.text:
        assert id_of("bst", changed) == made.id
    elif place < 15 and character in "0Zz":
        assert id_of("bst", changed) != made.id  # The id stands before what the checksum covers.
    else:
        with pytest.raises(CredentialError):
            id_of("bst", changed)


@pytest.mark.promise("G08")
@pytest.mark.parametrize("prefix", ["bst", "bss", "bsi"])
def test_the_search_for_credentials_knows_them(house: House, prefix: str) -> None:
    made = make_credential(prefix, KEY, SystemDice())  # type: ignore[arg-type]  # a literal each
    text = f'curl -H "X-Thing: {made.text}" http://localhost:3185/'.encode()

    hits = credential_search(house.workspace.place).find(text)

    assert [hit.rule.partition("-")[0] for hit in hits] == ["babysitter"]


def test_a_last_use_is_written_at_most_once_a_minute(house: House) -> None:
    text = house.token()
    token_id = text.split("_")[1]
    seen = []
    for _ in range(5):
        house.entrance.by_token(text)
        seen.append(house.entrance.tokens.find(token_id).used_ns)
        house.clock.advance(20)

    start = seen[0]
    assert start is not None
    assert [(each or 0) - start for each in seen] == [0, 0, 0, 60 * NS_PER_S, 60 * NS_PER_S]


def test_so_many_tokens_are_kept_and_those_that_count_are_never_pushed_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("babysitter.access.tokens.TOKENS_MAX", 3)
    kept = [house.token(name=f"t{number}") for number in range(3)]

    with pytest.raises(RefusedError):
        house.token()
    house.entrance.tokens.revoke(kept[1].split("_")[1], ALICE)
    kept.append(house.token())

    for number in (0, 2, 3):
        house.entrance.by_token(kept[number])
    assert len(house.entrance.tokens.all()) == 3


def test_what_ended_long_ago_is_forgotten_when_another_is_made(house: House) -> None:
    old = house.token(lasts_s=60).split("_")[1]
    house.clock.advance(500 * DAY_S)
    house.token()

    with pytest.raises(NotFoundError):
        house.entrance.tokens.find(old)
