"""The rules that a workspace's settings say, checked as a whole."""

from babysitter.config import Place, team_texts
from babysitter.model.rules import Policy
from babysitter.policy.rules import make_policy


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
