"""Roles and what they may do: refused unless a row says otherwise, and as the reference page has it."""

import re
from pathlib import Path

import pytest

from babysitter.access.roles import ACTIONS, PEOPLE_ONLY, ROLES, Caller, Role

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "roles.md"


def caller(role: Role, *, is_person: bool = True, scopes: frozenset[str] | None = None) -> Caller:
    """Return somebody who holds one role in the workspace ``here``."""
    roles = {"here": frozenset({role})}
    return Caller(
        name="ada", is_person=is_person, roles=roles, method="token", credential="t1", scopes=scopes
    )


@pytest.mark.promise("G25")
def test_only_approvers_answer_and_only_when_they_are_people() -> None:
    may = {role for role in ROLES if caller(role).may("breakpoint.answer", "here")}

    assert may == {"approver"}
    assert not caller("approver", is_person=False).may("breakpoint.answer", "here")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.promise("G19")
def test_a_role_counts_in_its_own_workspace_alone(role: Role) -> None:
    assert not any(caller(role).may(action, "elsewhere") for action in ACTIONS)
    assert caller(role).knows("here")
    assert not caller(role).knows("elsewhere")


@pytest.mark.parametrize("role", ROLES)
def test_an_action_without_a_row_is_allowed_to_nobody(role: Role) -> None:
    assert not caller(role).may("run.erase", "here")


@pytest.mark.parametrize("role", ROLES)
def test_scopes_only_ever_take_away(role: Role) -> None:
    limited = caller(role, scopes=frozenset({"run.read"}))

    allowed = {action for action in ACTIONS if limited.may(action, "here")}

    assert allowed == {"run.read"}


def test_what_is_for_people_only_is_refused_to_every_program() -> None:
    assert not any(
        caller(role, is_person=False).may(action, "here") for role in ROLES for action in PEOPLE_ONLY
    )


def test_the_reference_page_has_the_table() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \|(.*)\|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    table = {
        action: frozenset(
            role for role, cell in zip(ROLES, cells.split("|")[1:], strict=True) if cell.strip() == "yes"
        )
        for action, cells in rows
    }

    assert table == dict(ACTIONS)
