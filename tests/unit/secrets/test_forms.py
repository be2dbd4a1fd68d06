"""Forms: what programs really write holds one of them, and each is a function of value and name."""

import base64
import codecs
import html
import json
import quopri
import shlex
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.secrets.forms import CHARS_MIN, FORM_NAMES, byte_forms_of, encode, forms_of, is_form_name
from tests.unit.secrets.fakes import secret_value

moderate = settings(max_examples=150, deadline=None)

NAMES = """
raw json json-ascii json-ascii-upper json-slash json-html json-twice repr repr-bytes url url-lower
url-path url-path-lower url-component url-component-lower url-uri url-uri-lower form form-lower
form-browser form-browser-lower base64 base64-unpadded base64@0 base64@1 base64@2 base64url
base64url-unpadded base64url@0 base64url@1 base64url@2 base64@0-76 base64@0-64 hex hex-upper hex-60
shell shell-backslash shell-double shell-words shell-ansi json-slash-plain repr-ascii c-octal
doubled-single doubled-double html html-text html-39 html-34 html-apos xml-attribute xml-attribute-apos
xml-attribute-single html-ascii html-text-ascii html-named html-decimal html-hex html-hex-upper
quoted-printable url-twice url-all url-all-lower unicode unicode-upper escape-hex escape-hex-upper
escape-octal hex-colon hex-colon-upper hex-dash hex-dash-upper hex-comma hex-comma-upper hex-space
hex-space-upper hex-0x hex-0x-upper decimal decimal-space decimal-signed decimal-utf16 base64-twice@0.0
base64-twice@0.1 base64-twice@0.2 base64-twice@1.0 base64-twice@1.1 base64-twice@1.2 base64-twice@2.0
base64-twice@2.1 base64-twice@2.2 base64-utf16@0 base64-utf16@1 base64-utf16@2 base64url-twice@0.0
base64url-twice@0.1 base64url-twice@0.2 base64url-twice@1.0 base64url-twice@1.1 base64url-twice@1.2
base64url-twice@2.0 base64url-twice@2.1 base64url-twice@2.2 base64url-utf16@0 base64url-utf16@1
base64url-utf16@2 base32@0 base32@1 base32@2 base32@3 base32@4 base32-lower@0 base32-lower@1
base32-lower@2 base32-lower@3 base32-lower@4 utf16le utf16be upper lower reversed rot13
"""

HOSTILE = [
    "p@ss:w/rd?&=+% #[]",
    "quote\"back\\slash'tick`",
    "tab\tand\x1fcontrol",
    "pässwörd-日本語-😀",
    "pässwörter12",
    "<script>&amp;</script>",
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nabc\n-----END KEY-----\n",
    "$HOME/`id`!{x}~^",
    "\x7fdelete\u2028line",
]


@moderate
@given(secret_value)
def test_a_name_and_a_value_give_the_text_of_the_form(value: str) -> None:
    forms = list(forms_of(value))

    assert forms[0] == ("raw", value)
    assert all(is_form_name(name) for name, _ in forms)
    assert all(encode(value, name) == text for name, text in forms)


@moderate
@given(secret_value)
def test_no_form_is_too_short_and_none_repeats(value: str) -> None:
    texts = [text for _, text in forms_of(value)]

    assert min(map(len, texts)) >= CHARS_MIN
    assert len(set(texts)) == len(texts)


@moderate
@given(secret_value, st.binary(max_size=9), st.binary(max_size=9), st.booleans(), st.booleans())
def test_base64_of_anything_around_the_value_holds_a_form(
    value: str, before: bytes, after: bytes, url_safe: bool, padded: bool
) -> None:
    encoded = base64.b64encode(before + value.encode() + after, b"-_" if url_safe else None).decode()

    written = encoded if padded else encoded.rstrip("=")

    assert any(text in written for _, text in forms_of(value))


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "program",
    [
        str,
        json.dumps,
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: json.dumps({"body": json.dumps({"k": value}, ensure_ascii=False)}, ensure_ascii=False),
        lambda value: json.dumps(value).replace("/", "\\/"),
        lambda value: (
            json.dumps(value, ensure_ascii=False)
            .replace("<", "\\u003c")
            .replace(">", "\\u003e")
            .replace("&", "\\u0026")
            .replace("\u2028", "\\u2028")
        ),
        quote,
        lambda value: quote(value, safe=""),
        lambda value: quote(value, safe="!'()*"),
        lambda value: quote(value, safe="!'()*;,/?:@&=+$#"),
        lambda value: _lower_percent(quote(value, safe="")),
        quote_plus,
        lambda value: _lower_percent(quote_plus(value)),
        lambda value: quote_plus(value).replace("~", "%7E").replace("%2A", "*"),
        lambda value: base64.encodebytes(value.encode() * 3).decode(),
        lambda value: base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
        lambda value: value.encode().hex(),
        lambda value: value.encode().hex().upper(),
        shlex.quote,
        lambda value: "'" + value.replace("'", "'\\''") + "'",
        lambda value: (
            '"'
            + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
            + '"'
        ),
        repr,
        lambda value: repr(value.encode()),
        lambda value: repr([{"k": value}]),
        lambda value: f"error: {value!r} was refused",
        lambda value: "\n".join(f"    {line}" for line in value.split("\n")),
        ascii,
        lambda value: json.dumps(value, ensure_ascii=False).replace("/", "\\/"),
        html.escape,
        lambda value: html.escape(value, quote=False),
        lambda value: html.escape(value).replace("&#x27;", "&#39;"),
        lambda value: html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        lambda value: html.escape(value).encode("ascii", "xmlcharrefreplace").decode(),
        quoteattr,
        lambda value: "".join(f"&#{ord(char)};" for char in value),
        lambda value: "".join(f"&#x{ord(char):x};" for char in value),
        lambda value: quopri.encodestring(value.encode()).decode().replace("=\n", ""),
        lambda value: quote(quote(value, safe=""), safe=""),
        lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
        lambda value: "".join(f"\\u{unit:04x}" for unit in _utf16_units(value)),
        lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()),
        lambda value: "".join(f"\\{byte:03o}" for byte in value.encode()),
        lambda value: value.encode().hex(":"),
        lambda value: value.encode().hex("-").upper(),
        lambda value: value.encode().hex(" "),
        lambda value: ", ".join(f"0x{byte:02x}" for byte in value.encode()),
        lambda value: str(list(value.encode())),
        lambda value: "[" + " ".join(map(str, value.encode())) + "]",
        lambda value: str([byte - 256 if byte > 127 else byte for byte in value.encode()]),
        lambda value: str(_utf16_units(value)),
        lambda value: value.replace("'", "''"),
        lambda value: value.replace('"', '""'),
        lambda value: value.encode("utf-16-le").decode("latin-1"),
        lambda value: value.encode("utf-16-be").decode("latin-1"),
        str.upper,
        str.lower,
        lambda value: value[::-1],
        lambda value: codecs.encode(value, "rot13"),
    ],
)
def test_what_a_careless_program_writes_holds_a_form(value: str, program: object) -> None:
    written = program(value)  # type: ignore[operator]

    assert any(text in written for _, text in forms_of(value))


@moderate
@given(secret_value, st.binary(max_size=9), st.binary(max_size=9), st.booleans())
def test_base64_of_base64_and_of_utf16_hold_a_form_wherever_the_value_stands(
    value: str, before: bytes, after: bytes, url_safe: bool
) -> None:
    """Without relying on padding: what stands around the value, inside and outside, is anything."""
    altchars = b"-_" if url_safe else None
    once = base64.b64encode(before + value.encode() + after, altchars)

    twice = base64.b64encode(after + once.rstrip(b"=") + before, altchars).decode()
    utf16 = base64.b64encode(before + value.encode("utf-16-le") + after, altchars).decode()

    assert any(text in twice for _, text in forms_of(value))
    assert any(text in utf16 for _, text in forms_of(value))


@moderate
@given(secret_value, st.binary(max_size=9), st.binary(max_size=9), st.booleans())
def test_base32_of_anything_around_the_value_holds_a_form(
    value: str, before: bytes, after: bytes, lower: bool
) -> None:
    encoded = base64.b32encode(before + value.encode() + after).decode()

    written = encoded.lower() if lower else encoded

    assert any(text in written for _, text in forms_of(value))


def test_a_large_value_has_no_form_that_is_many_times_as_long() -> None:
    """An automaton of a key file in every encoding would be built for longer than the run takes."""
    value = "\n".join(["0123456789abcdef+/" * 4] * 40)

    texts = [text for _, text in forms_of(value)]

    assert sum(map(len, texts)) < 120 * len(value)


def test_output_in_another_character_set_has_forms() -> None:
    forms = dict(byte_forms_of("pässwörd-€"))

    assert forms == {
        "utf16le": "pässwörd-€".encode("utf-16-le"),
        "utf16be": "pässwörd-€".encode("utf-16-be"),
        "raw": "pässwörd-".encode("latin-1"),
    }
    assert not dict(byte_forms_of("password"))


def _utf16_units(value: str) -> list[int]:
    data = value.encode("utf-16-be")
    return [data[at] << 8 | data[at + 1] for at in range(0, len(data), 2)]


def _lower_percent(text: str) -> str:
    pieces = text.split("%")
    return "%".join([pieces[0], *(piece[:2].lower() + piece[2:] for piece in pieces[1:])])


def test_bash_writes_the_forms_of_shells() -> None:
    """As ``printf %q`` of bash 5.2 wrote them."""
    assert encode("a b$c'd\"e;f", "shell-words") == "a\\ b\\$c\\'d\\\"e\\;f"
    assert encode("tab\there\nand 'so' \x01", "shell-ansi") == "tab\\there\\nand \\'so\\' \\001"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_long_line_of_a_value_has_forms(end: str) -> None:
    value = end.join(["first-line-of-it", "short", "  indented-line  ", "1234567"])

    names = dict(forms_of(value))

    assert names["line1"] == "first-line-of-it"
    assert names["line3"] == "indented-line"
    assert names["line1.base64"] == base64.b64encode(b"first-line-of-it").decode()
    assert not {"line2", "line4"} & names.keys()


def test_a_value_of_letters_and_digits_has_few_forms() -> None:
    names = [name for name, _ in forms_of("abcdefgh12345678")]

    assert names[:7] == [
        "raw", "base64", "base64-unpadded", "base64@0", "base64@1", "base64@2", "hex",
    ]  # fmt: skip
    assert not {"json", "url", "shell", "html", "quoted-printable"} & set(names)


def test_a_line_that_is_not_there_has_no_text() -> None:
    assert encode("only one line", "line2") is None
    assert encode("one line\nand another", "line2.hex") == b"and another".hex()


@pytest.mark.parametrize(
    "name", ["", "Raw", "base64@3", "line0", "line", "line1.", "line1.none", "line1.line2", "line01"]
)
def test_other_names_are_refused(name: str) -> None:
    assert not is_form_name(name)


def test_hexdumps_with_offsets_are_not_covered() -> None:
    """Named in docs/reference/secrets.md; when this fails, the page is to be changed."""
    value = "less<than&more-than-a-line-of-it"
    dump = "00000000: 6c65 7373 3c74 6861 6e26 6d6f 7265 2d74  less<than&more-t\n"

    assert not any(text in dump for _, text in forms_of(value))


def test_names_of_forms_never_change() -> None:
    """Journals hold them."""
    assert tuple(NAMES.split()) == FORM_NAMES
