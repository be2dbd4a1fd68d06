"""The rules that a workspace's settings say, checked as a whole."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

from babysitter.config import Place, load_place, team_texts
from babysitter.model.rules import Policy
from babysitter.policy.rules import make_policy

if TYPE_CHECKING:
    from babysitter.service.logbook import Logbook


def policy_of(place: Place) -> Policy:
    """Return the rules that a workspace's settings say.

    Raises:
        SettingsError: they contradict themselves.
    """
    settings = place.settings
    return make_policy(
        rules=settings.approvals,
        roles=settings.roles,
        people=settings.people,
        auto_approve=settings.auto_approve,
        cedar=team_texts(place.root, settings.policy.cedar, "[policy] cedar"),
        signing=settings.signing,
    )


def rules_taken_in(place: Place, logbook: "Logbook | None") -> tuple[Policy, Place]:
    """Return what the settings say now; the log, where there is one, is told before anybody decides by it.

    Raises:
        SettingsError: they are wrong.
    """
    # With the log in hand: of two who tell of rules, the later has read the newer file.
    with logbook.log.alone() if logbook is not None else nullcontext():
        fresh = load_place(place.root, runs_dir=str(place.runs_dir))
        policy = policy_of(fresh)
        if logbook is not None:
            logbook.tell_policy(policy)
    return policy, fresh
