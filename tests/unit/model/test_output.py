"""The end of what a program writes is kept in bounded memory, and all of it is passed on."""

from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.output import Tail
from tests.unit.executors.fakes import FakeSink


@given(st.lists(st.binary(max_size=40)), st.integers(1, 30))
def test_the_end_is_kept_however_it_comes(chunks: list[bytes], most: int) -> None:
    whole = b"".join(chunks)
    passed = FakeSink()
    tail = Tail(most, passed)

    for chunk in chunks:
        tail.write(chunk)

    assert tail.tail(most) == whole[-most:].decode(errors="replace")
    assert passed.kept == whole


def test_no_characters_are_none() -> None:
    tail = Tail(10)
    tail.write(b"abc")

    assert (tail.tail(0), tail.tail(2)) == ("", "bc")
