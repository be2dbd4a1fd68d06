"""The outbox: what a journal calls for is told once, whoever comes back whenever."""

from pathlib import Path
from typing import Any

import pytest

from babysitter.model.errors import NotifyError
from babysitter.model.rules import Rule, When
from babysitter.policy.rules import make_policy
from babysitter.service.notify.channel import Reason, not_sent
from babysitter.service.notify.kept import OutboxFiles
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.workspace import FakeWorkspace
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

ALICE, BOB, EVE = "alice@example.com", "bob@example.com", "eve@example.com"


def ruled(place: FakeWorkspace, **rule: Any) -> FakeWorkspace:
    """Return the workspace with one rule about everything that is asked."""
    whole: dict[str, Any] = {
        "id": "all",
        "when": When(process="*"),
        "people": ("*",),
        "author_may_approve": True,
        **rule,
    }
    place.policy = make_policy(
        rules=(Rule(**{"signature": False, **whole}),),
        roles={"managers": (ALICE, BOB), "heads": (EVE,)},
    )
    return place


def refusal(reason: Reason, **more: float) -> NotifyError:
    return not_sent("ops", reason, "said no", "Ask it.", **more)


def test_a_question_is_told_once_on_each_channel(tmp_path: Path) -> None:
    place, taken = workspace(channel("ops"), channel("chat")), Taken()
    ask(place)
    box = outbox(place, tmp_path, taken)

    first, second = box.send_due(now_ns(place)), box.send_due(now_ns(place))

    assert taken.kinds == [("ops", "breakpoint.requested"), ("chat", "breakpoint.requested")]
    assert (first.sent, second.sent, second.owed, second.next_ns) == (2, 0, 0, None)
    assert len(set(taken.ids)) == 2


def test_another_process_does_not_tell_it_again(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)
    outbox(place, tmp_path, taken).pump(now_ns(place))

    outbox(place, tmp_path, taken).pump(now_ns(place))

    assert len(taken.letters) == 1


def test_without_its_memory_it_tells_again_under_the_same_id(tmp_path: Path) -> None:
    """The journals alone say what is owed, and the id is theirs: a receiver drops the double."""
    place, taken = workspace(), Taken()
    ask(place)

    for name in "ab":
        (tmp_path / name).mkdir()
        outbox(place, tmp_path / name, taken).pump(now_ns(place))

    assert len(taken.ids) == 2
    assert len(set(taken.ids)) == 1


def test_two_workspaces_with_runs_of_one_name_have_different_ids(tmp_path: Path) -> None:
    taken = Taken()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        place = workspace()
        place.clock.now_ns()
        ask(place, title=name)
        outbox(place, tmp_path / name, taken).pump(now_ns(place))

    assert len(set(taken.ids)) == 2


def test_a_channel_that_is_away_is_asked_again_later_and_holds_up_no_other(tmp_path: Path) -> None:
    place, taken = workspace(channel("ops"), channel("chat")), Taken()
    ask(place, "r")
    ask(place, "s")
    box = outbox(place, tmp_path, taken)
    taken.fails["ops"] = refusal("away")
    start_ns = now_ns(place)

    report = box.send_due(start_ns)

    assert taken.tries == ["ops", "chat", "chat"], "one that is away is asked once a turn"
    assert (report.sent, report.owed) == (2, 2)
    assert report.problems == {"ops": "channel ops said no. Ask it."}
    assert report.next_ns is not None
    assert report.next_ns > start_ns

    taken.fails.clear()
    box.send_due(report.next_ns - 1)
    assert len(taken.letters) == 2
    later = box.send_due(report.next_ns)
    assert (later.sent, later.owed) == (2, 0)


def test_it_waits_as_long_as_the_receiver_asks(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)
    taken.fails["ops"] = refusal("away", retry_after_s=1800.0)
    start_ns = now_ns(place)

    next_ns = outbox(place, tmp_path, taken).pump(start_ns)

    assert next_ns == start_ns + 1800 * 1_000_000_000


def test_what_a_receiver_refuses_is_not_tried_again(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)
    taken.fails["ops"] = refusal("refused")
    box = outbox(place, tmp_path, taken)

    report = box.send_due(now_ns(place))
    box.pump(now_ns(place, hours=10))

    assert (report.failed, report.owed, report.next_ns) == (1, 0, None)
    assert taken.tries == ["ops"]
    assert states(box, now_ns(place)) == [("breakpoint.requested", "failed")]


def test_what_nobody_took_for_too_long_is_given_up_and_that_is_told(tmp_path: Path) -> None:
    place, taken = workspace(max_age="1d"), Taken()
    ask(place)
    taken.fails["ops"] = refusal("away")
    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place))

    before = box.send_due(now_ns(place, hours=23))
    after = box.send_due(now_ns(place, hours=25))

    assert (before.failed, before.owed) == (0, 1)
    assert (after.failed, after.owed) == (1, 0)
    assert "ops" in after.problems


def test_nothing_is_begun_when_the_time_is_over(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)
    box = outbox(place, tmp_path, taken)

    report = box.send_due(now_ns(place), until_s=place.clock.monotonic_s() - 1)

    assert taken.tries == []
    assert report.owed == 1
    assert box.send_due(now_ns(place)).sent == 1


def test_only_one_process_sends_at_a_time(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)
    files = OutboxFiles(Tree(RealDisk(), str(tmp_path)), "outbox")

    with files.locked() as is_ours:
        assert is_ours
        report = outbox(place, tmp_path, taken).send_due(now_ns(place))

    assert report.is_busy
    assert taken.tries == []


def test_a_question_that_is_answered_before_it_was_told_is_told_no_more(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)
    taken.fails["ops"] = refusal("away")
    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place))
    taken.fails.clear()

    answer(place)
    report = box.send_due(now_ns(place, hours=2))

    assert (taken.letters, report.owed) == ([], 0)
    assert states(box, now_ns(place)) == [("breakpoint.requested", "withdrawn")]


def test_who_sits_there_has_time_to_answer_first(tmp_path: Path) -> None:
    place, taken = workspace(delay_s=60), Taken()
    ask(place)
    box = outbox(place, tmp_path, taken)
    start_ns = now_ns(place)

    due_ns = box.pump(start_ns)
    assert taken.letters == []
    assert due_ns is not None
    assert start_ns < due_ns <= start_ns + 60 * 1_000_000_000

    box.pump(due_ns)
    assert names(taken.kinds) == ["breakpoint.requested"]


def test_reminder_and_escalation_come_once_each_at_their_time(tmp_path: Path) -> None:
    place, taken = workspace(channel("ops"), channel("boss", to=("heads",))), Taken()
    ruled(place, people=(ALICE,), remind_after="1h", escalate_after="3h", escalate_to=("heads",))
    ask(place)
    box = outbox(place, tmp_path, taken)

    seen = []
    for hours in (0.0, 0.5, 1.1, 2.0, 3.1, 9.0):
        box.pump(now_ns(place, hours=hours))
        seen.append([*taken.kinds])
        taken.letters.clear()

    assert seen == [
        [("ops", "breakpoint.requested")],
        [],
        [("ops", "breakpoint.reminder")],
        [],
        [("ops", "breakpoint.escalated"), ("boss", "breakpoint.escalated")],
        [],
    ]


def test_a_fresh_process_knows_when_a_reminder_falls_due_without_reading_the_journal(tmp_path: Path) -> None:
    """Cron comes every minute, and most runs have nothing new."""
    place, taken = workspace(), Taken()
    ruled(place, remind_after="1h")
    ask(place)
    outbox(place, tmp_path, taken).pump(now_ns(place))
    read: list[int] = []
    whole = place.store.read_journal

    def counted(run_id: str, *, offset: int = 0) -> bytes:
        read.append(offset)
        return whole(run_id, offset=offset)

    place.store.read_journal = counted  # type: ignore[method-assign]
    outbox(place, tmp_path, taken).pump(now_ns(place, hours=0.5))
    assert 0 not in read
    outbox(place, tmp_path, taken).pump(now_ns(place, hours=1.1))

    assert names(taken.kinds) == ["breakpoint.requested", "breakpoint.reminder"]


def test_nobody_is_reminded_of_what_is_answered(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ruled(place, remind_after="1h", escalate_after="2h", escalate_to=("heads",))
    ask(place)
    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place))

    answer(place)
    next_ns = box.pump(now_ns(place))
    box.pump(now_ns(place, hours=5))

    assert names(taken.kinds) == ["breakpoint.requested"]
    assert next_ns is None


def test_it_is_said_that_a_question_expires_soon_and_not_when_it_has(tmp_path: Path) -> None:
    place, taken = workspace(expiring="1h"), Taken()
    ruled(place, approval_expires="4h", remind_after="5h")
    ask(place)
    box = outbox(place, tmp_path, taken)

    box.pump(now_ns(place, hours=2.9))
    box.pump(now_ns(place, hours=3.1))
    box.pump(now_ns(place, hours=6))

    assert names(taken.kinds) == ["breakpoint.requested", "breakpoint.expiring"]


def test_a_rule_that_is_changed_is_heeded_at_once(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ruled(place)
    ask(place)
    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place))

    ruled(place, remind_after="1h")
    box.pump(now_ns(place, hours=2))

    assert names(taken.kinds) == ["breakpoint.requested", "breakpoint.reminder"]


def test_outcomes_are_told_where_they_are_wanted(tmp_path: Path) -> None:
    place, taken = workspace(channel("ops", events=EVERYTHING)), Taken()
    ask(place, questions=["One?", "Two?"], fail="no room")
    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place))
    answer(place)
    box.pump(now_ns(place))
    answer(place, "reject", "2-production-deployment")
    box.pump(now_ns(place))

    assert names(taken.kinds) == [
        "breakpoint.requested",
        "breakpoint.released",
        "breakpoint.requested",
        "breakpoint.rejected",
        "run.failed",
    ]


def test_old_outcomes_are_no_news_where_a_channel_is_new(tmp_path: Path) -> None:
    place, taken = workspace(channel("ops", events=EVERYTHING)), Taken()
    ask(place)
    answer(place)

    outbox(place, tmp_path, taken).pump(now_ns(place, hours=24 * 30))

    assert taken.letters == []


def test_a_question_that_still_waits_is_told_however_old_it_is(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)

    outbox(place, tmp_path, taken).pump(now_ns(place, hours=24 * 30))

    assert names(taken.kinds) == ["breakpoint.requested"]


@pytest.mark.parametrize(
    ("to", "reaches"),
    [((), True), (("managers",), True), ((ALICE,), True), (("heads",), False), ((EVE,), False)],
)
def test_a_channel_for_somebody_is_for_them_alone(
    tmp_path: Path, to: tuple[str, ...], *, reaches: bool
) -> None:
    place, taken = workspace(channel(to=to)), Taken()
    ruled(place, people=(ALICE,))
    ask(place)

    outbox(place, tmp_path, taken).pump(now_ns(place))

    assert bool(taken.letters) is reaches


def test_whom_a_rule_wants_told_is_told(tmp_path: Path) -> None:
    place, taken = workspace(channel(to=("heads",))), Taken()
    ruled(place, people=(ALICE,), notify=("heads",))
    ask(place)

    outbox(place, tmp_path, taken).pump(now_ns(place))

    assert names(taken.kinds) == ["breakpoint.requested"]


def test_a_run_that_is_removed_is_forgotten(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)
    box = outbox(place, tmp_path, taken)
    box.pump(now_ns(place))
    assert [file.name for file in (tmp_path / "outbox" / "runs").iterdir()] == ["r.json"]

    del place.store.runs["r"]  # type: ignore[attr-defined]
    box.pump(now_ns(place))

    assert [*(tmp_path / "outbox" / "runs").iterdir()] == []


def test_a_run_that_can_not_be_read_is_named_and_holds_up_no_other(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place, "broken")
    ask(place, "r")
    files = place.store.runs["broken"].files  # type: ignore[attr-defined]
    files["journal/journal.jsonl"] = files["journal/journal.jsonl"].replace(b"alice", b"mallo", 1)

    report = outbox(place, tmp_path, taken).send_due(now_ns(place))

    assert report.sent == 1
    assert list(report.unreadable) == ["broken"]


def test_a_journal_that_lost_its_tail_in_a_crash_is_read_anew(tmp_path: Path) -> None:
    """What was told of a line that no disk had kept is told again when it is asked again."""
    place, taken = workspace(), Taken()
    ask(place)
    box = outbox(place, tmp_path, taken)
    files = place.store.runs["r"].files  # type: ignore[attr-defined]
    whole = files["journal/journal.jsonl"]
    box.pump(now_ns(place))

    files["journal/journal.jsonl"] = whole[: whole.rindex(b"\n", 0, -1) + 1]
    box.pump(now_ns(place))
    files["journal/journal.jsonl"] = whole.replace(b"Deploy?", b"Delete?")
    box.pump(now_ns(place))

    assert len(taken.ids) == 2
    assert len(set(taken.ids)) == 2


def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    place, taken = workspace(), Taken()
    ask(place)

    outbox(place, tmp_path, taken).pump(now_ns(place))

    kept = [tmp_path / "outbox", *(tmp_path / "outbox").rglob("*")]
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in kept}
    assert modes == {"outbox": 0o700, "outbox/lock": 0o600, "outbox/runs": 0o700, "outbox/runs/r.json": 0o600}


def test_a_channel_that_is_taken_out_of_the_settings_owes_nothing(tmp_path: Path) -> None:
    place, taken = workspace(channel("ops"), channel("chat")), Taken()
    ask(place)
    taken.fails["chat"] = refusal("away")
    outbox(place, tmp_path, taken).pump(now_ns(place))

    place.place = workspace(channel("ops")).place
    box = outbox(place, tmp_path, taken)
    report = box.send_due(now_ns(place, hours=1))

    assert report.owed == 0
    assert ("breakpoint.requested", "withdrawn") in states(box, now_ns(place))
