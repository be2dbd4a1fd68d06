"""A vault made of a dictionary, and what secrets, forms and JSON values hypothesis should try."""

from collections.abc import Mapping

import orjson
from hypothesis import strategies as st

from babysitter.model.values import Json
from babysitter.secrets.forms import forms_of
from babysitter.secrets.masker import Masker
from babysitter.secrets.vault import Vault


class DictSource:
    """A source of secrets that counts how often it is asked."""

    scheme = "env"

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.asked: list[str] = []

    def get(self, name: str) -> str | None:
        self.asked.append(name)
        return self.values.get(name)


def vault_of(values: Mapping[str, str], *further: str) -> Vault:
    """Return a vault in which ``env:NAME`` has its value; ``further`` names are declared without one."""
    return Vault({"env": DictSource(values)}, [f"env:{name}" for name in (*values, *further)])


def masker_of(values: Mapping[str, str], *further: str) -> Masker:
    return Masker(vault_of(values, *further))


def all_forms(values: Mapping[str, str]) -> list[str]:
    """Return every text that may stand nowhere."""
    return [text for value in values.values() for _, text in forms_of(value)]


def leaks(data: bytes, values: Mapping[str, str]) -> list[str]:
    """Return the forms that stand in the bytes, by plain search: no automaton of ours is trusted here."""
    return [form for form in all_forms(values) if form.encode() in data]


NOTATION = [
    "${secret:",
    "${$v:",
    "env:A",
    "}",
    "|",
    "$",
    "{",
    '{"$secret":"env:A"}',
    '"$v":"',
    "$$",
    "line2",
    "base64@1",
    "$masked",
    "secret:env:B",
    '"',
    "\\",
    '",',
    "],[",
    "true,",
    "null",
    "\n",
    "\r\n",
    "%",
    "'",
    "\x00",
    "\x1f",
    "=",
    "+",
    "/",
    " ",
    "a",
    "n",
    "u00",
    "1",
    "12",
    "é",
    "😀",
    "\u2028",
]
"""Pieces that meet each other, the notation and the escapes in unlucky ways."""

characters = st.characters(codec="utf-8")
unlucky_text = st.lists(st.sampled_from(NOTATION), max_size=8).map("".join)
any_text = st.text(characters, max_size=20)
text = st.one_of(unlucky_text, any_text)


def _long_enough(value: str) -> bool:
    return len(value) >= 8


secret_value = st.one_of(
    unlucky_text,
    st.text(characters, min_size=8, max_size=24),
    st.text("01", min_size=8, max_size=12),
    st.text('\\"n\n$}{', min_size=8, max_size=12),
).filter(_long_enough)

MADE_OF_NOTATION = [
    "abc${secret:env:A}",
    "}abcdefg",
    '"env:A"}',
    "hunter2$",
    '{"$secret":"env:A"',
    "A|hex}xy",
]


@st.composite
def secret_values(draw: st.DrawFn) -> dict[str, str]:
    """Secrets named A, B and C, some of them inside another, some made of references to another."""
    values = {"A": draw(secret_value)}
    for name in "BC"[: draw(st.integers(0, 2))]:
        shape = draw(st.sampled_from(["own", "inside", "around", "reference", "overlap"]))
        known = draw(st.sampled_from(sorted(values.values())))
        values[name] = {
            "own": draw(secret_value),
            "inside": known[1:] if len(known) > 8 else draw(secret_value),
            "around": draw(text) + known + draw(text),
            "reference": draw(st.sampled_from(MADE_OF_NOTATION)),
            "overlap": known[4:] + draw(text) + "12345678",
        }[shape]
    return values


@st.composite
def values_with_secrets(draw: st.DrawFn, values: Mapping[str, str]) -> Json:
    """Return a JSON value with forms of the secrets, and pieces of notation, at any place, keys too."""
    forms = all_forms(values)
    # By number: hypothesis would spell out a list of forms in every name it makes.
    form = st.integers(0, len(forms) - 1).map(lambda number: forms[number])
    piece = st.one_of(form, form, text)
    string = st.lists(piece, max_size=4).map("".join)
    number = st.one_of(
        st.integers(-(2**53), 2**53), *(st.just(int(each)) for each in forms if _is_number(each))
    )
    leaf = st.one_of(
        string, number, st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
    )
    key = st.one_of(
        string, st.sampled_from(["$secret", "$$secret", "$masked", "$sealed", "$v", "$$$v", "as"])
    )
    return draw(
        st.recursive(
            leaf,
            lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(key, inner, max_size=3)),
            max_leaves=6,
        )
    )


def _is_number(form: str) -> bool:
    try:
        number = orjson.loads(form)
    except orjson.JSONDecodeError:
        return False
    return type(number) is int and abs(number) <= 2**53
