"""What a list shows of a run that has ended, at a glance: its lines are counted, not checked.

Following every line of every run on disk is what a server's start would wait for, and of what has ended
nothing is needed but its name, its end and its counts. What is seen so is read line by line later.

Invariants, each with a property in tests/unit/service/hosting/test_glance.py:
    - of a journal that verifies and has ended, it gives what reading it whole gives;
    - of one that has not ended, nothing; and whatever the bytes are, it raises nothing.
"""

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from babysitter.model import events as ev
from babysitter.model.lines import Record, record_alone
from babysitter.service.state import RunState

_BEFORE_TYPE = len('{"seq":,"prefix":"","type":"') + 64
"""How many characters stand before a line's type, without the digits of its seq."""
_BEFORE_DATA = len('","recordedAt":"2026-01-31T10:15:30.123456Z","data":')


class _Outcome(Struct):
    status: str


_outcome = Decoder(_Outcome)


def at_a_glance(journal: bytes) -> RunState | None:
    """Return where a run has ended, as far as a list shows it; None: it has not, or it must be read."""
    lines = journal.split(b"\n")
    # Whatever stands behind the last newline is a tail, which an ended run has none of.
    if lines.pop() or not lines:
        return None
    first, last = record_alone(lines[0] + b"\n"), record_alone(lines[-1] + b"\n")
    if first is None or last is None or last.seq != len(lines):
        return None
    try:
        created, end = _event(first), _event(last)
        if not isinstance(created, ev.RunCreated) or type(end) not in ev.END_TYPES:
            return None
        state = RunState(
            created=created,
            created_at=first.recorded_at,
            updated_at=last.recorded_at,
            seq=last.seq,
            end=end,
        )
        _count(lines, state)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return state


def _event(record: Record) -> ev.Event | None:
    try:
        return record.event()
    except KeyError:
        return None


def _count(lines: list[bytes], state: RunState) -> None:
    """Add what the effects came to."""
    for seq, line in enumerate(lines, 1):
        begin = _BEFORE_TYPE + len(str(seq))
        if not line.startswith(b"EFFECT_RE", begin):
            continue
        if line.startswith(b"EFFECT_REQUESTED", begin):
            state.steps += 1
        elif line.startswith(b"EFFECT_RESOLVED", begin):
            data = line[begin + len("EFFECT_RESOLVED") + _BEFORE_DATA : -1]
            if _outcome.decode(data).status == "ok":
                state.done += 1
            else:
                state.failed += 1
