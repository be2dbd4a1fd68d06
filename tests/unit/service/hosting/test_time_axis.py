"""Moments on a line, and what a run's time went by with: whatever the intervals, order and sums hold."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from babysitter.service.hosting.time_axis import GAPS_MAX, NS, axis_of, spent

moments = st.integers(0, 10**6).map(lambda second: second * NS // 10)
intervals = st.lists(st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair))), max_size=30)


@given(begin=moments, length=st.integers(0, 10**15), busy=intervals, looked=st.lists(moments, max_size=20))
def test_places_grow_with_moments_and_stay_on_the_line(
    begin: int, length: int, busy: list[tuple[int, int]], looked: list[int]
) -> None:
    axis = axis_of(begin, begin + length, busy)

    places = [axis.place(at) for at in sorted(looked)]
    assert all(0 <= place <= 100 for place in places)
    assert all(before <= after for before, after in pairwise(places))
    assert axis.place(begin) == 0
    assert axis.place(max(begin + length, begin + 1)) == 100
    assert len(axis.gaps) <= GAPS_MAX


@given(begin=moments, length=st.integers(1, 10**15), busy=intervals)
def test_what_is_collapsed_is_idle_and_drawn_shorter_than_it_was(
    begin: int, length: int, busy: list[tuple[int, int]]
) -> None:
    axis = axis_of(begin, begin + length, busy)

    for gap in axis.gaps:
        assert not any(max(gap[0], one[0]) < min(gap[1], one[1]) for one in busy)
    assert all(before[1] <= after[0] for before, after in pairwise(axis.gaps))


def test_a_night_of_waiting_leaves_room_for_the_second_of_work() -> None:
    night = 8 * 3600 * NS
    axis = axis_of(0, night + 2 * NS, [(0, NS), (night + NS, night + 2 * NS)])

    assert axis.gaps == ((NS, night + NS),)
    assert axis.place(NS) == 48
    assert axis.place(night + NS) == 52


def test_a_run_that_only_waited_is_drawn_as_it_was() -> None:
    assert axis_of(0, 1000 * NS, []).gaps == ()


@given(
    begin=moments,
    length=st.integers(0, 10**15),
    work=intervals,
    people=intervals,
    timers=intervals,
)
def test_the_parts_add_up_to_the_whole(
    begin: int,
    length: int,
    work: list[tuple[int, int]],
    people: list[tuple[int, int]],
    timers: list[tuple[int, int]],
) -> None:
    found = spent(begin, begin + length, {"work": work, "people": people, "timers": timers})

    assert sum(found.values()) == length
    assert all(part >= 0 for part in found.values())


def test_while_something_works_nobody_is_waited_for() -> None:
    found = spent(0, 100, {"work": [(10, 30), (20, 40)], "people": [(0, 60)], "timers": [(50, 90)]})

    assert found == {"work": 30, "people": 30, "timers": 30, "other": 10}
