"""Who gets in to the server of this workspace: the database, unused tokens, tokens that end (G19)."""

from babysitter.access.entrance import Entrance
from babysitter.access.tokens import DAY_S, Token
from babysitter.model.clock import format_time
from babysitter.model.errors import AccessStoreError
from babysitter.service.access.opening import entrance_of
from babysitter.service.doctor.check import Check, Result, count, not_applicable, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings

IDLE_DAYS = 60
SOON_DAYS = 14
_NOBODY_YET = "nobody was let in to a server here: there are no tokens, passkeys or sessions"


def who_gets_in_can_be_read(here: Surroundings) -> Result:
    """Look whether the database of tokens and sessions is whole, and has its key."""
    entrance = entrance_of(here.wired)
    if not entrance.storage.database.is_there:
        return not_applicable(_NOBODY_YET)
    try:
        with entrance.storage.database.reading():
            pass
    except AccessStoreError as error:
        return problem(
            error.message,
            fix=error.hint,
            command="ls -la .a5c/server",
            places=(here.shown(entrance.storage.database.path),),
        )
    finally:
        entrance.storage.database.close()
    return ok("the database of tokens and sessions is whole, and its key is beside it")


def tokens_are_used(here: Surroundings) -> Result:
    """Look for tokens that count and that nobody has used for long."""
    tokens = _valid(here)
    if tokens is None:
        return not_applicable(_NOBODY_YET)
    before_ns = (here.now_s - IDLE_DAYS * DAY_S) * 1_000_000_000
    idle = [token for token in tokens if (token.used_ns or token.created_ns) < before_ns]
    if not idle:
        return ok(f"{count(len(tokens), 'token')} that count, each used within {IDLE_DAYS} days or newer")
    return problem(
        f"nobody has used for {IDLE_DAYS} days: {some([_told(token) for token in idle])}",
        fix="Revoke what nobody needs.",
        command="; ".join(f"babysitter token revoke {token.id}" for token in idle[:3]),
    )


def tokens_last(here: Surroundings) -> Result:
    """Look for tokens that are in use and end soon."""
    tokens = _valid(here)
    if tokens is None:
        return not_applicable(_NOBODY_YET)
    soon_ns = (here.now_s + SOON_DAYS * DAY_S) * 1_000_000_000
    # A login from a terminal is meant to last half a day.
    ending = [
        token for token in tokens if token.expires_ns < soon_ns and token.method == "token" and token.used_ns
    ]
    if not ending:
        return ok(f"no token that is in use ends within {SOON_DAYS} days")
    names = [f"{_told(token)} on {format_time(token.expires_ns)[:10]}" for token in ending]
    return problem(
        f"ends within {SOON_DAYS} days: {some(names)}",
        fix="Make another one, give it to who uses this one, then revoke this one.",
        command="babysitter token list",
    )


def _valid(here: Surroundings) -> list[Token] | None:
    """Return the tokens that count now; None where nobody was ever let in."""
    entrance: Entrance = entrance_of(here.wired)
    if not entrance.storage.database.is_there:
        return None
    now_ns = here.clock.now_ns()
    try:
        return [token for token in entrance.tokens.all() if token.state(now_ns) == "valid"]
    finally:
        entrance.storage.database.close()


def _told(token: Token) -> str:
    return f"{token.id} ({token.kind} {token.name})"


CHECKS = (
    Check(
        id="D19-who-gets-in",
        title="what says who gets in is whole",
        promise="G19",
        severity="high",
        why="nobody gets in by a database that can't be read.",
        look=who_gets_in_can_be_read,
    ),
    Check(
        id="D19-idle-tokens",
        title="every token that counts is used",
        promise="G19",
        severity="low",
        why="a token that nobody needs is one that nobody misses when it is stolen.",
        look=tokens_are_used,
    ),
    Check(
        id="D19-ending-tokens",
        title="no token in use ends soon",
        promise="G19",
        severity="low",
        why="from that day on the program that uses it is refused.",
        look=tokens_last,
    ),
)
