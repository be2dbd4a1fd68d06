"""Mail: how what people say reaches a run that somebody else drives."""

import threading

import pytest

from babysitter.model import events as ev
from babysitter.model.errors import CorruptJournalError, PolicyDeniedError, RunEndedError, RunLockedError
from babysitter.service.delivery import Delivery
from babysitter.service.mail import SignalMail, decode_mail, encode_mail
from babysitter.service.ports import SystemClock
from babysitter.service.runs import RunService
from babysitter.stores.interface import Holder
from babysitter.testing.crashing_store import Crash, CrashingStore
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import Driving
from tests.unit.service.runs import answer, create, of_type, resume, start, verifies, workspace

BOB = Holder(user="bob", host="there", pid=4711, since="2026-01-31T10:15:30.123456Z")


def mail_of(place: object) -> list[str]:
    return [path for path in place.store.paths("r") if path.startswith("mail/")]  # type: ignore[attr-defined]


def test_an_answer_reaches_a_run_that_is_being_driven() -> None:
    place = workspace(clock=SystemClock())
    create(place, "asking", None)

    with Driving(place, "r") as driver:
        driver.face.wait_for("BREAKPOINT_REQUESTED")
        sent = answer(place.seen_by("bob"), "1-go", "approve", "fine")
        view = driver.ended()

    assert [line.type for line in sent.lines] == ["BREAKPOINT_RESPONDED", "BREAKPOINT_RELEASED"]
    assert view.output == "approved=True by=bob: fine"
    assert mail_of(place) == []
    assert verifies(place)


def test_a_signal_reaches_a_run_that_is_being_driven() -> None:
    place = workspace(clock=SystemClock())
    create(place, "listening", 1)

    with Driving(place, "r") as driver:
        driver.face.wait_for("SIGNAL_AWAITED")
        sent = Delivery(place).signal("r", "news", {"a": 1})
        view = driver.ended()

    assert [line.type for line in sent.lines] == ["SIGNAL_RECEIVED"]
    assert view.output == [{"a": 1}]


def test_mail_that_no_driver_takes_is_queued_and_the_next_driver_takes_it() -> None:
    place = workspace()
    start(place, "asking", None)
    lease = place.store.lease("r", BOB)

    sent = answer(place, "1-go", "approve")
    lease.release()

    assert sent.lines == ()
    assert len(mail_of(place)) == 1
    assert resume(place).output == "approved=True by=alice: "
    assert mail_of(place) == []
    assert verifies(place)


def test_who_answers_with_nobody_driving_takes_along_the_mail_that_waits() -> None:
    place = workspace()
    start(place, "listening", 2)
    lease = place.store.lease("r", BOB)
    Delivery(place).signal("r", "news", "first")
    lease.release()

    Delivery(place).signal("r", "news", "second")

    assert [event.payload for event in of_type(place, ev.SignalReceived)] == ["first", "second"]
    assert mail_of(place) == []


def test_a_message_of_the_same_id_does_nothing_a_second_time() -> None:
    place = workspace()
    start(place, "listening", 2)
    message = SignalMail(request_id="01SAME", sender="alice", name="news", payload=1)

    for _ in range(2):
        Delivery(place).send("r", message)
    place.store.send_mail("r", "01SAME.json", encode_mail(message))
    view = resume(place)

    assert view.status == "waiting"
    assert len(of_type(place, ev.SignalReceived)) == 1
    assert mail_of(place) == []


def test_mail_is_deleted_only_after_its_line_is_durable() -> None:
    """The driver dies between the two: the next one finds the mail again, and it does nothing again."""
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    start(place, "listening", 2)
    message = SignalMail(request_id="01SAME", sender="alice", name="news", payload=1)
    store.send_mail("r", "01SAME.json", encode_mail(message))
    store.die_at("SIGNAL_RECEIVED", "after")
    with pytest.raises(Crash):
        resume(place)
    assert mail_of(place) == ["mail/01SAME.json"]

    assert resume(place).status == "waiting"

    assert len(of_type(place, ev.SignalReceived)) == 1
    assert mail_of(place) == []


def test_mail_is_not_deleted_when_its_line_did_not_become_durable() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    start(place, "listening", 1)
    store.send_mail(
        "r", "01.json", encode_mail(SignalMail(request_id="01", sender="alice", name="news", payload=1))
    )
    store.die_at("SIGNAL_RECEIVED", "before")
    with pytest.raises(Crash):
        resume(place)

    assert resume(place).output == [1]


def test_mail_that_can_no_longer_be_taken_gets_a_line_that_says_why_and_its_sender_an_error() -> None:
    place = workspace(clock=SystemClock())
    create(place, "asking_and_listening", None)

    with Driving(place, "r") as driver:
        driver.face.wait_for("BREAKPOINT_REQUESTED")
        second = Delivery(place.seen_by("bob")).answer_mail("1-go", "reject")
        answer(place, "1-go", "approve")
        driver.face.wait_for("SIGNAL_AWAITED")
        place.store.send_mail("r", f"{second.request_id}.json", encode_mail(second))
        driver.face.wait_for("POLICY_DENIED")
        with pytest.raises(PolicyDeniedError, match="not open"):
            Delivery(place)._lines("r", 0, second.request_id)

    denied = of_type(place, ev.PolicyDenied)[0]
    assert denied.subject == f"mail:{second.request_id}"
    assert mail_of(place) == [] or resume(place).status == "waiting"
    assert verifies(place)


def test_refused_mail_is_refused_once() -> None:
    store = CrashingStore(MemoryStore())
    place = workspace(store)
    start(place, "asking", None)
    late = Delivery(place).answer_mail("9-gone", "approve")
    store.send_mail("r", f"{late.request_id}.json", encode_mail(late))
    store.die_at("POLICY_DENIED", "after")
    with pytest.raises(Crash):
        resume(place)

    resume(place)

    assert len(of_type(place, ev.PolicyDenied)) == 1
    assert mail_of(place) == []


def test_a_file_that_is_no_mail_is_an_error_that_names_it() -> None:
    with pytest.raises(CorruptJournalError, match=r"mail/x\.json is not a message"):
        decode_mail("x.json", b'{"kind":"love-letter"}')


def test_a_second_driver_is_refused_and_told_who_the_first_is() -> None:
    place = workspace()
    start(place, "asking", None)
    lease = place.store.lease("r", BOB)

    with pytest.raises(RunLockedError, match="bob") as refusal:
        resume(place)

    lease.release()
    assert refusal.value.facts["holder"] == BOB
    assert resume(place).status == "waiting"


def test_two_drivers_at_once_drive_one_run_once() -> None:
    place = workspace()
    together, refused, lock = threading.Barrier(2), list[RunLockedError](), threading.Lock()
    create(place, "one_after_the_other", [str(number) for number in range(20)])

    def drive() -> None:
        together.wait(timeout=20)
        try:
            RunService(place).drive("r")
        except RunLockedError as error:
            with lock:
                refused.append(error)

    threads = [threading.Thread(target=drive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert len(place.performed) == 20
    assert len(refused) <= 1
    assert verifies(place)


def test_a_run_that_has_ended_takes_nothing_any_more() -> None:
    place = workspace()
    start(place, "doubling", 1)
    before = place.types("r")

    with pytest.raises(RunEndedError, match="has ended"):
        Delivery(place).signal("r", "news")

    assert place.types("r") == before
