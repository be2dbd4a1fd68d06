"""Marks in output: usually readable, and never part of a secret themselves."""

import pytest

from tests.unit.secrets.fakes import leaks, masker_of


def test_a_mark_names_the_secret_and_its_form() -> None:
    masker = masker_of({"K": "hunter22-x"})

    assert (
        masker.mask_bytes(b"a hunter22-x " + b"hunter22-x".hex().encode())
        == b"a ${secret:env:K} ${secret:env:K|hex}"
    )


@pytest.mark.promise("G08")
@pytest.mark.parametrize(
    ("secrets", "output"),
    [
        ({"A": "abcdefgh", "B": "}1234567"}, b"abcdefgh1234567"),
        ({"A": "abcdefgh", "B": "1234567$"}, b"1234567abcdefgh"),
        ({"A": "abcdefgh", "B": "x${secret:env:A}y"}, b"xabcdefghy"),
        ({"A": "abcdefgh", "B": "secret:env:A"}, b"abcdefgh"),
        (
            {
                "A": "abcdefgh",
                "B": "}1234567",
                "C": "1234567<",
                "D": ">1234567",
                "E": "7654321[",
                "F": "]1234567",
                "G": "(1234567(",
            },
            b"abcdefgh1234567 1234567abcdefgh 7654321abcdefgh (1234567abcdefgh",
        ),
        (
            {
                "A": "abcdefgh",
                "B": ")1234567",
                "C": "]1234567",
                "D": "1234567@",
                "\ue000": "\ue000234567\ue001",
            },
            b"abcdefgh1234567abcdefgh",
        ),
    ],
)
def test_a_mark_and_the_text_around_it_never_spell_a_secret(secrets: dict[str, str], output: bytes) -> None:
    masker = masker_of(secrets)

    assert leaks(masker.mask_bytes(output), secrets) == []
    assert leaks(masker.mask_name(output.decode()).encode(), secrets) == []


def test_a_dollar_in_the_middle_of_a_secret_changes_no_mark() -> None:
    masker = masker_of({"A": "abc$def}ghi"})

    assert masker.mask_bytes(b"abc$def}ghi") == b"${secret:env:A}"


def test_a_private_character_that_a_secret_has_is_not_used() -> None:
    masker = masker_of(
        {
            "A": "abcdefgh",
            "B": "}1234567",
            "C": ">1234567",
            "D": "]1234567",
            "E": ")1234567",
            "F": "\ue000\ue001 private",
        }
    )

    assert masker.mask_text("abcdefgh") == "\ue0020\ue002"
