"""A door that knows the callers of a list, for tests of what lies behind it."""

from collections import Counter
from collections.abc import Mapping

from babysitter.access.roles import Caller
from babysitter.model.errors import CredentialError


class ListedDoor:
    """See access.door.Door. ``callers``: by token and by cookie alike; taking one out revokes it.

    uses: how often each cookie was used, looks that were none left out.
    """

    def __init__(self, callers: Mapping[str, Caller]) -> None:
        self.callers = dict(callers)
        self.uses: Counter[str] = Counter()

    def by_token(self, token: str) -> Caller:
        """See Door."""
        return self._known(token)

    def by_session(self, cookie: str, *, is_use: bool = True) -> Caller:
        """See Door."""
        self.uses[cookie] += is_use
        return self._known(cookie)

    def _known(self, secret: str) -> Caller:
        if secret not in self.callers:
            raise CredentialError("the credential counts no more, or never did.", hint="Sign in again.")
        return self.callers[secret]
