"""Properties of masking: no form of any secret in what is stored, and nothing lost on the way back."""

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.secrets.fakes import leaks, masker_of, secret_value, secret_values, text, values_with_secrets

moderate = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.promise("G08")
@moderate
@given(st.data())
def test_what_is_stored_holds_no_form_and_gives_the_same_value_back(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    value = data.draw(values_with_secrets(secrets))
    masker = masker_of(secrets)

    stored = masker.mask(value)

    assert leaks(orjson.dumps(stored), secrets) == []
    assert masker.unmask(orjson.loads(orjson.dumps(stored))) == value


@pytest.mark.promise("G08")
@moderate
@given(st.data())
def test_masking_a_value_of_pieces_of_notation_leaves_no_form(data: st.DataObject) -> None:
    """Most of these values hold no secret as such; notation and punctuation around them may spell one."""
    secrets = data.draw(secret_values())
    value = data.draw(
        st.recursive(
            text, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
        )
    )
    masker = masker_of(secrets)

    stored = masker.mask(value)

    assert leaks(orjson.dumps(stored), secrets) == []
    assert masker.unmask(stored) == value


@pytest.mark.promise("G08")
@moderate
@given(st.data())
def test_a_text_stays_a_text_holds_no_form_and_comes_back(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    known = sorted(secrets.values())
    piece = st.one_of(text, st.integers(0, len(known) - 1).map(lambda number: known[number]))
    value = "".join(data.draw(st.lists(piece, max_size=5)))
    masker = masker_of(secrets)

    stored = masker.mask_string(value)

    assert leaks(orjson.dumps(stored), secrets) == []
    assert masker.unmask(stored) == value


@pytest.mark.promise("G08")
@moderate
@given(st.data())
def test_masked_bytes_hold_no_form(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    parts = [part.encode() for value in secrets.values() for part in (value, value[:-1], value[1:])]
    part = st.integers(0, len(parts) - 1).map(lambda number: parts[number])
    pieces = data.draw(st.lists(st.one_of(part, st.binary(max_size=6), text.map(str.encode)), max_size=8))

    masked = masker_of(secrets).mask_bytes(b"".join(pieces))

    assert leaks(masked, secrets) == []


@pytest.mark.promise("G08")
@moderate
@given(st.data())
def test_masked_names_hold_no_form(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    name = "".join(
        data.draw(st.lists(st.one_of(text, st.sampled_from(sorted(secrets.values()))), max_size=4))
    )

    masked = masker_of(secrets).mask_name(name)

    assert leaks(masked.encode(), secrets) == []
    assert not set(masked) & set("${:")


@moderate
@given(st.data())
def test_different_keys_stay_different(data: st.DataObject) -> None:
    secrets = data.draw(secret_values())
    keys = data.draw(
        st.lists(st.one_of(text, st.sampled_from(sorted(secrets.values()))), unique=True, max_size=6)
    )
    value = {key: number for number, key in enumerate(keys)}
    masker = masker_of(secrets)

    stored = masker.mask(value)

    assert masker.unmask(stored) == value


@moderate
@given(st.data(), secret_value)
def test_a_rotated_secret_gives_its_new_value(data: st.DataObject, new: str) -> None:
    old = "old-value-0123456789"
    around = data.draw(text)
    name = data.draw(st.sampled_from(["raw", "json", "base64", "base64@1", "hex", "url", "repr", "shell"]))
    from babysitter.secrets.forms import encode

    stored = masker_of({"A": old}).mask([f"{around}{encode(old, name)}"])
    rotated = masker_of({"A": new}).unmask(stored)

    # Letters, digits and dashes are the same in most forms, and the simplest name is then the one stored.
    kept = name if encode(old, name) != old else "raw"
    assert rotated == [f"{around}{encode(new, kept)}"]
