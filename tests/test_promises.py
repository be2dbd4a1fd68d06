"""The promises of docs/reference/promises.md and the tests that keep them name each other.

A promise is a row of a table there: its first cell is the id, and one of its cells says ``kept`` or
``not yet``. Tests name it with ``@pytest.mark.promise("G08")``. They are found by reading the tests' syntax,
so a test that cannot be imported here still counts, and one that is only generated does not.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reference" / "promises.md"
PROMISES = tuple(f"G{number:02}" for number in range(1, 30))
STATES = ("kept", "not yet")


def rows(page: str) -> Iterator[tuple[str, str]]:
    """Give (id, state) of each row of the page's tables; the state is empty when the row has none."""
    for line in page.splitlines():
        if not line.startswith("|"):
            continue
        cells = [re.sub(r"<[^>]*>|[*_`]", "", cell).strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"[A-Z]\d\d", cells[0]):
            yield cells[0], next((cell for cell in cells[1:] if cell in STATES), "")


def named_promises(source: str, where: str) -> Iterator[tuple[str, str]]:
    """Give (id, place) of each ``pytest.mark.promise(...)``; ``?`` for an id that is not a literal."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "promise"
        ):
            for argument in node.args or [ast.Constant(value=None)]:
                value = argument.value if isinstance(argument, ast.Constant) else None
                yield (value if isinstance(value, str) else "?"), f"{where}:{node.lineno}"


def all_named() -> dict[str, list[str]]:
    """Return the places of each promise that a test names."""
    places: dict[str, list[str]] = {}
    for file in sorted(TESTS.rglob("*.py")):
        for promise, place in named_promises(
            file.read_text(encoding="utf-8"), str(file.relative_to(TESTS.parent))
        ):
            places.setdefault(promise, []).append(place)
    return places


def page_states() -> dict[str, str]:
    """Return the state of each promise on the page."""
    assert PAGE.is_file(), (
        "docs/reference/promises.md is missing: it marks each promise G01 to G29 kept or not yet."
    )
    return dict(rows(PAGE.read_text(encoding="utf-8")))


def test_every_promise_has_one_row_and_a_state() -> None:
    listed = [promise for promise, _ in rows(PAGE.read_text(encoding="utf-8"))] if PAGE.is_file() else []
    stateless = [promise for promise, state in page_states().items() if not state]

    assert sorted(listed) == list(PROMISES), (
        "docs/reference/promises.md needs one table row for each of these ids."
    )
    assert stateless == [], f'Each row needs a cell that says "kept" or "not yet"; without one: {stateless}'


def test_every_kept_promise_has_a_test() -> None:
    named = all_named()

    untested = [
        promise for promise, state in page_states().items() if state == "kept" and promise not in named
    ]

    assert untested == [], (
        f"docs/reference/promises.md says kept, and no test says @pytest.mark.promise(...) with: {untested}. "
        'Write the test, or write "not yet".'
    )


def test_no_test_names_an_unknown_promise() -> None:
    unknown = {promise: places for promise, places in all_named().items() if promise not in PROMISES}

    assert unknown == {}, (
        f"Promises are {PROMISES[0]} to {PROMISES[-1]}, written as literals; these are not: {unknown}"
    )


def test_a_row_is_read_however_it_is_set() -> None:
    page = (
        "# G01\n| id | state |\n|---|---|\n| **G01** | `kept` |\n| G02 | y | *not yet* |\n| G03 | maybe |\n"
    )

    assert list(rows(page)) == [("G01", "kept"), ("G02", "not yet"), ("G03", "")]


def test_a_marker_is_found_in_every_place_that_pytest_takes_it() -> None:
    source = (
        "import pytest\n"
        'pytestmark = pytest.mark.promise("G01")\n'
        '@pytest.mark.promise("G02")\nclass TestX: ...\n'
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.promise("G03"))])\n'
        "def test_y(): ...\n"
        "@pytest.mark.promise(NAME)\ndef test_z(): ...\n"
    )

    found = sorted(promise for promise, _ in named_promises(source, "x.py"))

    assert found == ["?", "G01", "G02", "G03"]
