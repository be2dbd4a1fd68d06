"""Veils: what accident spells a secret is put out of sight, and comes back."""

import base64

import orjson
import pytest

from babysitter.model.errors import SecretError
from babysitter.model.secret import Secret
from babysitter.model.values import Json
from tests.unit.secrets.fakes import leaks, masker_of

ACCIDENTS: list[tuple[str, dict[str, str], Json]] = [
    ("a number is a secret", {"A": "12345678"}, {"pin": 12345678}),
    ("a number holds a secret", {"A": "12345678"}, [9123456789]),
    ("a fraction holds a secret", {"A": "14159265"}, 3.14159265),
    ("punctuation", {"A": "true,true"}, [True, True, True]),
    (
        "a credential that was parsed",
        {"A": '{"user":"bob","pass":"hunter2hunter2"}'},
        {"k": {"user": "bob", "pass": "hunter2hunter2"}},
    ),
    ("an escape and the letters after it", {"A": "nabcdefgh"}, "x\nabcdefgh"),
    ("a reference and what follows it", {"A": "abcdefgh", "B": "}12345678"}, ["abcdefgh12345678"]),
    ("what comes before a reference", {"A": "abcdefgh", "B": "1234567$"}, ["1234567abcdefgh"]),
    ("a whole reference inside a secret", {"A": "abcdefgh", "B": "12${secret:env:A}34"}, ["12abcdefgh34"]),
    ("the notation of a whole value", {"A": "abcdefgh", "B": '{"$secret":"env:A"}'}, ["abcdefgh"]),
    ("a secret that is its own name", {"API_KEY_NAME": "API_KEY_NAME"}, {"k": "API_KEY_NAME"}),
    ("a key", {"A": "abcdefgh", "B": '}":1,"x"'}, {"abcdefgh": 1, "x": 2}),
    ("the veil itself", {"A": "true,true", "B": '{"$v":"0.'}, [True, True]),
    ("a plain veil of what is veiled", {"A": "true,true", "B": '{"$v":"0.W1si'}, [True, True]),
]


@pytest.mark.promise("G08")
@pytest.mark.parametrize(
    ("secrets", "value"), [case[1:] for case in ACCIDENTS], ids=[case[0] for case in ACCIDENTS]
)
def test_an_accident_is_veiled_and_comes_back(secrets: dict[str, str], value: Json) -> None:
    masker = masker_of(secrets)

    stored = masker.mask(value)

    assert b'"$v"' in orjson.dumps(stored)
    assert leaks(orjson.dumps(stored), secrets) == []
    assert masker.unmask(orjson.loads(orjson.dumps(stored))) == value


@pytest.mark.promise("G08")
@pytest.mark.parametrize(
    ("secrets", "text"),
    [
        ({"A": "nabcdefgh"}, "x\nabcdefgh"),
        ({"A": "abcdefgh", "B": "}12345678"}, "abcdefgh12345678"),
        ({"A": "abcdefgh", "B": '"${$v:0.'}, "12abcdefgh$"),
        ({"A": "nabcdefgh", "B": '"${$v:0.'}, "\nabcdefgh${secret:env:A}"),
    ],
)
def test_a_text_is_veiled_as_a_text(secrets: dict[str, str], text: str) -> None:
    masker = masker_of(secrets)

    stored = masker.mask_string(text)

    assert leaks(orjson.dumps(stored), secrets) == []
    assert masker.unmask(stored) == text


def test_a_veiled_text_in_a_longer_one_is_read_too() -> None:
    stored = masker_of({"A": "nabcdefgh"}).mask_string("x\nabcdefgh")

    assert stored.startswith("${$v:0.")
    assert masker_of({"A": "nabcdefgh"}).unmask([f"<{stored}>"]) == ["<x\nabcdefgh>"]


def test_only_the_smallest_part_is_veiled() -> None:
    masker = masker_of({"A": "12345678"})

    stored = masker.mask({"plain": "text", "list": [1, 12345678], "text": "the 12345678"})

    assert stored["plain"] == "text"
    assert stored["list"][0] == 1
    assert list(stored["list"][1]) == ["$v"]
    assert stored["text"] == "the ${secret:env:A}"


def test_a_veil_hides_no_value_from_nobody_but_names_it() -> None:
    """What is under the veil is a reference too: taking the base64 off shows no secret."""
    import base64

    stored = masker_of({"A": "12345678"}).mask(12345678)
    salt, _, text = stored["$v"].partition(".")

    assert salt == "0"
    assert orjson.loads(base64.urlsafe_b64decode(text + "==")) == [["env:A", "raw", True]]


def test_a_secret_leaf_under_a_veil_comes_back_as_its_value() -> None:
    secrets = {"A": "API_KEY_A_VALUE", "B": '{"$secret":"env:A"'}
    masker = masker_of(secrets)

    stored = masker.mask({"k": Secret("env:A")})

    assert leaks(orjson.dumps(stored), secrets) == []
    assert masker.unmask(stored) == {"k": "API_KEY_A_VALUE"}


def test_a_rotated_secret_comes_back_from_under_a_veil() -> None:
    stored = masker_of({"A": "12345678"}).mask({"pin": 12345678})

    assert masker_of({"A": "87654321"}).unmask(stored) == {"pin": 87654321}


def test_a_new_value_with_quotes_fits_into_a_veiled_text() -> None:
    stored = masker_of({"A": "nabcdefgh", "B": "hunter22-x"}).mask_string("\nabcdefgh hunter22-x")

    rotated = masker_of({"A": "nabcdefgh", "B": 'qu"ote\\d\n'})

    assert stored.startswith("${$v:")
    assert rotated.unmask(stored) == '\nabcdefgh qu"ote\\d\n'


def test_a_new_value_that_does_not_fit_is_an_error_that_does_not_show_it() -> None:
    stored = masker_of({"A": "12345678"}).mask({"pin": 12345678})

    with pytest.raises(SecretError) as caught:
        masker_of({"A": "not-a-number"}).unmask(stored)

    assert "not-a-number" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "stored",
    [
        {"$v": 1},
        {"$v": ""},
        {"$v": "0.!!"},
        {"$v": "x.W10"},
        {"$v": "0.MQ"},
        {"$v": "-1.W10"},
        {"$v": "0.W1sxXV0"},
        {"$v": "0.W1siYSJdXQ"},
    ],
)
def test_a_veil_that_the_writer_never_made_is_an_error(stored: Json) -> None:
    with pytest.raises(SecretError):
        masker_of({"A": "12345678"}).unmask(stored)


@pytest.mark.promise("G08")
def test_what_is_wrapped_is_a_reference_under_a_veil_too() -> None:
    """A veil hides nothing from whoever decodes it."""
    secrets = {"A": "true,true", "B": 'ghp_Kq7wRz"9xLmP2vJd8'}
    value = [True, True, 'a ghp_Kq7w\n  Rz"9xLm\tP2vJd8 b']
    masker = masker_of(secrets)

    stored = masker.mask(value)

    salt, _, text = stored["$v"].partition(".")
    pieces = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert salt == "0"
    assert b"Kq7w" not in pieces
    assert b"P2vJ" not in pieces
    assert masker.unmask(stored) == value
