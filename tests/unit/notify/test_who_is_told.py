"""Who is told when a question changes hands or falls away, and what a run's end does to it."""

from pathlib import Path

import msgspec
import orjson
import pytest

from babysitter.config import parse_settings
from babysitter.journal.reader import read_records
from babysitter.model.errors import SettingsError
from babysitter.model.lines import Record
from babysitter.service.delivery import Delivery
from babysitter.service.notify.story import Story
from babysitter.service.notify.words import Letter
from babysitter.service.runs import RunService
from tests.unit.notify.telling import (
    EVERYTHING,
    Taken,
    answer,
    ask,
    channel,
    names,
    now_ns,
    outbox,
    states,
    workspace,
)
from tests.unit.notify.test_outbox import ALICE, BOB, ruled

QUESTION = "1-production-deployment"


def to(letter: Letter) -> list[str]:
    found: list[str] = orjson.loads(letter.body)["data"]["to"]
    return found


def test_whoever_a_question_is_passed_on_to_is_told_and_reminded(tmp_path: Path) -> None:
    place, taken = workspace(channel("bob", to=(BOB,))), Taken()
    ruled(place, people=("alice", BOB), remind_after="1h")
    ask(place)
    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place))

    Delivery(place).pass_on("r", QUESTION, [BOB])
    RunService(place).drive("r")
    box.pump(now_ns(place))
    box.pump(now_ns(place, hours=2))

    assert names(taken.kinds) == ["breakpoint.requested", "breakpoint.reassigned", "breakpoint.reminder"]
    assert [to(letter) for _, letter in taken.letters] == [["alice", BOB], [BOB], [BOB]]


def test_who_has_answered_is_not_reminded(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ruled(place, people=("alice", BOB), quorum=2, remind_after="1h")
    ask(place)
    answer(place)

    outbox(place, tmp_path, taken).pump(now_ns(place, hours=2))

    assert [to(letter) for _, letter in taken.letters] == [["alice", BOB], [BOB]]


def test_one_person_under_two_names_is_reached_by_either(tmp_path: Path) -> None:
    place, taken = workspace(channel(to=(ALICE,))), Taken()
    ruled(place, people=("alice",))
    place.policy = type(place.policy)(
        rules=place.policy.rules,
        roles=place.policy.roles,
        people=parse_settings(f'[people]\n"{ALICE}" = {{ accounts = ["alice"] }}\n').people,
    )
    ask(place)

    outbox(place, tmp_path, taken).pump(now_ns(place))

    assert len(taken.letters) == 1


def test_a_question_that_the_process_let_go_is_told_no_more(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ruled(place, remind_after="1h")
    RunService(place).start("processes.py#letting_go", None, run_id="r")
    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place))
    assert names(taken.kinds) == ["breakpoint.requested"]

    place.pause(601)
    RunService(place).drive("r")
    box.pump(now_ns(place, hours=2))

    assert len(taken.letters) == 1


def test_a_question_of_a_run_that_was_cancelled_is_told_no_more(tmp_path: Path) -> None:
    place, taken = workspace(channel(events=EVERYTHING)), Taken()
    ruled(place, remind_after="1h")
    ask(place)
    Delivery(place).cancel("r", reason="no more")
    RunService(place).drive("r")

    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place, hours=2))

    assert names(taken.kinds) == ["run.cancelled"]
    assert states(box, now_ns(place)) == [("run.cancelled", "sent")]


def test_silence_until_the_end_is_told_as_what_it_is(tmp_path: Path) -> None:
    place, taken = workspace(channel(events=("breakpoint.expired",))), Taken()
    ask(place, expires_in=3600)
    place.pause(3700)
    RunService(place).drive("r")

    outbox(place, tmp_path, taken).pump(now_ns(place))

    (letter,) = (letter for _, letter in taken.letters)
    assert letter.title == "Expired unanswered, which means no: Production Deployment"
    assert "Answer it" not in letter.text


def test_nothing_is_asked_any_more_by_a_run_that_has_ended() -> None:
    """A run that could not go on may end without letting its questions go one by one."""
    place = workspace()
    ask(place)
    story = Story("r")
    story.read(read_records(place.store, "r"))
    error = msgspec.json.encode({"error": {"name": "Defect", "message": "no"}})

    story.read([Record(9, "0" * 64, "RUN_FAILED", "2026-01-31T10:15:30.123456Z", error)])

    assert story.has_ended
    assert [fact.asked.decided for fact in story.facts if fact.asked is not None] == ["cancelled"]


HEAD = '[[notify.channels]]\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{HEAD}kind = "webhook"\nurl = "https://x.example/"\n', "needs keys"),
        (f'{HEAD}kind = "apprise"\nurl = "slack://T/O/K"\n', "holds tokens"),
        (f'{HEAD}kind = "apprise"\nurl = "env:X"\nkeys = ["env:Y"]\n', "are of webhooks"),
        (f'{HEAD}kind = "carrier"\nurl = "env:X"\n', "carrier"),
        (f'{HEAD}kind = "apprise"\nurl = "env:X"\nevents = ["run.started"]\n', "run.started"),
        (f'{HEAD}kind = "apprise"\nurl = "env:X"\n{HEAD}kind = "apprise"\nurl = "env:Y"\n', "two channels"),
        (f'{HEAD}kind = "apprise"\nurl = "env:X"\nurls = "env:X"\n', 'Did you mean "url"?'),
        ('[notify]\nlink = "javascript:alert(1)"\n', "link"),
        ('[notify]\nlink = "https://x.example/?a=b"\n', "link"),
        ('[notify]\nmax_age = "soon"\n', "max_age"),
    ],
)
def test_a_setting_that_could_not_be_used_safely_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)

    assert said in str(caught.value)
    assert "T/O/K" not in str(caught.value)
