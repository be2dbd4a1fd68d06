"""A line is what formats say it is, and the chain holds every byte before it."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.lines import BrokenLineError, Chain, Record, seq_of

TIME = "2026-01-31T10:15:30.123456Z"
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
PAYLOADS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), min_size=1, max_size=6)


def journal(payloads: list[dict[str, object]]) -> bytes:
    chain = Chain()
    return b"".join(chain.line("LOG", TIME, msgspec.json.encode(payload)) for payload in payloads)


def read(data: bytes) -> list[Record]:
    return list(Chain().read(data))


def test_a_line_is_written_to_the_letter() -> None:
    first = Chain().line("LOG", TIME, b'{"callId":"1"}')

    empty = hashlib.sha256(b"").hexdigest()
    assert first == (
        b'{"seq":1,"prefix":"'
        + empty.encode()
        + b'","type":"LOG","recordedAt":"'
        + TIME.encode()
        + b'","data":{"callId":"1"}}\n'
    )


@given(PAYLOADS)
def test_what_is_written_is_read_back(payloads: list[dict[str, object]]) -> None:
    records = read(journal(payloads))

    assert [record.seq for record in records] == list(range(1, len(payloads) + 1))
    assert [msgspec.json.decode(record.data) for record in records] == payloads


@given(PAYLOADS)
def test_every_prefix_is_the_digest_of_every_byte_before(payloads: list[dict[str, object]]) -> None:
    data = journal(payloads)

    position = 0
    for record, line in zip(read(data), data.splitlines(keepends=True), strict=False):
        assert record.prefix == hashlib.sha256(data[:position]).hexdigest()
        position += len(line)


def read_values(data: bytes) -> list[object]:
    return [msgspec.json.decode(record.data) for record in read(data)]


@given(PAYLOADS, st.data())
def test_no_change_before_the_last_line_goes_unseen(
    payloads: list[dict[str, object]], drawn: st.DataObject
) -> None:
    data = journal([*payloads, {}])
    last = data.rindex(b"\n", 0, -1) + 1
    at = drawn.draw(st.integers(0, last - 1))
    other = drawn.draw(st.integers(0, 255).filter(lambda byte: byte != data[at]))

    # A newline that is lost makes the last two lines one, whose bytes no chain knows; they are no JSON.
    with pytest.raises((BrokenLineError, msgspec.DecodeError)):
        read_values(data[:at] + bytes([other]) + data[at + 1 :])


@given(PAYLOADS, st.integers(1, 200))
def test_a_chain_goes_on_where_another_stopped(payloads: list[dict[str, object]], cut: int) -> None:
    data = journal(payloads)
    lines = data.splitlines(keepends=True) if b"\r" not in data else data.split(b"\n")
    half = b"".join(lines[: cut % len(payloads)]) if data.count(b"\n") == len(lines) else b""
    chain = Chain()
    before = list(chain.read(half))

    after = list(chain.copy().read(data[len(half) :]))

    assert [*before, *after] == read(data)
    assert chain.offset == len(half)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda line: line[:-1], "newline"),
        (lambda line: line.replace(b'"seq":1', b'"seq":2'), "seq 2 where 1"),
        (lambda line: line.replace(b'"seq":1', b'"seq":01'), "not a journal line"),
        (lambda line: line.replace(b'"prefix":"e', b'"prefix":"f'), "prefix"),
        (lambda line: line.replace(b'"prefix":"e', b'"prefix":"E'), "not a journal line"),
        (lambda line: line.replace(b',"type"', b', "type"'), "not a journal line"),
        (lambda line: line.replace(b'"data":{}', b'"data":[]'), "not a journal line"),
        (lambda line: line.replace(b'"data":{}', b'"data":{\0}'), "NUL"),
        (lambda line: line.replace(b"Z", b"+"), "not a journal line"),
        (lambda line: b"\n" + line, "not a journal line"),
    ],
)
def test_a_line_of_another_form_is_named_with_its_problem(change: object, problem: str) -> None:
    line = Chain().line("LOG", TIME, b"{}")

    with pytest.raises(BrokenLineError, match=problem) as broken:
        read(change(line))  # type: ignore[operator]

    assert broken.value.seq == 1
    assert broken.value.offset == 0


def test_a_line_tells_its_number_only_when_it_is_a_line() -> None:
    line = Chain().line("LOG", TIME, b"{}")

    assert seq_of(line) == 1
    assert seq_of(line[1:]) is None
