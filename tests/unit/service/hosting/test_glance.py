"""A glance at a run that has ended says what reading it whole says, and of others nothing."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from babysitter.model import events as ev
from babysitter.model.lines import Chain, encode_data
from babysitter.model.values import Json
from babysitter.service.hosting.catalogue import entry_of
from babysitter.service.hosting.glance import at_a_glance
from babysitter.service.state import RunState

AT = "2026-01-31T10:15:30.123456Z"
HEAD = '{"seq":3,"prefix":"' + "0" * 64 + '",'
LOOKS_LIKE_A_LINE = f'{HEAD}"type":"EFFECT_RESOLVED","recordedAt":"{AT}","data":{{"status":"ok"}}}}\n'
PAYLOADS: list[Json] = [
    None,
    {"status": "error", "type": "EFFECT_REQUESTED"},
    LOOKS_LIKE_A_LINE * 2,
    [{"seq": 3, "prefix": "0" * 64, "type": "EFFECT_REQUESTED", "recordedAt": AT, "data": {}}],
]
CREATED = ev.RunCreated(
    run_id="r",
    process_id="release",
    entry="release.py#release",
    process_digest="d",
    inputs_sha256="i",
    run_sha256="r",
    policy_sha256="p",
    requested_by="ada",
    sandbox="bubblewrap",
    format_version=1,
    product_version="0",
    python_version="3",
)
ENDS: list[ev.Event] = [
    ev.RunCompleted(output=LOOKS_LIKE_A_LINE, output_sha256="o"),
    ev.RunFailed(error=ev.ErrorInfo(name="E", message=LOOKS_LIKE_A_LINE)),
    ev.RunCancelled(reason="no"),
]


def asked(number: int, payload: Json) -> ev.EffectRequested:
    return ev.EffectRequested(
        effect_id=f"e{number}",
        call_id=f"{number}",
        task_id="t",
        kind="shell",
        label="t",
        args_sha256="a",
        task_def_ref="t",
        args=payload,
    )


def effect(number: int, outcome: str, payload: Json) -> list[ev.Event]:
    """Return an effect's lines: asked for and left open, given up, or resolved."""
    name = f"e{number}"
    if outcome == "open":
        return [asked(number, payload)]
    if outcome == "cancelled":
        return [asked(number, payload), ev.EffectCancelled(effect_id=name, call_id=f"{number}")]
    started = ev.EffectStarted(effect_id=name, attempt=1, sandbox_sha256="s", worker="w")
    status: Literal["ok", "error"] = "ok" if outcome == "ok" else "error"
    return [
        asked(number, payload),
        started,
        ev.EffectResolved(effect_id=name, attempt=1, status=status, result=payload),
    ]


def written(events: list[ev.Event]) -> bytes:
    chain = Chain()
    return b"".join(chain.line(event.type, AT, encode_data(event)) for event in events)


def read_whole(journal: bytes) -> RunState:
    state = RunState()
    for record in Chain().read(journal):
        state.apply(record.event(), seq=record.seq, recorded_at=record.recorded_at)
    return state


STORIES = st.lists(
    st.tuples(st.sampled_from(["open", "cancelled", "ok", "failed"]), st.sampled_from(PAYLOADS)), max_size=40
).map(
    lambda steps: [
        line for number, (outcome, payload) in enumerate(steps) for line in effect(number, outcome, payload)
    ]
)


@given(STORIES, st.sampled_from(ENDS))
def test_a_glance_at_what_has_ended_gives_the_entry_that_reading_it_gives(
    story: list[ev.Event], end: ev.Event
) -> None:
    journal = written([CREATED, *story, end])

    state = at_a_glance(journal)

    assert state is not None
    assert entry_of("r", state, len(journal)) == entry_of("r", read_whole(journal), len(journal))


@given(STORIES)
def test_of_a_run_that_goes_on_a_glance_gives_nothing(story: list[ev.Event]) -> None:
    assert at_a_glance(written([CREATED, *story])) is None


@given(STORIES, st.data())
def test_no_bytes_make_a_glance_fail(story: list[ev.Event], data: st.DataObject) -> None:
    journal = bytearray(written([CREATED, *story, ENDS[0]]))
    for place in data.draw(st.lists(st.integers(0, len(journal) - 1), max_size=4)):
        journal[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(journal)))

    at_a_glance(bytes(journal))
    at_a_glance(bytes(journal[:cut]))
    at_a_glance(bytes(journal[cut:]))


def test_a_torn_tail_or_a_line_too_few_is_left_to_be_read() -> None:
    journal = written([CREATED, asked(1, None), ENDS[0]])
    lines = journal.splitlines(keepends=True)

    assert at_a_glance(journal + b"x") is None
    assert at_a_glance(lines[0] + lines[2]) is None
    assert at_a_glance(b"") is None
    assert at_a_glance(b"\n") is None
