"""Which category a test is of: its marker says it, else its name, else its path.

The nearest word wins and no other is asked: a marked test is what its marker says, however it is called.
A name is read as words (``test_loginRefused`` is test, login, refused), so that *author* is no *auth*.
"""

import re
from collections.abc import Iterable, Sequence

from babysitter.model.rules import SecurityTest
from babysitter.model.security_tests import CATEGORIES, Told

MARKERS: dict[str, SecurityTest] = {
    "authentication": "authentication",
    "authn": "authentication",
    "authorization": "authorization",
    "authorisation": "authorization",
    "authz": "authorization",
    "input-validation": "input-validation",
    "input": "input-validation",
    "validation": "input-validation",
    "error-handling": "error-handling",
    "errors": "error-handling",
}
"""``@pytest.mark.security("authn")``, ``@pytest.mark.authn``, and in any test's name ``@security:authn``."""

_WORDS: dict[SecurityTest, str] = {
    "authentication": (
        "authn authenticat* unauthenticated login logout logon signin signout password* credential* session* "
        "mfa otp totp 2fa passkey* jwt token* 401"
    ),
    "authorization": (
        "authz authoriz* authoris* unauthoriz* unauthoris* permission* permitted forbidden role roles access "
        "owner owners ownership privilege* idor admin admins acl rbac tenant tenants 403"
    ),
    "input-validation": (
        "validat* invalid sanitiz* sanitis* inject* sqli xss csrf ssrf escape* escaping malformed traversal "
        "payload* oversized untrusted hostile quoted fuzz"
    ),
    "error-handling": (
        "error* exception* fail fails failed failure* crash* timeout* unavailable fallback recover* "
        "stacktrace traceback raises throws 500 503"
    ),
}
"""Words of names and paths; ``*``: whatever follows."""
_IN_NAME = re.compile(r"@security:([a-z-]+)")
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PAIRS = re.compile(r"\b(log|sign) (in|out|on|off)\b")


def of_marker(name: str) -> SecurityTest | None:
    """Return the category that a marker's word names."""
    return MARKERS.get(name.strip().lower().replace("_", "-").replace(" ", "-"))


def categories_of(
    markers: Iterable[tuple[str, Sequence[str]]], names: Sequence[str], path: str
) -> tuple[tuple[SecurityTest, ...], Told] | None:
    """Return the categories of a test and what tells them; None when it is no security test.

    Args:
        markers: name and arguments of each marker.
        names: of the test and of what it stands in, outermost first.
        path: of its file.

    Raises:
        ValueError: a marker of security names a category that there is not.
    """
    marked = [word for name, words in markers for word in _marked(name, words)]
    marked += [word for name in names for word in _IN_NAME.findall(name)]
    if marked:
        return _ordered(_known(word) for word in marked), "marker"
    for texts, told in ((list(names), "name"), (path.split("/"), "path")):
        found = _ordered(name for name in CATEGORIES if any(_tells(name, text) for text in texts))
        if found:
            return found, "name" if told == "name" else "path"
    return None


def _marked(name: str, words: Sequence[str]) -> list[str]:
    if name == "security":
        return list(words)
    return [name] if of_marker(name) is not None and name not in ("input", "validation", "errors") else []


def _known(word: str) -> SecurityTest:
    category = of_marker(word)
    if category is None:
        raise ValueError(f"{word!r} is no category of security tests; known are {', '.join(CATEGORIES)}")
    return category


def _ordered(names: Iterable[SecurityTest]) -> tuple[SecurityTest, ...]:
    found = set(names)
    return tuple(name for name in CATEGORIES if name in found)


def _tells(category: SecurityTest, text: str) -> bool:
    words = _PAIRS.sub(r"\1\2", " ".join(part.lower() for part in _SPLIT.split(text) if part)).split(" ")
    return any(_is(word, known) for known in _WORDS[category].split() for word in words)


def _is(word: str, known: str) -> bool:
    return word.startswith(known[:-1]) if known.endswith("*") else word == known
