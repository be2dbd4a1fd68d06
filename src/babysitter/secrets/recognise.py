"""Which environment variables hold a secret, told by their names alone.

Errs on the side of masking: a name with a word such as TOKEN, PASSWORD or KEY
counts, unless its last word says that it holds something about the secret (a
file, a lifetime) and not the secret. Settings may name further variables; those
are declared, not recognised. The words: docs/reference/secrets.md.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from babysitter.secrets.forms import CHARS_MIN

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS: Final = frozenset({
    "APIKEY", "APITOKEN", "AUTHTOKEN", "BEARER", "COOKIE", "CREDENTIAL", "CREDENTIALS", "CREDS", "DSN",
    "HMAC", "JWT", "KEY", "KEYS", "PASS", "PASSCODE", "PASSPHRASE", "PASSWD", "PASSWORD", "PASSWORDS",
    "PASSWORT", "PAT", "PRIVATE", "PW", "SALT", "SECRET", "SECRETS", "SIGNATURE", "TOKEN", "TOKENS",
})  # fmt: skip
_SECRET_PARTS: Final = ("PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "CREDENTIAL", "TOKEN", "APIKEY")
"""Found inside a word too, as in PGPASSWORD and GITHUBTOKEN."""
_SECRET_PAIRS: Final = frozenset({
    ("CONNECTION", "STRING"), ("CONN", "STR"), ("DATABASE", "URL"), ("DB", "URL"), ("DB", "URI"),
    ("REDIS", "URL"), ("MONGO", "URI"), ("MONGODB", "URI"), ("AMQP", "URL"), ("BROKER", "URL"),
    ("POSTGRES", "URL"), ("MYSQL", "URL"), ("WEBHOOK", "URL"), ("MYSQL", "PWD"), ("BASIC", "AUTH"),
})  # fmt: skip
_ABOUT_WORDS: Final = frozenset({
    "ALGORITHM", "COUNT", "DAYS", "DIR", "DIRECTORY", "ENABLED", "EXPIRES", "EXPIRY", "FILE", "FILENAME",
    "HOURS", "LENGTH", "LIFETIME", "LIMIT", "MAX", "MIN", "MINUTES", "NAME", "PATH", "POLICY", "REQUIRED",
    "SECONDS", "SIZE", "SOCK", "TIMEOUT", "TTL", "TYPE",
})  # fmt: skip


def looks_secret(name: str) -> bool:
    """True when a variable of that name is taken to hold a secret."""
    words = [word.upper() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT_WORDS:
        return False
    if any(word in _SECRET_WORDS or any(part in word for part in _SECRET_PARTS) for word in words):
        return True
    return any(pair in _SECRET_PAIRS for pair in pairwise(words))


def recognised_names(environ: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return, sorted, the variables to declare, and those that look secret but can't be masked.

    The second kind is too short, or no UTF-8 text; whoever calls warns of them, by name. Empty ones are
    neither.
    """
    names: list[str] = []
    skipped: list[str] = []
    for name in sorted(environ):
        if environ[name] and looks_secret(name):
            (names if _is_maskable(environ[name]) else skipped).append(name)
    return tuple(names), tuple(skipped)


def _is_maskable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return len(value) >= CHARS_MIN
