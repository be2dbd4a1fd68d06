"""Values that are small to keep and large to show: cut before they are made large, or not handed out."""

import json

import pytest

from babysitter.model.errors import RefusedError
from babysitter.server.pages.rendering import brief, markdown
from babysitter.service.exporting import run_archive
from babysitter.service.runs import RunService
from babysitter.service.shown import VALUES_CHARS_MAX, _indented_chars, _pretty
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.server.served import PROCESSES


def nested(depth: int, count: int) -> object:
    value: object = [0] * count
    for _ in range(depth):
        value = [value]
    return value


def test_what_a_page_cuts_is_not_indented_first() -> None:
    """Indented, this takes sixty times its bytes."""
    large, small = nested(60, 30_000), {"a": [1, 2]}

    assert len(brief(large, 8000)) < 61_000
    assert json.loads(brief(large, 8000)) == large
    assert brief(small, 8000) == '{\n  "a": [\n    1,\n    2\n  ]\n}'


@pytest.mark.parametrize(
    "value", [nested(60, 30_000), {"a": {"b": ["x" * 9, None, True, 1.5]}}, [[], {}] * 500, "text", 7, None]
)
def test_how_long_a_value_is_over_several_lines_is_told_without_making_it_so(value: object) -> None:
    told, made = _indented_chars(value), len(_pretty(value))

    assert made <= told * 1.5 + 10
    assert told <= made * 2 + 10
    assert (told > VALUES_CHARS_MAX) == (made > VALUES_CHARS_MAX)


def test_a_run_that_is_larger_than_may_be_handed_out_at_once_is_not() -> None:
    place = FakeWorkspace(PROCESSES)
    RunService(place).start("processes.py#asking", None, run_id="r")
    whole, _ = run_archive(place, "r")

    assert run_archive(place, "r", bytes_max=len(whole))[0] == whole
    with pytest.raises(RefusedError, match="handed out at once") as refused:
        run_archive(place, "r", bytes_max=100)
    assert "babysitter journal export r" in refused.value.hint


def test_a_text_that_was_rendered_is_kept_for_the_next_look() -> None:
    text = "# Kept\n" * 3

    assert markdown(text) is markdown("# Kept\n" * 3)
