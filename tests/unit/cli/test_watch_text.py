"""What is drawn for somebody who watches in a terminal: it fits, it names the command, it moves no cursor."""

import re

import msgspec
import pytest

from babysitter.cli.screen import cut
from babysitter.cli.watch_text import Line, Size, inbox_screen, run_screen
from babysitter.journal.reader import read_records
from babysitter.service.hosting.timeline import Timeline
from babysitter.service.hosting.timeline_rows import TimelineView
from babysitter.service.queries import Queries
from babysitter.service.reading import read_state
from babysitter.service.views import RunView, run_view
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import start, workspace


def shown(place: FakeWorkspace) -> tuple[RunView, TimelineView]:
    """Return a run as it is drawn."""
    timeline = Timeline()
    for record in read_records(place.store, "r"):
        timeline.apply(record.event(), seq=record.seq, recorded_at=record.recorded_at)
    return run_view("r", read_state(place.store, "r")), timeline.view(place.clock.now_ns())


def text(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines)


@pytest.mark.parametrize(
    "size", [Size(columns=20, lines=5), Size(columns=80, lines=24), Size(columns=200, lines=60)]
)
@pytest.mark.parametrize("back", [0, 3, 1000])
def test_what_is_drawn_fits_the_screen(size: Size, back: int) -> None:
    place = workspace()
    start(place, "side_by_side", ["界" * 40] * 40)

    lines = run_screen(*shown(place), size, back=back)

    assert len(lines) <= size.lines
    assert all(cut(line.text, size.columns) == line.text for line in lines)


def test_a_question_stands_with_the_command_that_answers_it() -> None:
    place = workspace()
    start(place, "asking", None)
    (asked,) = Queries(place).inbox()

    for lines in (
        run_screen(*shown(place), Size(columns=120, lines=20)),
        inbox_screen([asked], Size(columns=120, lines=20)),
    ):
        assert f"babysitter approve r/{asked.breakpoint_id}" in text(lines)
        assert asked.question.split()[0] in text(lines)


def test_the_last_rows_are_in_sight_and_the_first_ones_are_scrolled_to() -> None:
    place = workspace()
    start(place, "one_after_the_other", [f"n{number}" for number in range(60)])
    size = Size(columns=100, lines=20)

    last, first = run_screen(*shown(place), size), run_screen(*shown(place), size, back=1000)

    assert re.search(r"^60 ", text(last), re.MULTILINE)
    assert not re.search(r"^1 ", text(last), re.MULTILINE)
    assert re.search(r"^1 ", text(first), re.MULTILINE)


def test_what_expires_soonest_stands_first_and_says_when() -> None:
    place = workspace()
    start(place, "asking", None)
    (asked,) = Queries(place).inbox()
    late, soon = (
        msgspec.structs.replace(asked, breakpoint_id=name, expires_at=f"2026-11-28T{hour}:30:00Z")
        for name, hour in (("late", "18"), ("soon", "09"))
    )

    drawn = text(inbox_screen([asked, late, soon], Size(columns=120, lines=20)))

    assert re.findall(r"approve r/(\S+)", drawn) == ["soon", "late", asked.breakpoint_id]
    assert re.findall(r"\[expires (.*?)\]", drawn) == ["09:30 UTC", "18:30 UTC"]


def test_an_inbox_without_questions_says_so() -> None:
    assert "Nothing waits for a person." in text(inbox_screen([], Size(columns=80, lines=10)))


def test_a_label_moves_no_cursor() -> None:
    place = workspace()
    start(place, "side_by_side", ["a"])
    view, times = shown(place)
    hostile = TimelineView(
        **{
            **{name: getattr(times, name) for name in TimelineView.__struct_fields__},
            "rows": tuple(
                type(row)(
                    **{
                        **{name: getattr(row, name) for name in row.__struct_fields__},
                        "label": "\x1b[2Jgone\r\n",
                    }
                )
                for row in times.rows
            ),
        }
    )

    assert text(run_screen(view, hostile, Size(columns=80, lines=24))).replace("\n", "").isprintable()
