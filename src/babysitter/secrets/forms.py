"""Every form in which a careless program writes a secret.

A *form* has a name, which a stored reference carries (``as``), and a text. The
text of a form is a function of the value alone, so that a reference gives back
the very same text, and the text of the new value when a secret was rotated.
A name may go on with ``~`` and gaps: the form in its squeezed view (squeeze.py),
with what stood between its characters.

Invariants, each with a test in tests/unit/secrets/test_forms.py:
    - ``encode(value, name) == text`` for every ``(name, text)`` of ``forms_of(value)``;
    - no form is shorter than ``CHARS_MIN``;
    - an encoded text that holds the value at any offset holds one of its forms.

The encodings: encodings.py. Which program writes which form, and what is not
covered: docs/reference/secrets.md.
"""

import re
from collections.abc import Iterator
from typing import Final

from babysitter.secrets.encodings import ENCODERS, OF_LINES
from babysitter.secrets.squeeze import Gaps, filled, is_gaps, read_gaps, squeeze_text, write_gaps

CHARS_MIN: Final = 8
"""Values, and lines of a multi-line value, shorter than this would mask ordinary text."""

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_LINE_NAME: Final = re.compile(r"line([1-9][0-9]{0,5})(?:\.([a-z].*))?")

FORM_NAMES: Final = tuple(ENCODERS)
"""All names that ``as`` may have, simplest first; a line of a value is ``line<N>``, or ``line<N>.<name>``."""

_CHANGE_WORDS: Final = (
    "raw", "base64", "hex", "html-decimal", "html-hex", "url-all", "unicode", "escape-", "decimal", "base32",
    "utf16", "upper", "lower", "reversed", "rot13",
)  # fmt: skip
_OF_WORDS: Final = tuple(name for name in FORM_NAMES if name.startswith(_CHANGE_WORDS))
_LARGE_CHARS: Final = 1024
_LONG: Final = ("unicode", "escape-", "url-all", "hex-", "decimal", "html-decimal", "html-hex")
_OF_LARGE: Final = frozenset(name for name in FORM_NAMES if name in OF_LINES or not name.startswith(_LONG))
_BINARY: Final = {"utf16le": "utf-16-le", "utf16be": "utf-16-be", "raw": "latin-1"}


def is_form_name(name: str) -> bool:
    """True when a reference may carry the name."""
    name, tilde, gaps = name.partition("~")
    if tilde and not is_gaps(gaps):
        return False
    match = _LINE_NAME.fullmatch(name)
    return name in ENCODERS or (match is not None and (match[2] is None or match[2] in ENCODERS))


def encode(value: str, name: str) -> str | None:
    """Return the value in the form of that name; None when the value has no such line.

    ``name`` is one for which ``is_form_name`` holds.
    """
    name, tilde, gaps = name.partition("~")
    match = _LINE_NAME.fullmatch(name)
    if match is None:
        text = ENCODERS[name](value)
    else:
        lines = _LINE_END.split(value)
        number = int(match[1])
        if number > len(lines):
            return None
        text = ENCODERS[match[2] or "raw"](lines[number - 1].strip())
    return filled(squeeze_text(text), read_gaps(gaps)) if tilde else text


def with_gaps(name: str, gaps: Gaps) -> str:
    """Return the name of a form in its squeezed view, with what stands between its characters."""
    return f"{name.partition('~')[0]}~{write_gaps(gaps)}"


def forms_of(value: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of every form of a value of at least ``CHARS_MIN`` characters, simplest first.

    Texts do not repeat. Lines are taken without white space around them, so that an indented copy is found.
    The squeezed views come last.
    """
    seen: set[str] = set()
    squeezed: list[tuple[str, str]] = []
    for prefix, part in _parts(value):
        for name in _names_for(part, is_line=bool(prefix)):
            text = ENCODERS[name](part)
            if text not in seen and len(text) >= CHARS_MIN:
                seen.add(text)
                yield _joined(prefix, name), text
                squeezed.append((f"{_joined(prefix, name)}~", squeeze_text(text)))
    for name, text in squeezed:
        if len(text) >= CHARS_MIN and text not in seen:
            seen.add(text)
            yield name, text


def byte_forms_of(value: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the forms that stand in output and are no UTF-8: other character sets."""
    if value.isascii():
        return
    for name, codec in _BINARY.items():
        data = value.encode(codec, "ignore")
        # What the character set can't write is no part of the output either.
        if len(data) >= CHARS_MIN:
            yield name, data


def _names_for(part: str, *, is_line: bool) -> tuple[str, ...]:
    # Letters and digits are the same in every escaping, and most secrets are nothing else.
    names = _OF_WORDS if part.isascii() and part.isalnum() else FORM_NAMES
    if is_line:
        return tuple(name for name in OF_LINES if name in names)
    return names if len(part) <= _LARGE_CHARS else tuple(name for name in names if name in _OF_LARGE)


def _parts(value: str) -> Iterator[tuple[str, str]]:
    yield "", value
    lines = _LINE_END.split(value)
    if len(lines) > 1:
        for number, line in enumerate(lines, start=1):
            if len(line.strip()) >= CHARS_MIN:
                yield f"line{number}", line.strip()


def _joined(prefix: str, name: str) -> str:
    if not prefix:
        return name
    return prefix if name == "raw" else f"{prefix}.{name}"
