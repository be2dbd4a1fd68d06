"""The encodings in which careless programs write a text, each a function of the text alone.

Their names stand in journals: one that was ever there keeps its name and its meaning.
Which program writes which: docs/reference/secrets.md. Base64 at its three alignments:
RFC 4648; base32 at its five likewise. The characters at either end that also depend
on the neighbouring bytes are no part of a form, so no form relies on padding.
"""

import base64
import codecs
import html
import quopri
import re
from collections.abc import Callable, Iterator, Mapping
from html.entities import codepoint2name
from typing import Final

import orjson

Encoder = Callable[[str], str]

_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LETTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_SHELL_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=@%+,")
_ANSI_C: Final = {"\a": "\\a", "\b": "\\b", "\x1b": "\\E", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
                  "\v": "\\v", "\\": "\\\\", "'": "\\'"}  # fmt: skip
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


def _units(value: str) -> Iterator[int]:
    """Yield the UTF-16 code units, as JavaScript and Java count characters."""
    data = value.encode("utf-16-be")
    for at in range(0, len(data), 2):
        yield data[at] << 8 | data[at + 1]


def _each_unit(layout: str, between: str = "") -> Encoder:
    return lambda value: between.join([layout.format(unit) for unit in _units(value)])


def _each_byte(layout: str, between: str = "") -> Encoder:
    table = [layout.format(byte) for byte in range(256)]
    return lambda value: between.join([table[byte] for byte in value.encode()])


def _each_char(layout: str) -> Encoder:
    return lambda value: "".join([layout.format(ord(char)) for char in value])


def _signed_bytes(value: str) -> str:
    return ", ".join([str(byte - 256 if byte > 127 else byte) for byte in value.encode()])


def _c_octal(value: str) -> str:
    # As git writes paths, and C programs their strings.
    named = {
        ord("\a"): "\\a",
        8: "\\b",
        9: "\\t",
        10: "\\n",
        11: "\\v",
        12: "\\f",
        13: "\\r",
        34: '\\"',
        92: "\\\\",
    }
    return "".join([
        named.get(byte) or (chr(byte) if _ASCII_PRINTABLE_FIRST <= byte < _ASCII_DELETE else f"\\{byte:03o}")
        for byte in value.encode()
    ])  # fmt: skip


def _html(quot: str | None, apos: str | None, *, is_ascii: bool = False) -> Encoder:
    def encoder(value: str) -> str:
        text = html.escape(value, quote=False)
        if quot:
            text = text.replace('"', quot)
        if apos:
            text = text.replace("'", apos)
        return text.encode("ascii", "xmlcharrefreplace").decode() if is_ascii else text

    return encoder


def _xml_attribute(quot: str | None, apos: str | None) -> Encoder:
    # White space other than a space would be read back as one.
    spaces = str.maketrans({"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
    return lambda value: _html(quot, apos)(value).translate(spaces)


def _html_named(value: str) -> str:
    return "".join(
        [f"&{codepoint2name[ord(char)]};" if ord(char) in codepoint2name else char for char in value]
    )


def _quoted_printable(value: str) -> str:
    # In one line: the squeezed view leaves out the soft line breaks of the encoder.
    encoded = quopri.encodestring(value.encode()).decode("ascii")
    return encoded.replace("=\n", "")


def _base64_of(codec: str, offset: int, *, url_safe: bool = False) -> Encoder:
    """Return an encoder: what base64 holds of the value in that codec, ``offset`` bytes into a group of 3."""
    return lambda value: _base64_part(value.encode(codec), offset, url_safe=url_safe)


def _base64_twice(inner: int, outer: int, *, url_safe: bool = False) -> Encoder:
    def encoder(value: str) -> str:
        once = _base64_part(value.encode(), inner, url_safe=url_safe)
        return _base64_part(once.encode(), outer, url_safe=url_safe)

    return encoder


def _base64_part(data: bytes, offset: int, *, url_safe: bool) -> str:
    data = bytes(offset) + data
    encoded = base64.b64encode(data, b"-_" if url_safe else None).decode()
    return encoded[-(-offset * 8 // 6) : len(data) * 8 // 6]


def _base32_at(offset: int, *, lower: bool = False) -> Encoder:
    def encoder(value: str) -> str:
        data = bytes(offset) + value.encode()
        text = base64.b32encode(data).decode()[-(-offset * 8 // 5) : len(data) * 8 // 5]
        return text.lower() if lower else text

    return encoder


def _further_base_forms() -> Iterator[tuple[str, Encoder]]:
    for name, url_safe in (("base64", False), ("base64url", True)):
        for inner in range(3):
            for outer in range(3):
                yield f"{name}-twice@{inner}.{outer}", _base64_twice(inner, outer, url_safe=url_safe)
        for offset in range(3):
            yield f"{name}-utf16@{offset}", _base64_of("utf-16-le", offset, url_safe=url_safe)
    for name, lower in (("base32", False), ("base32-lower", True)):
        for offset in range(5):
            yield f"{name}@{offset}", _base32_at(offset, lower=lower)


def _hex_forms() -> Iterator[tuple[str, Encoder]]:
    for name, between in (("colon", ":"), ("dash", "-"), ("comma", ","), ("space", " ")):
        yield f"hex-{name}", _each_byte("{:02x}", between)
        yield f"hex-{name}-upper", _each_byte("{:02X}", between)
    yield "hex-0x", _each_byte("0x{:02x}", ", ")
    yield "hex-0x-upper", _each_byte("0x{:02X}", ", ")


_URL: Final = _percent(bytes(_UNRESERVED))
_FIRST: Final[Mapping[str, Encoder]] = {
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
_FURTHER: Final[Mapping[str, Encoder]] = {
    "json-slash-plain": lambda value: json_escape(value).replace("/", "\\/"),
    "repr-ascii": lambda value: ascii(value)[1:-1],
    "c-octal": _c_octal,
    "doubled-single": lambda value: value.replace("'", "''"),
    "doubled-double": lambda value: value.replace('"', '""'),
    "html": _html("&quot;", "&#x27;"),
    "html-text": _html(None, None),
    "html-39": _html("&quot;", "&#39;"),
    "html-34": _html("&#34;", "&#39;"),
    "html-apos": _html("&quot;", "&apos;"),
    "xml-attribute": _xml_attribute("&quot;", None),
    "xml-attribute-apos": _xml_attribute("&quot;", "&apos;"),
    "xml-attribute-single": _xml_attribute(None, "&apos;"),
    "html-ascii": _html("&quot;", "&#x27;", is_ascii=True),
    "html-text-ascii": _html(None, None, is_ascii=True),
    "html-named": _html_named,
    "html-decimal": _each_char("&#{};"),
    "html-hex": _each_char("&#x{:x};"),
    "html-hex-upper": _each_char("&#x{:X};"),
    "quoted-printable": _quoted_printable,
    "url-twice": lambda value: _URL(_URL(value)),
    "url-all": _percent(b""),
    "url-all-lower": _percent(b"", lower=True),
    "unicode": _each_unit("\\u{:04x}"),
    "unicode-upper": _each_unit("\\u{:04X}"),
    "escape-hex": _each_byte("\\x{:02x}"),
    "escape-hex-upper": _each_byte("\\x{:02X}"),
    "escape-octal": _each_byte("\\{:03o}"),
    **dict(_hex_forms()),
    "decimal": _each_byte("{}", ", "),
    "decimal-space": _each_byte("{}", " "),
    "decimal-signed": _signed_bytes,
    "decimal-utf16": _each_unit("{}", ", "),
    **dict(_further_base_forms()),
    "utf16le": lambda value: value.encode("utf-16-le").decode("latin-1"),
    "utf16be": lambda value: value.encode("utf-16-be").decode("latin-1"),
    "upper": str.upper,
    "lower": str.lower,
    # Without the line end of a key file, or every line of output would end like the beginning of it.
    "reversed": lambda value: value.strip()[::-1],
    "rot13": lambda value: codecs.encode(value, "rot13"),
}

ENCODERS: Final[Mapping[str, Encoder]] = {**_FIRST, **_FURTHER}

OF_LINES: Final = tuple(_FIRST)
"""What a line of a value is looked for in: a key of fifty lines in every encoding is a slow search."""
