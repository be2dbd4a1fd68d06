"""How references to secrets are written in stored data, and told apart from data that looks like them.

In place of a whole string stands ``{"$secret":"env:K"}``; inside a longer string,
and in a key, ``${secret:env:K}``. A form other than the value itself is named:
``{"$secret":"env:K","as":"base64@1"}``, ``${secret:env:K|base64@1}``. What can only be
stored veiled (veil.py) is ``{"$v":"…"}``, or ``${$v:…}`` where a text must stand.

Invariants, each with a test in tests/unit/secrets/test_references.py:
    - ``parse_text(write_text(parts)) == parts``, whatever the literal parts hold;
    - ``unescape_key(escape_key(key)) == key``, and no escaped key is a reserved one;
    - only ``write_*`` make references: what author or program wrote is escaped.

Escaping: dollars before ``{secret:`` and ``{$v:`` are doubled, so an odd number of them is a
reference and an even number is data. A key that is a reserved word after its
dollars gets one dollar more. Grammar: docs/reference/secrets.md.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from babysitter.model.errors import SecretError
from babysitter.model.values import Json
from babysitter.secrets.forms import is_form_name

SECRET_KEY: Final = "$secret"  # noqa: S105 (a key of our notation, no password)
FORM_KEY: Final = "as"
MASKED_KEY: Final = "$masked"
SEALED_KEY: Final = "$sealed"
VEILED_KEY: Final = "$v"
"""Short on purpose: with its punctuation it is shorter than any secret, see veil.py."""

LOOKALIKES: Final = (b"${secret:", b"${$v:", b'$secret"', b'$masked"', b'$sealed"', b'$v"')
"""JSON text without any of these holds nothing that must be escaped."""

_RESERVED: Final = re.compile(r"\$+(?:secret|masked|sealed|v)")
# A run of dollars is taken whole, from its first on: else a text of nothing but dollars takes quadratic time.
_DOLLARS: Final = re.compile(r"(?<!\$)\$++(?=\{(?:secret|\$v):)")
_DOLLARS_OR_LAST: Final = re.compile(r"(?<!\$)\$++(?=\{(?:secret|\$v):|\Z)")
_OPENING: Final = re.compile(r"(?<!\$)(\$++)(\{(?:secret|\$v):)")
_SEALED: Final = re.compile(r"[0-9]+\.[0-9A-Za-z_-]+")
_INNER: Final = re.compile(r"[^\x00-\x1f\x7f${}]{1,700}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A secret by name, in one of its forms (forms.py)."""

    ref: str
    form: str = "raw"


@dataclass(frozen=True, slots=True)
class Veil:
    """A text that can only be stored veiled (veil.py): salt and base64."""

    sealed: str


Part = str | Reference | Veil


def write_value(reference: Reference) -> Json:
    """Return what stands in place of a whole string."""
    if reference.form == "raw":
        return {SECRET_KEY: reference.ref}
    return {SECRET_KEY: reference.ref, FORM_KEY: reference.form}


def write_inline(reference: Reference) -> str:
    """Return what stands inside a longer text."""
    # A bar in the name itself would be read as the one before the form.
    if reference.form == "raw" and "|" not in reference.ref:
        return f"${{secret:{reference.ref}}}"
    return f"${{secret:{reference.ref}|{reference.form}}}"


def write_veil(veil: Veil) -> str:
    """Return what stands for a veiled text where only a text can stand."""
    return f"${{$v:{veil.sealed}}}"


def write_text(parts: Iterable[Part]) -> str:
    """Return the parts as one stored text, its literal parts escaped. No two literal parts are neighbours."""
    pieces = []
    literal = ""
    for part in parts:
        if isinstance(part, str):
            literal = part
        else:
            # Dollars that would touch the reference's own are doubled as well.
            pieces.append(_DOLLARS_OR_LAST.sub(_double, literal))
            pieces.append(write_veil(part) if isinstance(part, Veil) else write_inline(part))
            literal = ""
    pieces.append(_DOLLARS.sub(_double, literal))
    return "".join(pieces)


def escape_text(text: str) -> str:
    """Return the stored text of a string that holds no secret."""
    return _DOLLARS.sub(_double, text) if may_refer(text) else text


def may_refer(text: str) -> bool:
    """True when the text holds something that is read as a reference, or as an escaped one."""
    return "${" in text and ("${secret:" in text or "${$v:" in text)


def _double(match: re.Match[str]) -> str:
    return match[0] * 2


def parse_text(stored: str) -> list[Part]:
    """Return the parts of a stored text: literals without escapes, and references.

    Raises:
        SecretError: it holds something that the writer never wrote.
    """
    parts: list[Part] = []
    literal = ""
    position = 0
    for opening in _OPENING.finditer(stored):
        dollars = len(opening[1])
        literal += stored[position : opening.start()] + "$" * (dollars // 2)
        position = opening.end()
        if dollars % 2 == 0:
            literal += opening[2]
            continue
        end = stored.find("}", position)
        if literal:
            parts.append(literal)
        inner = stored[position:end] if end >= 0 else ""
        parts.append(_parse_veil(inner) if "$" in opening[2] else _parse_inner(inner))
        literal = ""
        position = end + 1
    literal += stored[position:]
    if literal:
        parts.append(literal)
    return parts


def _parse_veil(inner: str) -> Veil:
    if not _SEALED.fullmatch(inner):
        raise _malformed()
    return Veil(inner)


def _parse_inner(inner: str) -> Reference:
    ref, bar, form = inner.rpartition("|")
    if not bar:
        ref, form = inner, "raw"
    return _checked(ref, form)


def parse_value(stored: dict[str, Json]) -> Reference:
    """Return the reference that an object with the key ``$secret`` is.

    Raises:
        SecretError: it is none that the writer wrote.
    """
    ref, form = stored.get(SECRET_KEY), stored.get(FORM_KEY, "raw")
    if len(stored) != 1 + (FORM_KEY in stored) or type(ref) is not str or type(form) is not str:
        raise _malformed()
    return _checked(ref, form)


def _checked(ref: str, form: str) -> Reference:
    if not _INNER.fullmatch(ref) or ":" not in ref or not is_form_name(form):
        raise _malformed()
    return Reference(ref, form)


def _malformed() -> SecretError:
    # The text is left out: what is not a reference may be anything, a value too.
    return SecretError(
        "stored data holds a secret reference that Babysitter did not write.",
        hint="Run `babysitter journal verify`: the run's files were changed, or come from a newer version.",
    )


def escape_key(key: str) -> str:
    """Return a key as stored: one that looks reserved gets a dollar more. Its text is escaped already."""
    return f"${key}" if key.startswith("$") and _RESERVED.fullmatch(key) else key


def unescape_key(stored: str) -> str:
    """Return the key that ``escape_key`` was given."""
    return stored[1:] if stored.startswith("$$") and _RESERVED.fullmatch(stored) else stored
