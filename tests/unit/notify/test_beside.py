"""A driver that tells of its run beside it: whatever becomes of that, the driver goes its way."""

import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.model.errors import StoreFailedError
from babysitter.service.notify import telling
from babysitter.service.notify.channel import not_sent
from babysitter.service.notify.kept import OutboxFiles
from babysitter.service.notify.telling import Beside
from babysitter.service.ports import SystemClock
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.notify.telling import ROOT, Taken, ask, channel, outbox, workspace

SOON_S = 20.0
"""Ample for what takes no time; nothing here waits for it to pass."""


class Sent(Taken):
    """See Taken. ``came``: is set once something was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Event()
        self.look = lambda _letter: self.came.set()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sent:
    """Have every outbox be in the test's folder, with channels that note what they take."""
    found = Sent()

    def opened(place: FakeWorkspace, *_: Any) -> Any:
        return outbox(place, tmp_path, found)

    monkeypatch.setattr(telling, "open_outbox", opened)
    return found


@pytest.fixture
def place() -> FakeWorkspace:
    return FakeWorkspace(ROOT, settings=workspace().place.settings, clock=SystemClock())


def test_a_question_is_told_while_its_driver_waits(place: FakeWorkspace, taken: Sent) -> None:
    beside = Beside(place, "r")
    beside.start()
    ask(place)

    assert taken.came.wait(SOON_S)
    assert beside.finish(SOON_S) == []
    assert len(taken.letters) == 1


def test_what_comes_up_at_the_very_end_is_told_before_it_leaves(place: FakeWorkspace, taken: Sent) -> None:
    beside = Beside(place, "r")
    ask(place)
    beside.start()

    assert beside.finish(SOON_S) == []
    assert len(taken.letters) == 1


def test_other_runs_are_left_to_others_and_its_children_are_not(place: FakeWorkspace, taken: Sent) -> None:
    for run_id in ("r.2", "r", "rr", "s"):
        ask(place, run_id)
    beside = Beside(place, "r")
    beside.start()
    beside.finish(SOON_S)

    assert sorted(letter.text.splitlines()[-1].split()[-1] for _, letter in taken.letters) == [
        "r.2/1-production-deployment",
        "r/1-production-deployment",
    ]


def test_what_nobody_took_is_said_and_stays_owed(place: FakeWorkspace, taken: Sent) -> None:
    taken.fails["ops"] = not_sent("ops", "away", "answered 503", "It is tried again.")
    ask(place)
    beside = Beside(place, "r")
    beside.start()

    assert beside.finish(SOON_S) == [
        "channel ops answered 503. It is tried again.",
        "1 notification(s) stay owed: babysitter notify send",
    ]


def test_a_channel_that_hangs_is_not_waited_for(place: FakeWorkspace, taken: Sent) -> None:
    let_go = threading.Event()

    def hang(_: object) -> None:
        taken.came.set()
        let_go.wait(SOON_S)

    taken.look = hang
    ask(place)
    beside = Beside(place, "r")
    beside.start()
    assert taken.came.wait(SOON_S)

    told = beside.finish(0.01)

    let_go.set()
    assert told == ["Notifications are still being sent after 0.01 seconds; what is left stays owed."]


def test_another_sender_is_waited_for_and_then_it_is_said(
    place: FakeWorkspace, taken: Sent, tmp_path: Path
) -> None:
    ask(place)
    files = OutboxFiles(Tree(RealDisk(), str(tmp_path)), "outbox")
    with files.locked():
        beside = Beside(place, "r")
        beside.start()
        told = beside.finish(0.5)

    assert taken.letters == []
    assert len(told) == 1


def test_an_outbox_that_can_not_be_written_stops_nothing(
    place: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreFailedError("writing failed.", hint="Make room.")

    monkeypatch.setattr(telling, "open_outbox", broken)
    beside = Beside(place, "r")
    beside.start()

    assert beside.finish(SOON_S) == ["writing failed. Make room."]


def test_a_defect_of_ours_stops_nothing_and_is_said(place: FakeWorkspace, taken: Sent) -> None:
    taken.fails["ops"] = TypeError("never mind")
    ask(place)
    beside = Beside(place, "r")
    beside.start()

    assert beside.finish(SOON_S) == ["A defect of Babysitter while telling people: TypeError."]


def test_a_channel_for_nobody_is_an_error_of_the_settings(tmp_path: Path) -> None:
    place = workspace(channel(to=("manager",)))
    place.place = replace(place.place, runs_dir=tmp_path / "runs")
    ask(place)
    beside = Beside(place, "r")
    beside.start()

    (told,) = beside.finish(SOON_S)

    assert "names manager, which is neither role nor person" in told
