"""The masker: references in, references out, data stays data, and what is clean stays the same object."""

import base64

import orjson
import pytest

from babysitter.model.errors import InvalidValueError, SecretError
from babysitter.model.secret import Secret
from babysitter.model.values import Json
from tests.unit.secrets.fakes import masker_of

VALUE = "p@ss:w/rd-hunter22"
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nabc\n-----END KEY-----\n"


def test_a_whole_string_becomes_a_reference() -> None:
    assert masker_of({"K": VALUE}).mask({"token": VALUE}) == {"token": {"$secret": "env:K"}}


def test_inside_a_longer_string_the_reference_is_inline() -> None:
    assert masker_of({"K": VALUE}).mask([f"Bearer {VALUE}!"]) == ["Bearer ${secret:env:K}!"]


def test_a_reference_carries_its_encoding() -> None:
    masker = masker_of({"K": VALUE})
    shifted = base64.b64encode(b"x" + VALUE.encode() + b"y").decode()

    stored = masker.mask([VALUE.encode().hex(), f"x {shifted}", PEM])

    assert stored[0] == {"$secret": "env:K", "as": "hex"}
    assert "|base64@1}" in stored[1]
    assert stored[2] == PEM
    assert masker.unmask(stored) == [VALUE.encode().hex(), f"x {shifted}", PEM]


def test_one_line_of_a_value_is_masked_too() -> None:
    masker = masker_of({"PEM": PEM})

    assert masker.mask("  MIIEvQIBADANBgkqhkiG9w0BAQ") == "  ${secret:env:PEM|line2}"
    assert masker.mask("abc") == "abc"


def test_secret_leaves_become_references() -> None:
    masker = masker_of({"K": VALUE}, "UNSET")

    stored = masker.mask({"a": Secret("env:K"), "b": [Secret("env:UNSET")], "c": (1, 2)})

    assert stored == {"a": {"$secret": "env:K"}, "b": [{"$secret": "env:UNSET"}], "c": (1, 2)}


def test_a_secret_leaf_that_is_not_declared_is_refused() -> None:
    with pytest.raises(SecretError, match="env:OTHER is not a declared secret"):
        masker_of({"K": VALUE}).mask({"a": Secret("env:OTHER")})


@pytest.mark.parametrize(
    "value",
    [
        {"$secret": "env:K"},
        "${secret:env:K}",
        "${$v:0.W10}",
        {"${$v:": "${$v:"},
        {"$masked": "rule"},
        {"$sealed": 1},
        {"$v": "0.W10"},
        {"$$secret": "env:K", "$secret": 1},
        {"${secret:env:K}": "$${secret:env:K|hex}"},
        [{"a": {"$secret": "env:K", "as": "hex"}}],
    ],
)
@pytest.mark.promise("G08")
def test_data_that_looks_like_a_reference_is_never_handed_a_value(value: Json) -> None:
    """A task that returns a reference gets its own text back, with secrets declared or without."""
    for masker in (masker_of({"K": VALUE}), masker_of({})):
        stored = masker.mask(value)

        assert stored != value
        assert masker.unmask(stored) == value


def test_where_only_a_text_can_stand_a_reference_is_inline() -> None:
    masker = masker_of({"K": VALUE})

    assert masker.mask_string(VALUE) == "${secret:env:K}"
    assert masker.mask_string("a clean text") == "a clean text"
    assert masker.mask_string("${secret:env:K}") == "$${secret:env:K}"


def test_a_key_that_is_a_secret_becomes_an_inline_reference() -> None:
    masker = masker_of({"K": VALUE})

    stored = masker.mask({VALUE: 1, f"x{VALUE}": 2})

    assert list(stored) == ["${secret:env:K}", "x${secret:env:K}"]
    assert masker.unmask(stored) == {VALUE: 1, f"x{VALUE}": 2}


def test_keys_that_have_become_the_same_lose_nothing_silently() -> None:
    stored = masker_of({"A": "first-value", "B": "second-value"}).mask({"first-value": 1, "second-value": 2})

    with pytest.raises(SecretError, match="two keys"):
        masker_of({"A": "same-value", "B": "same-value"}).unmask(stored)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1,
        1.5,
        "text",
        "costs $5",
        "${HOME}",
        [],
        {},
        (1, 2),
        {"a": [1, {"b": "$x"}]},
        "price$v",
        {"a": "$v"},
    ],
)
def test_what_needs_no_change_is_the_same_object(value: Json) -> None:
    for masker in (masker_of({"K": VALUE}), masker_of({})):
        assert masker.mask(value) is value
        assert not masker.changes(orjson.dumps(value)) or value in ("price$v", {"a": "$v"})


def test_parts_that_need_no_change_are_the_same_objects() -> None:
    clean = {"a": [1, 2, {"b": "some text"}]}

    stored = masker_of({"K": VALUE}).mask({"clean": clean, "dirty": VALUE})

    assert stored["clean"] is clean


def test_masks_nothing_is_true_without_values_only() -> None:
    assert masker_of({}, "UNSET").masks_nothing
    assert not masker_of({"K": VALUE}).masks_nothing


@pytest.mark.parametrize(
    "value", [{"a": object()}, {1: "x"}, ["\ud800"], {"a": [Secret("env:K"), {"b": b"bytes"}]}]
)
def test_what_is_no_json_is_refused(value: Json) -> None:
    with pytest.raises(InvalidValueError):
        masker_of({"K": VALUE}).mask(value)


class Text(str):
    """A string of an own class, which an encoder writes like any other."""

    __slots__ = ()


@pytest.mark.promise("G08")
def test_a_string_of_an_own_class_is_masked() -> None:
    masker = masker_of({"K": VALUE})

    stored = masker.mask([Text(VALUE)])

    assert VALUE.encode() not in orjson.dumps(stored)
    assert masker.unmask(stored) == [VALUE]


def test_masked_and_sealed_objects_stay_as_they_are_for_a_reader() -> None:
    stored = {"a": {"$masked": "generic-api-key", "hmac8": "12345678"}, "b": [{"$sealed": "x"}]}

    assert masker_of({"K": VALUE}).unmask(stored) == stored


@pytest.mark.parametrize(
    "stored", [{"$secret": "env:OTHER"}, "${secret:env:OTHER}", {"${secret:env:UNSET}": 1}]
)
def test_a_reference_that_does_not_resolve_is_named(stored: Json) -> None:
    with pytest.raises(SecretError, match=r"env:(OTHER|UNSET)"):
        masker_of({"K": VALUE}, "UNSET").unmask(stored)


def test_unmask_gives_back_the_object_that_holds_no_reference() -> None:
    value = {"a": [1, "text"]}

    assert masker_of({"K": VALUE}).unmask(value) is value


def test_a_rotated_secret_gives_the_new_value_in_the_old_encoding() -> None:
    stored = masker_of({"K": VALUE}).mask([VALUE, f"x={VALUE.encode().hex()}"])

    assert masker_of({"K": "new-value-9"}).unmask(stored) == ["new-value-9", f"x={b'new-value-9'.hex()}"]


def test_a_line_that_a_rotated_secret_no_longer_has_is_an_error() -> None:
    stored = masker_of({"K": PEM}).mask("MIIEvQIBADANBgkqhkiG9w0BAQ")

    with pytest.raises(SecretError, match="env:K has no line2 any more"):
        masker_of({"K": "one-line-only"}).unmask(stored)


def test_bytes_that_are_no_text_are_masked() -> None:
    masker = masker_of({"K": "schlüssel-1"})

    assert masker.mask_bytes(b"\xff\x00" + "schlüssel-1".encode() + b"\xc3") == b"\xff\x00${secret:env:K}\xc3"


def test_clean_bytes_are_the_same_object() -> None:
    data = b"nothing here \xff"

    assert masker_of({"K": VALUE}).mask_bytes(data) is data


def test_a_text_is_masked_for_screens() -> None:
    masker = masker_of({"K": VALUE})

    assert masker.mask_text(f"KeyError: {VALUE!r} \udcff") == "KeyError: '${secret:env:K}' \udcff"


def test_a_file_name_keeps_its_folder_and_suffix() -> None:
    masked = masker_of({"K": "hunter22-x"}).mask_name("dist/hunter22-x/app-hunter22-x.whl")

    assert masked.startswith("dist/(env-K)/app-(env-K)~")
    assert masked.endswith(".whl")


def test_a_clean_file_name_stays() -> None:
    assert masker_of({"K": VALUE}).mask_name("dist/app-1.0.whl") == "dist/app-1.0.whl"


def test_different_file_names_stay_different() -> None:
    masker = masker_of({"A": "hunter22-x"})
    names = [
        "hunter22-x",
        b"hunter22-x".hex(),
        "(env-A)",
        "a:b",
        "a$b",
        "a-b",
        "${secret:env:A}",
        "hunter22-x.txt",
        "hunter22-x.TXT",
    ]

    masked = [masker.mask_name(name) for name in names]

    assert len(set(masked)) == len(names)
    assert masked == [masker.mask_name(name) for name in names]


@pytest.mark.promise("G08")
def test_a_file_name_that_becomes_a_secret_by_being_made_safe_is_hidden() -> None:
    masked = masker_of({"A": "ab-cdefgh"}).mask_name("ab:cdefgh.txt")

    assert "ab-cdefgh" not in masked
    assert masked.startswith("~")


def test_the_digest_in_a_file_name_is_of_the_masked_name() -> None:
    """Two values of one secret give the same name, so the digest says nothing about the value."""
    assert masker_of({"A": "hunter22-x"}).mask_name("hunter22-x") == masker_of({"A": "rotated-y"}).mask_name(
        "rotated-y"
    )
