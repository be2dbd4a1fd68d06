"""Who may make tokens and invite people, and how much of it: never more than they could hand out."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.access.roles import ACTIONS, ROLES, Caller, Role
from babysitter.access.tokens import DAY_S
from babysitter.model.errors import ForbiddenError, NotFoundError, UsageError
from babysitter.service.access.acting import LocalAccount
from babysitter.service.access.opening import entrance_of, local_people, local_tokens, served_places
from babysitter.service.access.people import PeopleDesk, begin_joining, finish_joining
from babysitter.service.access.tokens import TokenDesk, TokenWish, lasting_s
from babysitter.signing.allowed_signers import AllowedSigners
from tests.unit.access.building import ALICE, BOB, EVE, SETTINGS, Device, House
from tests.unit.signing.software_authenticator import Authenticator

pytestmark = pytest.mark.promise("G19")
LOCAL = LocalAccount("root")


def caller(*roles: Role, name: str = ALICE, workspace: str = "shop", is_person: bool = True) -> Caller:
    return Caller(
        name=name,
        is_person=is_person,
        roles={workspace: frozenset(roles)},
        method="passkey",
        credential="s",
    )


def wish(**more: Any) -> TokenWish:
    return TokenWish(**{"kind": "agent", "name": "ci", **more})


@pytest.fixture
def two(house: House, tmp_path: Path) -> House:
    """Return the house with a second workspace beside, whose only admin is Eve."""
    annex = tmp_path / "annex"
    annex.mkdir()
    (annex / "babysitter.toml").write_text(f'[access]\nadmins = ["{EVE}"]\nviewers = ["{BOB}"]')
    house.write_settings(SETTINGS.replace("[server]", '[server]\nworkspaces = ["annex"]'))
    house.workspace.policy_now()
    entrance = entrance_of(house.workspace)
    assert entrance.grants.workspaces == ("shop", "annex")
    return House(workspace=house.workspace, clock=house.clock, entrance=entrance)


def test_the_account_at_the_terminal_makes_tokens_lists_and_revokes_them(house: House) -> None:
    made = local_tokens(house.workspace).create(wish(scopes=("run.read",), expires="12h"))
    listed = local_tokens(house.workspace).tokens()
    revoked = local_tokens(house.workspace).revoke(made.token.id[:4])

    assert listed == [made.token]
    assert (made.token.state, made.token.workspaces, made.token.scopes) == ("valid", ("all",), ("run.read",))
    assert revoked.state == "revoked"
    assert made.text not in repr(listed)


@pytest.mark.parametrize("role", [each for each in ROLES if each != "admin"])
def test_only_admins_make_tokens(house: House, role: Role) -> None:
    desk = TokenDesk(house.entrance, caller(role))

    with pytest.raises(ForbiddenError):
        desk.create(wish())
    with pytest.raises(ForbiddenError):
        desk.tokens()


def test_no_program_makes_tokens_or_invites(house: House) -> None:
    program = house.entrance.by_token(house.token(kind="admin"))

    with pytest.raises(ForbiddenError):
        TokenDesk(house.entrance, program).create(wish())
    with pytest.raises(ForbiddenError):
        PeopleDesk(house.entrance, house.workspace, program).invite(BOB)


def test_an_admin_of_one_workspace_hands_out_nothing_for_another(two: House) -> None:
    desk = TokenDesk(two.entrance, caller("admin"))

    assert desk.create(wish(workspaces=("shop",))).token.workspaces == ("shop",)
    for names in (("annex",), ("shop", "annex"), ("all",)):
        with pytest.raises(ForbiddenError):
            desk.create(wish(workspaces=names))


def test_an_admin_sees_and_revokes_only_what_counts_in_their_workspaces_alone(two: House) -> None:
    for names in (("shop",), ("annex",), ("all",)):
        TokenDesk(two.entrance, LOCAL).create(wish(workspaces=names))
    desk = TokenDesk(two.entrance, caller("admin"))

    seen = desk.tokens()

    assert [view.workspaces for view in seen] == [("shop",)]
    others = [each.id for each in two.entrance.tokens.all() if each.id != seen[0].id]
    for token_id in others:
        with pytest.raises(NotFoundError):
            desk.revoke(token_id)


def test_an_admin_is_told_of_no_workspace_that_is_none_of_theirs(two: House) -> None:
    """Neither by whom they manage there, nor by what else they could have named."""
    two.passkey_of(BOB)

    [bob] = PeopleDesk(two.entrance, two.workspace, caller("admin")).people()
    with pytest.raises(UsageError) as refused:
        TokenDesk(two.entrance, caller("admin")).create(wish(workspaces=("nowhere",)))

    assert bob.roles == {"shop": ("approver",)}
    assert "annex" not in f"{refused.value.message} {refused.value.hint}"


def test_nobody_makes_a_token_of_somebody_else(house: House) -> None:
    desk = TokenDesk(house.entrance, caller("admin"))

    with pytest.raises(ForbiddenError, match=BOB):
        desk.create(wish(kind="human", person=BOB))
    assert desk.create(wish(kind="human", person=ALICE)).token.person == ALICE


LIMITED = ("token.manage", "run.read")


@pytest.mark.parametrize("scopes", [(), ("breakpoint.answer",), ("run.read", "run.create")])
@pytest.mark.parametrize("kind", ["human", "agent"])
def test_a_token_that_is_limited_makes_none_that_is_less_so(
    house: House, kind: str, scopes: tuple[str, ...]
) -> None:
    """Else whoever finds one that makes tokens has everything its person may do, for another year."""
    person = ALICE if kind == "human" else ""
    if kind == "agent" and scopes == ("breakpoint.answer",):
        scopes = ("task.post",)
    desk = TokenDesk(house.entrance, replace(caller("admin", "operator"), scopes=frozenset(LIMITED)))

    with pytest.raises(ForbiddenError, match="limited"):
        desk.create(wish(kind=kind, person=person, scopes=scopes))
    assert desk.create(wish(kind=kind, person=person, scopes=("run.read",))).token.scopes == ("run.read",)


def test_a_token_that_is_limited_invites_nobody_and_ends_no_session(house: House) -> None:
    """Whoever joins by an invitation, and whoever signs in again, is not limited."""
    bob = replace(caller("approver", name=BOB), scopes=frozenset(("run.read",)))
    alice = replace(caller("admin"), scopes=frozenset(("person.manage",)))
    cookie = house.cookie_of(house.passkey_of(BOB))

    with pytest.raises(ForbiddenError, match="limited"):
        PeopleDesk(house.entrance, house.workspace, alice).invite(BOB)
    with pytest.raises(ForbiddenError):
        PeopleDesk(house.entrance, house.workspace, bob).sign_out_everywhere(BOB)
    with pytest.raises(ForbiddenError):
        PeopleDesk(house.entrance, house.workspace, bob).sessions(BOB)
    assert house.entrance.by_session(cookie).name == BOB


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "root"}, "no kind"),
        ({"kind": "human"}, "a person's"),
        ({"person": BOB}, "a person's"),
        ({"kind": "human", "person": "b*"}, "person's name"),
        ({"kind": "human", "person": "b,c"}, "person's name"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"workspaces": ("nowhere",)}, "nowhere"),
        ({"workspaces": ()}, "no workspace"),
        ({"scopes": ("run.erase",)}, "run.erase"),
        ({"scopes": ("breakpoint.answer",)}, "breakpoint.answer"),
        ({"kind": "admin", "scopes": ("token.manage",)}, "token.manage"),
        ({"expires": "366d"}, "may last"),
        ({"expires": "0d"}, "may last"),
        ({"expires": "forever"}, "may last"),
        ({"expires": "-1d"}, "may last"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_made(
    house: House, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said.replace(".", r"\.")):
        TokenDesk(house.entrance, LOCAL).create(wish(**given))
    assert house.entrance.tokens.all() == []


def test_a_token_lasts_ninety_days_unless_said_and_a_year_at_most(house: House) -> None:
    token = TokenDesk(house.entrance, LOCAL).create(wish()).token

    kept = house.entrance.tokens.find(token.id)
    assert kept.expires_ns - kept.created_ns == 90 * DAY_S * 1_000_000_000
    assert lasting_s("365d") == 365 * DAY_S


def test_a_person_s_token_may_have_each_scope_that_people_can_use(house: House) -> None:
    scopes = tuple(action for action in ACTIONS if action != "breakpoint.ask")

    made = TokenDesk(house.entrance, LOCAL).create(wish(kind="human", person=ALICE, scopes=scopes))

    assert made.token.scopes == scopes


def test_inviting_takes_the_right_in_the_server_s_own_workspace_and_wherever_the_person_is_somebody(
    two: House,
) -> None:
    """Whoever has the link signs in as that person, everywhere."""
    of_shop = PeopleDesk(two.entrance, two.workspace, caller("admin"))
    of_annex = PeopleDesk(two.entrance, two.workspace, caller("admin", name=EVE, workspace="annex"))
    both = replace(caller("admin"), roles={"shop": frozenset({"admin"}), "annex": frozenset({"admin"})})

    with pytest.raises(ForbiddenError):
        of_shop.invite(BOB)
    with pytest.raises(ForbiddenError):
        of_annex.invite("new@example.com")
    of_shop.invite("new@example.com")
    assert PeopleDesk(two.entrance, two.workspace, both).invite(BOB).person == BOB


def test_a_link_has_its_code_behind_the_hash_and_the_list_has_none(house: House) -> None:
    desk = local_people(house.workspace)
    invited = desk.invite(BOB)
    code = invited.link.partition("#")[2]

    views = desk.people()

    assert invited.link.startswith("https://babysitter.example.com/join#bsi_")
    assert [(view.person, view.passkeys, view.roles) for view in views] == [
        (BOB, (), {"shop": ("approver",)})
    ]
    assert views[0].invited_until == invited.expires_at
    assert code not in repr(views)


def join(house: House, *, may_sign: bool) -> Any:
    link = local_people(house.workspace).invite(BOB, may_sign=may_sign).link
    code, device = link.partition("#")[2], Device(authenticator=Authenticator(), credential=b"1")
    begun = begin_joining(house.entrance, code)
    return finish_joining(
        house.entrance, house.workspace, code=code, answer=device.join(begun), cookie=begun.cookie
    )


def test_a_passkey_that_may_sign_goes_into_the_file_of_signers(house: House) -> None:
    added = join(house, may_sign=True)

    signers = AllowedSigners.parse((house.workspace.root / "allowed_signers").read_bytes())
    assert added.added_to == str(house.workspace.root / "allowed_signers")
    assert [key.fingerprint for key in signers.keys_of(BOB)] == [added.fingerprint]


def test_a_passkey_that_may_not_is_told_as_a_line_to_add_by_hand(house: House) -> None:
    added = join(house, may_sign=False)

    line = AllowedSigners.parse(added.signers_line).lines[0]
    assert added.added_to is None
    assert not (house.workspace.root / "allowed_signers").exists()
    assert (line.patterns, line.key.fingerprint) == (BOB, added.fingerprint)
    assert line.permits("babysitter-approval")


def test_where_changes_need_signatures_the_answer_says_how_many(house: House) -> None:
    house.write_settings(SETTINGS + f'\n[signing.changes]\npeople = ["{ALICE}"]\nquorum = 1\n')
    house.workspace.policy_now()

    assert join(house, may_sign=True).needs_signatures == 1


def test_a_person_sees_and_ends_their_own_sessions_and_a_program_of_that_name_does_not(house: House) -> None:
    house.cookie_of(house.passkey_of(BOB))
    own = PeopleDesk(house.entrance, house.workspace, caller("approver", name=BOB))
    program = PeopleDesk(house.entrance, house.workspace, caller("agent", name=BOB, is_person=False))

    assert [view.method for view in own.sessions(BOB)] == ["passkey"]
    with pytest.raises(ForbiddenError):
        own.sessions(ALICE)
    with pytest.raises(ForbiddenError):
        program.sign_out_everywhere(BOB)
    assert own.sign_out_everywhere(BOB) == 1
    assert own.sessions(BOB) == []


def test_removing_nobody_is_told(house: House) -> None:
    with pytest.raises(NotFoundError):
        local_people(house.workspace).remove("nobody@example.com")
    house.token()
    with pytest.raises(NotFoundError):
        local_people(house.workspace).remove("")
    assert house.entrance.tokens.all()[0].revoked_ns is None


def test_the_runs_of_another_workspace_are_its_own_whatever_the_environment_says(
    two: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RUNS_DIR", str(tmp_path / "elsewhere"))

    places = served_places(two.workspace)

    assert [place.runs_dir for place in places] == [
        (tmp_path / name).resolve() for name in (".a5c/runs", "annex/.a5c/runs")
    ]


def test_a_workspace_that_is_named_and_not_there_is_told(house: House) -> None:
    house.write_settings(SETTINGS.replace("[server]", '[server]\nworkspaces = ["gone"]'))
    house.workspace.policy_now()

    with pytest.raises(UsageError, match="gone"):
        served_places(house.workspace)
