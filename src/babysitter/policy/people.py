"""Who is who: a person under any of their names, and in whose seat somebody may answer."""

from collections.abc import Iterable

from babysitter.model.clock import parse_time
from babysitter.model.rules import Delegate, Policy, Rule


class Identities:
    """The people of the settings with their local accounts. A name that is nobody's stands for itself."""

    def __init__(self, policy: Policy) -> None:
        self._owner = {account: name for name, each in policy.people.items() for account in each.accounts}

    def person(self, name: str) -> str:
        """Return the person that a name or a local account is of."""
        return self._owner.get(name, name)

    def is_author(self, name: str, authors: Iterable[str]) -> bool:
        """Tell whether somebody is an author of a run, under whatever name either of them stands."""
        return self.person(name) in {self.person(author) for author in authors}


def delegation(rule: Rule, vote_from: str | None, person: str, at_ns: int) -> Delegate | None:
    """Return the delegation by which a person may answer in another's seat at a time; None without one."""
    for each in rule.delegates:
        begins_ns = parse_time(each.since) if each.since else 0
        if each.from_ == vote_from and each.to == person and begins_ns <= at_ns < parse_time(each.until):
            return each
    return None
