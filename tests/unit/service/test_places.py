"""The journal says where in the code a call was made, and nothing depends on it."""

import re
from collections.abc import Sequence

import pytest

from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.lines import Chain
from babysitter.service.reading import read_state
from babysitter.service.runs import RunService
from babysitter.stores.interface import Holder
from tests.unit.service.runs import ROOT, answer, create, of_type, resume, start, workspace

SOURCE = (ROOT / "processes.py").read_text().split("\n")
HOLDER = Holder(user="a", host="b", pid=1, since="2026-01-01T00:00:00.000000Z")


def code_at(place: str) -> str:
    """Return the line of the process's file that a place names."""
    file, _, line = place.partition(":")
    assert file == "processes.py"
    return SOURCE[int(line) - 1]


@pytest.mark.parametrize(
    ("name", "inputs", "kind", "code"),
    [
        ("doubling", 2, ev.EffectRequested, "ctx.task("),
        ("asking", None, ev.BreakpointRequested, "ctx.breakpoint("),
        ("sleeping", 1, ev.TimerSet, "ctx.sleep("),
        ("listening", 1, ev.SignalAwaited, "ctx.signal("),
        ("parent", {"child": "doubling", "inputs": 2}, ev.ChildStarted, "ctx.child("),
    ],
)
def test_a_call_is_journaled_with_the_line_that_made_it(
    name: str, inputs: object, kind: type[ev.Event], code: str
) -> None:
    place = workspace()
    create(place, name, inputs)
    RunService(place).drive("r")

    found = of_type(place, kind)
    assert found
    assert all(code in code_at(event.place) for event in found)


def test_a_question_that_the_rules_raise_has_no_line_of_the_process() -> None:
    place = workspace()
    start(place, "deploying", ["x"])

    gates = [event for event in of_type(place, ev.BreakpointRequested) if "!" in event.call_id]
    assert gates
    assert {event.place for event in gates} == {""}


@pytest.mark.parametrize("written", [r'"place":"processes.py:9999"', ""])
def test_a_run_goes_on_whatever_its_journal_says_of_lines(written: str) -> None:
    """Those of before had none; a file that is moved under the same digest has others."""
    place = workspace()
    start(place, "asking", None)
    lines = place.store.read_journal("r").splitlines()
    assert sum(b'"place":' in line for line in lines) == 1

    lease = place.store.lease("r", HOLDER)
    lease.replace_journal(rechained(lines, written))
    lease.release()
    (asked,) = read_state(place.store, "r").breakpoints
    answer(place, asked, "approve")

    assert resume(place).status == "completed"


def rechained(lines: Sequence[bytes], written: str) -> bytes:
    """Return the lines with another place in each that has one, as a journal."""
    chain, found = Chain(), []
    for line in lines:
        match = re.fullmatch(
            rb'\{"seq":\d+,"prefix":"\w+","type":"(\w+)","recordedAt":"([^"]+)","data":(.*)\}', line
        )
        assert match is not None
        kind, at, data = match.groups()
        parse_time(at.decode())
        data = re.sub(rb',"place":"[^"]*"', b"," + written.encode() if written else b"", data)
        found.append(chain.line(kind.decode(), at.decode(), data))
    return b"".join(found)
