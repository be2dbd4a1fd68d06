"""The little language in which the pack writes a token's form, as a regular expression.

``ghp_{62:30}{crc62}``: text for itself; ``{alphabet:n}``, ``{alphabet:n-m}``, ``{alphabet:n-}``,
``{alphabet:n,m}`` for that
many characters; ``{uuid}``; ``{crc62}`` for six characters of a checksum; ``(a|b)`` for one of several texts.

Invariants, each with a test in tests/unit/secrets/detection/test_formats.py:
    - a token made from a format by chance is found by the format's expression, whole;
    - the character after a match never belongs to the alphabet that the format ends with.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

ALPHABETS: Final = {
    "hex": "0-9a-f", "HEX": "0-9A-F", "Hex": "0-9a-fA-F", "d": "0-9", "A": "A-Z", "an": "a-z0-9",
    "AN": "A-Z0-9",
    "an-": "a-z0-9-", "62": "0-9A-Za-z", "62pct": "0-9A-Za-z%", "url": "0-9A-Za-z_-", "urlu": "0-9A-Za-z_-",
    "urlp": "0-9A-Za-z_=-", "urld": "0-9A-Za-z_.=-", "urlds": "0-9A-Za-z_.=-", "urle": "0-9A-Za-z_=-",
    "urlpct": "0-9A-Za-z_%=-", "b64": "0-9A-Za-z+/", "b64p": "0-9A-Za-z+/=_-", "b64pct": "0-9A-Za-z+/%=_-",
    "b32": "A-Z2-7", "a32": "a-z2-7", "b58": "1-9A-HJ-NP-Za-km-z", "BECH": "02-9AC-HJ-NP-Z",
    "az": "0-9A-Za-z_~.-",
    "query": "0-9A-Za-z_?&=%/.+-", "ascii": "!#-&(-;=?-_a-~", "sym": "*#=$",
}  # fmt: skip
"""Name to the inside of a character class."""

UUID_FORM: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
OPEN_END: Final = 300
"""A longer range has no end: a bound that large costs more than it says."""

_GATE_CHARS: Final = 16
_TELLING: Final = 4

_PIECE: Final = re.compile(r"\{([^{}:]+)(?::([0-9]+)(?:([-,])([0-9]*))?)?\}|\(([^()]*)\)|([^{}()]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One part of a format: a text, one of several texts, or so many characters of an alphabet."""

    kind: Literal["text", "choice", "chars", "uuid", "crc62"]
    texts: tuple[str, ...] = ()
    alphabet: str = ""
    least: int = 0
    most: int = 0
    only: tuple[int, ...] = ()


def pieces_of(form: str) -> Iterator[Piece]:
    """Yield the parts of a format.

    Raises:
        ValueError: it is none.
    """
    position = 0
    for match in _PIECE.finditer(form):
        if match.start() != position:
            break
        position = match.end()
        name, least, mark, most, choice, text = match.groups()
        if text is not None:
            yield Piece(kind="text", texts=(text,))
        elif choice is not None:
            yield Piece(kind="choice", texts=tuple(choice.split("|")))
        elif name in ("uuid", "crc62"):
            yield Piece(kind="uuid" if name == "uuid" else "crc62")
        elif name in ALPHABETS and least:
            first = int(least)
            only = (first, int(most)) if mark == "," else ()
            last = int(most) if most else OPEN_END + 1 if mark else first
            yield Piece(kind="chars", alphabet=name, least=first, most=last, only=only)
        else:
            raise ValueError(f"{form!r} has the part {match[0]}, which stands for nothing")
    if position != len(form):
        raise ValueError(f"{form!r} is no format from character {position} on")


def expression(form: str) -> str:
    """Return the RE2 expression of a format; its first group is the token."""
    parts = list(pieces_of(form))
    body = "".join([_of(part) for part in parts])
    first, last = parts[0], parts[-1]
    # A short text says little in the midst of base64, where it stands behind + and / too.
    # A terminal's colour ends with a letter: ESC [ 3 1 m.
    before = r"(?:^|[^0-9A-Za-z]|\[[0-9;]{0,12}m)" if says_much(form) else r"(?:^|[^0-9A-Za-z+/])"
    before = before if _begins_with_word(first) else ""
    return f"{before}({body}){_end(last)}"


def gate_expression(form: str) -> str:
    """Return an expression that matches wherever ``expression`` does, and is quick to search for.

    It asks for the beginning alone: up to the first text that says something, and a few characters more.
    """
    told = 0
    found = []
    for number, part in enumerate(pieces_of(form)):
        if part.kind != "chars":
            # Nearly every text has an address.
            told += min((len(text.removeprefix("https://")) for text in part.texts), default=0)
            found.append(_of(part))
            continue
        if told >= _TELLING or number == 0:
            least = min(part.least, _GATE_CHARS)
            found.append(f"[{ALPHABETS[part.alphabet]}]{{{least}}}" if least else "")
        else:
            found.append(_of(part))
        if told >= _TELLING:
            break
    return "".join(found)


def says_much(form: str) -> bool:
    """Tell whether what stands for itself in a format is enough to know its issuer by."""
    texts = [min(part.texts, key=len) for part in pieces_of(form) if part.texts]
    told = "".join(texts)
    return len(told) >= 5 or (len(told) >= 3 and any(mark in told for mark in "_-.:"))


def _of(part: Piece) -> str:
    if part.kind == "uuid":
        return UUID_FORM
    if part.kind == "crc62":
        return "[0-9A-Za-z]{6}"
    if part.kind == "text":
        return re.escape(part.texts[0])
    if part.kind == "choice":
        return "(?:" + "|".join(map(re.escape, part.texts)) + ")"
    chars = f"[{ALPHABETS[part.alphabet]}]"
    if part.only:
        return "(?:" + "|".join(f"{chars}{{{count}}}" for count in sorted(part.only, reverse=True)) + ")"
    if part.least == part.most:
        return f"{chars}{{{part.least}}}"
    return f"{chars}{{{part.least},{part.most if part.most <= OPEN_END else ''}}}"


def _begins_with_word(part: Piece) -> bool:
    return part.kind in ("chars", "uuid") or all(text[:1].isalnum() for text in part.texts)


def _end(part: Piece) -> str:
    if part.kind == "chars":
        return f"(?:[^{ALPHABETS[part.alphabet]}]|$)"
    return "(?:[^0-9A-Za-z]|$)" if part.kind in ("uuid", "crc62") or part.texts[0][-1:].isalnum() else ""
