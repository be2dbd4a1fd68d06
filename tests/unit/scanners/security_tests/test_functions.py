"""Which functions changed, and which lines say that one was executed."""

import pytest

from babysitter.scanners.security_tests.functions import changed, functions_of

pytestmark = pytest.mark.promise("G16")
SOURCE = b'''\
import os

X = 1


@decorated
def outer(a):
    """A docstring
    of two lines."""
    b = a

    async def inner():
        return b

    return inner


class Shop:
    def cancel(self): return 1

    def empty(self):
        """Only a docstring."""
'''


def names(lines: set[int] | None) -> list[str]:
    found = changed(functions_of(SOURCE), None if lines is None else frozenset(lines))
    return [function.name for function in found]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ({1, 3}, []),
        ({6}, ["outer"]),
        ({8}, ["outer"]),
        ({10, 15}, ["outer"]),
        ({13}, ["outer.inner"]),
        ({19}, ["Shop.cancel"]),
        ({10, 13, 19}, ["outer", "outer.inner", "Shop.cancel"]),
        (None, ["outer", "outer.inner", "Shop.cancel", "Shop.empty"]),
    ],
)
def test_the_innermost_function_around_a_changed_line_is_the_changed_one(
    lines: set[int] | None, found: list[str]
) -> None:
    assert names(lines) == found


def test_neither_heading_nor_docstring_nor_an_inner_body_says_that_a_function_ran() -> None:
    outer, inner, cancel, empty = functions_of(SOURCE)

    assert outer.body == {10, 12, 15}
    assert inner.body == {13}
    assert cancel.body == {19}
    assert empty.body == {22}
