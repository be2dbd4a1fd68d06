"""Who holds which role: as the settings of each workspace say at this moment, and nobody by default."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from babysitter.access.grants import Grants, Membership, roles_in
from babysitter.access.roles import ROLES
from babysitter.config import Place, load_place, parse_settings
from babysitter.model.errors import SettingsError
from tests.unit.access.building import ALICE, BOB, EVE

pytestmark = pytest.mark.promise("G19")
ISSUER = "https://id.example.com"
OIDC = f"""
[server.oidc]
issuer = "{ISSUER}"
client_id = "babysitter"
[server.oidc.groups]
ops = ["operators", "viewers"]
"""


def place(root: Path, text: str = "", *, user: str = "root") -> Place:
    root.mkdir(exist_ok=True)
    (root / "babysitter.toml").write_text(text)
    return replace(load_place(root), user=user)


def roles(text: str, person: str, membership: Membership | None = None) -> frozenset[str]:
    there = Place(
        root=Path("/x"), runs_dir=Path("/x/r"), settings=parse_settings(text), user="root", host="h"
    )
    return roles_in(there, person, membership or Membership())


def test_without_access_the_server_s_account_has_every_role_of_people_and_nobody_else_any() -> None:
    assert roles("", "root") == set(ROLES) - {"agent"}
    assert roles("", ALICE) == frozenset()
    assert roles("", "") == frozenset()


def test_whom_a_provider_calls_like_the_server_s_account_is_not_the_account() -> None:
    """At many providers people choose that name themselves, and roles come by groups alone."""
    ours = Membership(issuer=ISSUER, groups=("ops",))

    assert roles(OIDC, "root", ours) == {"operator", "viewer"}
    assert roles(OIDC, "root", Membership(issuer=ISSUER)) == frozenset()


def test_with_access_the_server_s_account_has_what_it_says() -> None:
    assert roles(f'[access]\nviewers = ["{ALICE}"]', "root") == frozenset()


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("viewers", "viewer"),
        ("approvers", "approver"),
        ("operators", "operator"),
        ("auditors", "auditor"),
        ("admins", "admin"),
    ],
)
def test_each_key_gives_its_role_to_people_and_to_members_of_roles(key: str, role: str) -> None:
    text = f'[roles]\nteam = ["{BOB}"]\n[access]\n{key} = ["{ALICE}", "team"]'

    assert roles(text, ALICE) == roles(text, BOB) == {role}
    assert roles(text, EVE) == frozenset()


def test_a_name_that_is_a_role_is_not_a_person_as_well() -> None:
    """Somebody whom an identity provider calls like one of our roles does not get what its members have."""
    text = f'[roles]\nteam = ["{BOB}"]\n[access]\nadmins = ["team"]'

    assert roles(text, "team") == frozenset()


def test_groups_count_where_the_settings_name_their_provider() -> None:
    ours, theirs = (Membership(issuer=name, groups=("ops",)) for name in (ISSUER, "https://other.example"))

    assert roles(OIDC, ALICE, ours) == {"operator", "viewer"}
    assert roles(OIDC, ALICE, theirs) == frozenset()
    assert roles("", ALICE, ours) == frozenset()
    assert roles(OIDC, ALICE, Membership(groups=("ops",))) == frozenset()


@pytest.mark.parametrize("key", ["agents", "operator", "everything"])
def test_a_group_that_gives_what_is_no_key_of_access_is_told_in_its_line(key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        parse_settings(OIDC + f'bad = ["{key}"]\n')


def test_a_group_that_the_settings_do_not_know_gives_nothing() -> None:
    assert roles(OIDC, ALICE, Membership(issuer=ISSUER, groups=("unknown",))) == frozenset()


def test_each_workspace_speaks_for_itself(tmp_path: Path) -> None:
    grants = Grants(
        [
            place(tmp_path / "a", f'[access]\nadmins = ["{ALICE}"]'),
            place(tmp_path / "b", f'[access]\nviewers = ["{ALICE}", "{BOB}"]'),
        ]
    )

    assert grants.roles_of(ALICE) == {"a": {"admin"}, "b": {"viewer"}}
    assert grants.roles_of(BOB) == {"b": {"viewer"}}
    assert grants.roles_of("root") == {}


def test_a_change_of_the_file_counts_at_the_next_question(tmp_path: Path) -> None:
    grants = Grants([place(tmp_path / "a", f'[access]\nadmins = ["{ALICE}"]')])
    (tmp_path / "a" / "babysitter.toml").write_text(f'[access]\nviewers = ["{BOB}"]')

    assert grants.roles_of(ALICE) == {}
    assert grants.roles_of(BOB) == {"a": {"viewer"}}


def test_where_the_settings_are_wrong_nobody_holds_a_role_until_they_are_mended(tmp_path: Path) -> None:
    grants = Grants([place(tmp_path / "a", f'[access]\nadmins = ["{ALICE}"]'), place(tmp_path / "b")])
    (tmp_path / "a" / "babysitter.toml").write_text("[access]\nadminz = []")

    assert grants.roles_of(ALICE) == {}
    assert "adminz" in grants.problems()["a"]
    assert grants.roles_of("root") == {"b": set(ROLES) - {"agent"}}
    (tmp_path / "a" / "babysitter.toml").write_text(f'[access]\nadmins = ["{ALICE}", "{BOB}"]')
    assert grants.roles_of(ALICE) == {"a": {"admin"}}
    assert grants.problems() == {}


def test_a_settings_file_that_is_removed_leaves_the_account_alone_with_its_roles(tmp_path: Path) -> None:
    grants = Grants([place(tmp_path / "a", f'[access]\nadmins = ["{ALICE}"]')])
    (tmp_path / "a" / "babysitter.toml").unlink()

    assert grants.roles_of(ALICE) == {}


def test_two_workspaces_of_one_id_are_not_served(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="one id"):
        Grants([place(tmp_path / "a", '[workspace]\nid = "x"'), place(tmp_path / "x")])
