"""Who may sign as whom: OpenSSH's own file, so that stock ``ssh-keygen -Y verify`` reads it too.

    alice@example.com,bob@example.com namespaces="babysitter-approval" ssh-ed25519 AAAA… a comment
    *@example.com cert-authority,valid-before="20270101Z" ssh-ed25519 AAAA…

One line that can't be used makes the whole file unusable: ``ssh-keygen`` gives up at such a
line too, but only when it comes to it, and then an approval would count or not
depending on the order of lines.

Times without a ``Z`` are read as UTC. ``ssh-keygen`` takes them as local time of the machine that
it runs on, which makes an answer depend on where it is asked: write the ``Z``.

Beyond OpenSSH's rules: dates that no calendar has are refused instead of carried over; a
certificate in the place of a key is refused, since nothing would check its validity.

Source: ssh-keygen(1), "ALLOWED SIGNERS".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from babysitter.model.errors import SignatureError, SignersError, UsageError
from babysitter.signing.keys import ALGORITHMS, PublicKey, parse_public_line
from babysitter.signing.patterns import literal_names, matches

FILE_BYTES_MAX = 4 * 1024 * 1024
LINE_CHARS_MAX = 32 * 1024
_PATTERN_CHARS_MAX = 1022
"""OpenSSH gives up on a longer pattern, and then nothing matches."""
_PERSON_CHARS_MAX = 320
_QUOTED = re.compile(r'"([^"]*)"[ \t]*')
_BARE = re.compile(r'([^ \t"]+)[ \t]+')
# Inside quotes a backslash means something before a quote alone, as in OpenSSH; no text has two readings.
_INSIDE = r'(?:[^"\\]|\\"|\\(?!"))*'
_OPTIONS = re.compile(rf'((?:[^ \t"\\]|\\"|\\(?!")|"{_INSIDE}")+)[ \t]+')
_OPTION = re.compile(rf'([A-Za-z-]+)(?:="({_INSIDE})")?(?:,(?=.)|\Z)')
_TIME = re.compile(r"([0-9]{8})(?:([0-9]{4})([0-9]{2})?)?(?:Z|UTC)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerLine:
    """One line. ``patterns`` and ``namespaces``: comma-separated; ``namespaces`` None: any.

    number: of the line in its file. Times are seconds since 1970, both bounds included; None: no bound.
    """

    number: int
    patterns: str
    key: PublicKey
    cert_authority: bool = False
    namespaces: str | None = None
    valid_after_s: int | None = None
    valid_before_s: int | None = None
    comment: str = ""

    def names(self, principal: str) -> bool:
        """True when the line is about this person."""
        return matches(principal, self.patterns)

    def permits(self, namespace: str) -> bool:
        """True when the key may sign for this purpose."""
        return self.namespaces is None or matches(namespace, self.namespaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedSigners:
    """The lines of a file, in its order. ``file``: its name, for error texts."""

    file: str
    lines: tuple[SignerLine, ...]

    @classmethod
    def parse(cls, text: str | bytes, *, file: str = "allowed_signers") -> "AllowedSigners":
        """Return the signers of a file's text.

        Raises:
            SignersError: a line can't be used; ``facts`` has ``file`` and ``line``.
        """
        return cls(file=file, lines=tuple(_lines(_decoded(text, file), file)))

    def principals(self) -> tuple[str, ...]:
        """Return the people that lines name in full, in order, without repetition."""
        found = (name for line in self.lines for name in literal_names(line.patterns))
        return tuple(dict.fromkeys(found))

    def keys_of(self, principal: str) -> tuple[PublicKey, ...]:
        """Return the person's own keys, in order, without repetition; authorities are left out."""
        found = (line.key for line in self.lines if not line.cert_authority and line.names(principal))
        return tuple(dict.fromkeys(found))

    def authorities_of(self, principal: str) -> tuple[PublicKey, ...]:
        """Return the keys whose certificates may speak for the person."""
        found = (line.key for line in self.lines if line.cert_authority and line.names(principal))
        return tuple(dict.fromkeys(found))


def check_principal(name: str) -> None:
    """Return when a name can stand in a file of signers, and stands there for one person.

    Raises:
        UsageError: it can't.
    """
    if literal_names(name) != (name,) or not name.isprintable() or set(name) & set(' \t"#'):
        raise UsageError(
            f"{name[:200]!r} can't be a person's name in a file of signers.", hint="Use a mail address."
        )
    if len(name) > _PERSON_CHARS_MAX:
        raise UsageError(f"a name of {len(name)} characters is too long.", hint="Use a mail address.")


class _UnusableLineError(Exception):
    """What is wrong with a line, as the end of a sentence."""


def _decoded(text: str | bytes, file: str) -> str:
    if len(text) > FILE_BYTES_MAX:
        raise _unusable(file, 1, f"is in a file of more than {FILE_BYTES_MAX} bytes")
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as bad:
        raise _unusable(file, text.count(b"\n", 0, bad.start) + 1, "is not UTF-8") from None


def _lines(text: str, file: str) -> Iterator[SignerLine]:
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        try:
            yield _line(number, stripped)
        except _UnusableLineError as bad:
            raise _unusable(file, number, str(bad)) from None
        except SignatureError as bad:
            raise _unusable(file, number, f"has an unusable key: {bad.message}") from None


def _line(number: int, line: str) -> SignerLine:
    if len(line) > LINE_CHARS_MAX or not line.replace("\t", " ").isprintable():
        raise _UnusableLineError(f"is longer than {LINE_CHARS_MAX} characters or holds control characters")
    match = _QUOTED.match(line) or _BARE.match(line)
    if match is None:
        raise _UnusableLineError("has no key behind its principals")
    patterns, rest = match.group(1), line[match.end() :]
    if not patterns or any(len(part) > _PATTERN_CHARS_MAX for part in patterns.split(",")):
        raise _UnusableLineError("has no principals, or a too long one")
    options: dict[str, str] = {}
    # OpenSSH takes the words as options when they are no key; a key's type is never an option.
    if rest.split(maxsplit=1)[:1] and rest.split(maxsplit=1)[0] not in ALGORITHMS:
        options, rest = _options(rest)
    words = rest.split(maxsplit=2)
    after_s, before_s = (_time(options, name) for name in ("valid-after", "valid-before"))
    if after_s is not None and before_s is not None and before_s <= after_s:
        raise _UnusableLineError("ends to be valid before it begins to be")
    return SignerLine(
        number=number,
        patterns=patterns,
        key=parse_public_line(rest),
        cert_authority="cert-authority" in options,
        namespaces=options.get("namespaces"),
        valid_after_s=after_s,
        valid_before_s=before_s,
        comment=words[2].strip() if len(words) > 2 else "",
    )


def _options(rest: str) -> tuple[dict[str, str], str]:
    """Return the options by name, and what stands behind them."""
    match = _OPTIONS.match(rest)
    if match is None:
        raise _UnusableLineError("has options with an open quote, or no key behind them")
    found: dict[str, str] = {}
    text, at = match.group(1), 0
    while at < len(text):
        option = _OPTION.match(text, at)
        if option is None:
            raise _UnusableLineError(f"has options that can't be read: {text[at : at + 40]!r}")
        name, value = option.group(1).lower(), option.group(2)
        wants_value = name in {"namespaces", "valid-after", "valid-before"}
        if not wants_value and name != "cert-authority":
            raise _UnusableLineError(f"has an unknown option or key type {name[:40]!r}")
        if wants_value != (value is not None) or (wants_value and name in found):
            raise _UnusableLineError(
                f"has option {name!r} twice, or with a value where none belongs, or without"
            )
        found[name] = (value or "").replace('\\"', '"')
        at = option.end()
    return found, rest[match.end() :]


def _time(options: dict[str, str], name: str) -> int | None:
    """Return the seconds since 1970 of a time option, or None when it is not there."""
    text = options.get(name)
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        digits = match.group(1) + (match.group(2) or "0000") + (match.group(3) or "00")
        seconds = int(datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        wanted = "YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ"
        raise _UnusableLineError(f"has {name} {text[:40]!r}, where {wanted} belongs") from None
    if seconds <= 0:
        raise _UnusableLineError(f"has {name} {text!r}, before 1970")
    return seconds


def _unusable(file: str, number: int, what: str) -> SignersError:
    return SignersError(
        f"{file}, line {number}: the line {what}.",
        hint="Correct or remove the line: 'PRINCIPALS [OPTIONS] TYPE KEY', see ssh-keygen(1).",
        file=file,
        line=number,
    )
