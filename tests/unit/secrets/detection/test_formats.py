"""The little language of forms: what it says is found, whole, and nothing that goes on as it began."""

import random

import pytest
import re2

from babysitter.secrets.detection.formats import expression, gate_expression, pieces_of
from babysitter.secrets.detection.gate import options
from tests.unit.secrets.detection.test_issuers import FORMS
from tests.unit.secrets.detection.tokens import made

DICE = random.Random(31)


@pytest.mark.parametrize("form", [form for _, form in FORMS])
def test_a_token_by_chance_is_matched_whole_and_by_the_gate(form: str) -> None:
    token = made(form, DICE)

    match = re2.compile(expression(form).encode(), options()).search(f"x = {token} ;".encode())

    assert match is not None
    assert match[1] == token.encode()
    assert re2.compile(gate_expression(form).encode(), options()).search(token.encode())


def test_a_token_that_goes_on_in_its_alphabet_is_none() -> None:
    regex = re2.compile(expression("acme_{hex:8}").encode(), options())

    assert regex.search(b"acme_01234567.") is not None
    assert regex.search(b"acme_012345678") is None
    assert regex.search(b"xacme_01234567") is None


@pytest.mark.parametrize("form", ["acme_{hexa:8}", "acme_{hex:}", "acme_{hex:8", "acme_(a|b"])
def test_what_is_no_form_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="acme_"):
        list(pieces_of(form))
