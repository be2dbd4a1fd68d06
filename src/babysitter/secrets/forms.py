"""Every form in which a careless program writes a secret.

A *form* has a name, which a stored reference carries (``as``), and a text. The
text of a form is a function of the value alone, so that a reference gives back
the very same text, and the text of the new value when a secret was rotated.

Invariants, each with a test in tests/unit/secrets/test_forms.py:
    - ``encode(value, name) == text`` for every ``(name, text)`` of ``forms_of(value)``;
    - no form is shorter than ``CHARS_MIN``;
    - an encoded text that holds the value at any offset holds one of its forms.

Which program writes which form, and what is not covered: docs/reference/secrets.md.
Base64 at its three alignments: RFC 4648; the characters at either end that also
depend on the neighbouring bytes are no part of a form.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import orjson

CHARS_MIN: Final = 8
"""Values, and lines of a multi-line value, shorter than this would mask ordinary text."""

Encoder = Callable[[str], str]

_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LETTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_SHELL_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=@%+,")
_ANSI_C: Final = {"\a": "\\a", "\b": "\\b", "\x1b": "\\E", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
                  "\v": "\\v", "\\": "\\\\", "'": "\\'"}  # fmt: skip
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_LINE_NAME: Final = re.compile(r"line([1-9][0-9]{0,5})(?:\.([a-z].*))?")
_BMP_LAST: Final = 0xFFFF
_ASCII_PRINTABLE_FIRST: Final = 0x20
_ASCII_DELETE: Final = 0x7F


def json_escape(text: str) -> str:
    """Return the text as it stands between the quotes of a JSON string that ``orjson`` wrote."""
    return orjson.dumps(text)[1:-1].decode()


def _json_ascii(value: str, *, upper: bool = False) -> str:
    # All else becomes UTF-16 code units, two for a character beyond the first plane; DEL too, as in Python.
    layout = "\\u{:04X}" if upper else "\\u{:04x}"
    pieces = []
    for char in json_escape(value):
        code = ord(char)
        if code < _ASCII_DELETE:
            pieces.append(char)
        elif code <= _BMP_LAST:
            pieces.append(layout.format(code))
        else:
            high, low = divmod(code - 0x10000, 0x400)
            pieces.append(layout.format(0xD800 + high) + layout.format(0xDC00 + low))
    return "".join(pieces)


def _json_for_html(value: str) -> str:
    escaped = json_escape(value)
    for char in "<>&\u2028\u2029":
        escaped = escaped.replace(char, f"\\u{ord(char):04x}")
    return escaped


def _percent(kept: bytes, *, plus: bool = False, lower: bool = False) -> Encoder:
    layout = "%{:02x}" if lower else "%{:02X}"
    table = [chr(byte) if byte in kept else layout.format(byte) for byte in range(256)]
    if plus:
        table[0x20] = "+"

    def encoder(value: str) -> str:
        return "".join([table[byte] for byte in value.encode()])

    return encoder


def _percent_forms() -> Iterator[tuple[str, Encoder]]:
    unreserved = bytes(_UNRESERVED)
    component = unreserved + b"!'()*"
    kept_by_name = {
        "url": (unreserved, False),
        "url-path": (unreserved + b"/", False),
        "url-component": (component, False),
        "url-uri": (component + b";,/?:@&=+$#", False),
        "form": (unreserved, True),
        "form-browser": (bytes(_LETTERS) + b"*-._", True),
    }
    for name, (kept, plus) in kept_by_name.items():
        yield name, _percent(kept, plus=plus)
        yield f"{name}-lower", _percent(kept, plus=plus, lower=True)


def _base64_at(offset: int, *, url_safe: bool = False, width: int = 0) -> Encoder:
    """Return an encoder: what base64 text holds of a value that begins ``offset`` bytes into a group of 3."""

    def encoder(value: str) -> str:
        data = bytes(offset) + value.encode()
        encoded = base64.b64encode(data, b"-_" if url_safe else None).decode()
        text = encoded[-(-offset * 8 // 6) : len(data) * 8 // 6]
        return _wrapped(text, width)

    return encoder


def _base64_whole(*, url_safe: bool = False, padded: bool = True) -> Encoder:
    def encoder(value: str) -> str:
        encoded = base64.b64encode(value.encode(), b"-_" if url_safe else None).decode()
        return encoded if padded else encoded.rstrip("=")

    return encoder


def _base64_forms() -> Iterator[tuple[str, Encoder]]:
    for name, url_safe in (("base64", False), ("base64url", True)):
        yield name, _base64_whole(url_safe=url_safe)
        yield f"{name}-unpadded", _base64_whole(url_safe=url_safe, padded=False)
        for offset in range(3):
            yield f"{name}@{offset}", _base64_at(offset, url_safe=url_safe)
    # base64(1) and Python's encodebytes break lines at 76 characters, openssl at 64.
    yield "base64@0-76", _base64_at(0, width=76)
    yield "base64@0-64", _base64_at(0, width=64)


def _wrapped(text: str, width: int) -> str:
    if not width:
        return text
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))


def _shell_words(value: str) -> str:
    return "".join(
        [char if char in _SHELL_SAFE or ord(char) > _ASCII_DELETE else f"\\{char}" for char in value]
    )


def _shell_ansi(value: str) -> str:
    return "".join([_ANSI_C.get(char) or _octal(char) for char in value])


def _octal(char: str) -> str:
    code = ord(char)
    return f"\\{code:03o}" if code < _ASCII_PRINTABLE_FIRST or code == _ASCII_DELETE else char


def _shell_double(value: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", value)


_ENCODERS: Final[Mapping[str, Encoder]] = {
    "raw": lambda value: value,
    "json": json_escape,
    "json-ascii": _json_ascii,
    "json-ascii-upper": lambda value: _json_ascii(value, upper=True),
    "json-slash": lambda value: _json_ascii(value).replace("/", "\\/"),
    "json-html": _json_for_html,
    "json-twice": lambda value: json_escape(json_escape(value)),
    "repr": lambda value: repr(value)[1:-1],
    "repr-bytes": lambda value: repr(value.encode())[2:-1],
    **dict(_percent_forms()),
    **dict(_base64_forms()),
    "hex": lambda value: value.encode().hex(),
    "hex-upper": lambda value: value.encode().hex().upper(),
    "hex-60": lambda value: _wrapped(value.encode().hex(), 60),
    "shell": lambda value: value.replace("'", "'\"'\"'"),
    "shell-backslash": lambda value: value.replace("'", "'\\''"),
    "shell-double": _shell_double,
    "shell-words": _shell_words,
    "shell-ansi": _shell_ansi,
}

FORM_NAMES: Final = tuple(_ENCODERS)
"""All names that ``as`` may have, simplest first; a line of a value is ``line<N>``, or ``line<N>.<name>``."""

_NAMES_FOR_WORDS: Final = tuple(name for name in FORM_NAMES if name.startswith(("raw", "base64", "hex")))


def is_form_name(name: str) -> bool:
    """True when a reference may carry the name."""
    match = _LINE_NAME.fullmatch(name)
    return name in _ENCODERS or (match is not None and (match[2] is None or match[2] in _ENCODERS))


def encode(value: str, name: str) -> str | None:
    """Return the value in the form of that name; None when the value has no such line.

    ``name`` is one for which ``is_form_name`` holds.
    """
    match = _LINE_NAME.fullmatch(name)
    if match is None:
        return _ENCODERS[name](value)
    lines = _LINE_END.split(value)
    number = int(match[1])
    return _ENCODERS[match[2] or "raw"](lines[number - 1].strip()) if number <= len(lines) else None


def forms_of(value: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of every form of a value of at least ``CHARS_MIN`` characters, simplest first.

    Texts do not repeat. Lines are taken without white space around them, so that an indented copy is found.
    """
    seen: set[str] = set()
    for prefix, part in _parts(value):
        # Letters and digits are the same in every escaping, and most secrets are nothing else.
        plain = part.isascii() and part.isalnum()
        for name in _NAMES_FOR_WORDS if plain else FORM_NAMES:
            text = _ENCODERS[name](part)
            if text not in seen:
                seen.add(text)
                yield _joined(prefix, name), text


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
