"""Tokens, as use cases: make one, list them, revoke one.

Nobody makes a token that can do more than they may hand out: an admin of one workspace none for
another, and a person's token nobody but that person, or the account that holds the files. A token that
is limited to scopes makes none that is less so.
"""

import re
from dataclasses import dataclass

from msgspec import Struct

from babysitter.access.entrance import Entrance
from babysitter.access.roles import ACTIONS, PEOPLE_ONLY, ROLES, Role
from babysitter.access.tokens import DAY_S, LASTS_DAYS, LASTS_DAYS_MAX, Kind, Token, Wish
from babysitter.model.clock import format_time
from babysitter.model.errors import ForbiddenError, NotFoundError, UsageError
from babysitter.model.rules import duration_s
from babysitter.service.access.acting import Actor, LocalAccount, require, require_somewhere, require_within
from babysitter.service.views import View
from babysitter.signing.allowed_signers import check_principal

ALL = "all"
KINDS: tuple[Kind, ...] = ("agent", "human", "auditor", "admin")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")


class TokenView(View, frozen=True, kw_only=True):
    """A token without its text. ``state``: valid, expired or revoked. ``scopes`` None: not limited.

    workspaces: ids, or ``all``. Times are RFC 3339; None: never.
    """

    id: str
    kind: str
    name: str
    person: str | None
    method: str
    workspaces: tuple[str, ...]
    scopes: tuple[str, ...] | None
    state: str
    created_at: str
    created_by: str
    expires_at: str
    revoked_at: str | None
    last_used_at: str | None


class MadeToken(View, frozen=True, kw_only=True):
    """A new token. ``text`` is the token itself: shown now, and never again."""

    token: TokenView
    text: str


class TokenWish(Struct, frozen=True, kw_only=True):
    """What is asked for. ``expires``: as ``30d``. ``workspaces``: ids, or ``all``. ``scopes``: actions."""

    kind: str
    name: str
    person: str = ""
    workspaces: tuple[str, ...] = (ALL,)
    scopes: tuple[str, ...] = ()
    expires: str = f"{LASTS_DAYS}d"


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Use cases on the tokens of one server, for one who asks."""

    entrance: Entrance
    actor: Actor

    def create(self, wish: TokenWish) -> MadeToken:
        """Make a token.

        Raises:
            UsageError: what is asked for makes no sense: an unknown kind, scope or workspace, no person.
            ForbiddenError: the actor may not hand out so much.
        """
        require_somewhere(self.actor, "token.manage", self.entrance.grants)
        checked = self._checked(wish)
        require(self.actor, "token.manage", checked.workspaces or self.entrance.grants.workspaces)
        require_within(self.actor, checked.scopes)
        if checked.kind == "human" and self.actor.name != checked.person and not self._is_local:
            raise ForbiddenError(
                f"a token of {checked.person} is for {checked.person} to make.",
                hint="They get one with: babysitter login; or make it at the server's own terminal.",
            )
        token, text = self.entrance.tokens.make(checked)
        return MadeToken(token=self._view(token), text=text)

    def tokens(self) -> list[TokenView]:
        """Return the tokens that the actor may manage, newest first.

        Raises:
            ForbiddenError: they may manage none.
        """
        require_somewhere(self.actor, "token.manage", self.entrance.grants)
        return [self._view(token) for token in self.entrance.tokens.all() if self._manages(token)]

    def revoke(self, token_id: str) -> TokenView:
        """Have a token count no more. ``token_id``: its id, or a unique beginning of it.

        Raises:
            NotFoundError: the actor knows no such token, or several.
            ForbiddenError: the actor may manage none.
        """
        known = [view.id for view in self.tokens() if token_id and view.id.startswith(token_id)]
        if len(known) != 1:
            raise NotFoundError(
                f"{token_id[:64]!r} begins the ids of {len(known)} tokens.", hint="See: babysitter token list"
            )
        return self._view(self.entrance.tokens.revoke(known[0], self.actor.name))

    @property
    def _is_local(self) -> bool:
        return isinstance(self.actor, LocalAccount)

    def _manages(self, token: Token) -> bool:
        """Tell whether the actor may manage a token: in every workspace where it counts."""
        names = token.workspaces or self.entrance.grants.workspaces
        return self._is_local or all(self.actor.may("token.manage", name) for name in names)

    def _checked(self, wish: TokenWish) -> Wish:
        kind = next((each for each in KINDS if each == wish.kind), None)
        if kind is None:
            raise UsageError(f"{wish.kind[:40]!r} is no kind of token.", hint=f"Known: {', '.join(KINDS)}.")
        if not _NAME.fullmatch(wish.name):
            raise UsageError("a token's name has 1 to 100 characters.", hint="Say what it is for.")
        if (kind == "human") != bool(wish.person):
            raise UsageError("a human token, and no other, is a person's.", hint="Give --person with human.")
        if wish.person:
            check_principal(wish.person)
        return Wish(
            kind=kind,
            name=wish.name,
            made_by=self.actor.name,
            lasts_s=lasting_s(wish.expires),
            person=wish.person,
            workspaces=self._workspaces(wish.workspaces),
            scopes=_scopes(wish.scopes, kind) if wish.scopes else None,
        )

    def _workspaces(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        known = self.entrance.grants.workspaces
        if names == (ALL,):
            return None
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            theirs = [name for name in known if self.actor.may("token.manage", name)]
            raise UsageError(
                f"{', '.join(unknown) or 'nothing'} is no workspace that is served here.",
                hint=f"Served: {', '.join(theirs)}; or all of them: {ALL}.",
            )
        return tuple(dict.fromkeys(names))

    def _view(self, token: Token) -> TokenView:
        return TokenView(
            id=token.id,
            kind=token.kind,
            name=token.name,
            person=token.person or None,
            method=token.method,
            workspaces=(ALL,) if token.workspaces is None else token.workspaces,
            scopes=token.scopes,
            state=token.state(self.entrance.storage.now_ns()),
            created_at=format_time(token.created_ns),
            created_by=token.created_by,
            expires_at=format_time(token.expires_ns),
            revoked_at=time_or_none(token.revoked_ns),
            last_used_at=time_or_none(token.used_ns),
        )


def lasting_s(text: str) -> int:
    """Return the seconds of ``30d``, which are at least one and at most a year.

    Raises:
        UsageError: it is no such time.
    """
    seconds = int(duration_s(text) or 0) if re.fullmatch(r"[1-9][0-9]{0,6}[smhd]", text) else 0
    if not 0 < seconds <= LASTS_DAYS_MAX * DAY_S:
        raise UsageError(
            f"{text[:40]!r} is no time that a token may last.",
            hint=f"Write 12h, 30d, at most {LASTS_DAYS_MAX}d.",
        )
    return seconds


def time_or_none(time_ns: int | None) -> str | None:
    """Return a time as RFC 3339, or None for never."""
    return None if time_ns is None else format_time(time_ns)


def _scopes(names: tuple[str, ...], kind: Kind) -> tuple[str, ...]:
    """Return the scopes; one that a token of this kind could never use is a mistake, and told."""
    roles: frozenset[Role] = frozenset(ROLES) - {"agent"} if kind == "human" else frozenset({kind})
    useful = [
        action
        for action, allowed in ACTIONS.items()
        if allowed & roles and (kind == "human" or action not in PEOPLE_ONLY)
    ]
    wrong = [name for name in names if name not in useful]
    if wrong:
        raise UsageError(
            f"a token of kind {kind} can't have the scope {', '.join(wrong)[:200]}.",
            hint=f"It can have: {', '.join(useful)}.",
        )
    return tuple(dict.fromkeys(names))
