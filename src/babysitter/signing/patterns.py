"""Patterns of names as OpenSSH has them: ``*``, ``?`` and, in lists, ``!``.

Matched byte by byte, like there: ``?`` is one byte, case counts, a negated pattern that
matches says no whatever else matches. Time is bounded by the product of the lengths.

Source: ssh_config(5), "PATTERNS"; ssh-keygen(1), "ALLOWED SIGNERS".
"""


def matches(name: str, patterns: str) -> bool:
    """True when the comma-separated patterns match the name and no negated one does."""
    found = False
    for pattern in patterns.split(","):
        negated = pattern.startswith("!")
        if _matches_one(name.encode(), pattern.removeprefix("!").encode()):
            if negated:
                return False
            found = True
    return found


def literal_names(patterns: str) -> tuple[str, ...]:
    """Return the names that the patterns spell out: those without ``*``, ``?`` and ``!``."""
    return tuple(
        pattern for pattern in patterns.split(",") if pattern and not any(char in pattern for char in "*?!")
    )


def _matches_one(name: bytes, pattern: bytes) -> bool:
    at, place = 0, 0
    star, resumed_at = -1, 0
    while at < len(name):
        if place < len(pattern) and pattern[place : place + 1] == b"*":
            star, resumed_at = place, at
            place += 1
        elif place < len(pattern) and pattern[place : place + 1] in (b"?", name[at : at + 1]):
            at += 1
            place += 1
        elif star >= 0:
            # Let the last star take one byte more; earlier stars never need to change.
            resumed_at += 1
            at, place = resumed_at, star + 1
        else:
            return False
    return not pattern[place:].strip(b"*")
