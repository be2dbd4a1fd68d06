"""What a page shows of a question is what is signed; who may answer is told; nothing is done twice."""

from pathlib import Path
from typing import Any

import pytest

from babysitter.access.roles import Caller, Role
from babysitter.journal.layout import shown_patch_path
from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.model.errors import NotFoundError, PolicyDeniedError, SignatureError, UsageError
from babysitter.model.rules import BreakGlass, Delegate, When
from babysitter.service.hosting.catalogue import Catalogue
from babysitter.service.hosting.feed import Feed
from babysitter.service.hosting.hosting import Hosted, Hosting
from babysitter.service.hosting.question_parts import QuestionParts, VisitedParts, Yours
from babysitter.service.hosting.questions import Asked, Given, PassedOn, VisitedQuestions
from babysitter.service.hosting.visit import Visit
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import of_type, start, workspace
from tests.unit.service.signing import ALICE, BOB, CAROL, EVE, rule, trusting
from tests.unit.service.test_changes import SHIP, Place

pytestmark = pytest.mark.promise("G24")
ONCE = "01JDQ0000000000000000000AB"
QUESTION = "1-review"
DAY_NS = 86_400 * 1_000_000_000


def visit(place: FakeWorkspace, name: str = ALICE, role: Role = "approver") -> Visit:
    """Return somebody's visit to a server of that workspace."""
    home = Hosted(id="here", workspace=place, catalogue=Catalogue(place.store), feed=Feed(), conductor=None)
    home.catalogue.look()
    caller = Caller(
        name=name, is_person=True, roles={"here": frozenset({role})}, method="passkey", credential="s"
    )
    return Visit(hosting=Hosting(home=home, all={"here": home}), caller=caller)


def asking(clock: FakeClock | None = None, **of_rule: Any) -> FakeWorkspace:
    """Return a run that asks the managers, Alice and Bob."""
    place = trusting(workspace(clock=clock), rule("reviewers", when=When(tags=("x",)), **of_rule))
    start(place, "asking_experts", {"tags": ["x"]})
    return place


def yours(place: FakeWorkspace, name: str = ALICE, role: Role = "approver") -> Yours:
    found = VisitedParts(visit(place, name, role)).parts("r", QUESTION).yours
    assert found is not None
    return found


@pytest.fixture
def shipped(tmp_path: Path) -> Place:
    """A question with a difference."""
    place = Place(tmp_path)
    place.files["before"] = {"app.py": "one\nthree\n", "n\u202eew.py": "x = '\u202e'\n", "raw.bin": b"\0\1\2"}
    place.start("shipping")
    return place


def parts_of(place: Place) -> QuestionParts:
    return VisitedParts(visit(place.fake)).parts("r", SHIP)


@pytest.mark.needs("git")
def test_every_line_of_a_difference_that_is_shown_stands_in_the_document(shipped: Place) -> None:
    parts = parts_of(shipped)
    document = set(parts.question.document.split("\n"))

    lines = [line.text for file in parts.differences for line in file.lines]
    assert lines
    assert set(lines) <= document
    assert parts.problem == ""


@pytest.mark.needs("git")
def test_lines_are_numbered_as_the_file_has_them_and_nothing_hides(shipped: Place) -> None:
    files = {file.path: file for file in parts_of(shipped).differences}

    changed = [(line.kind, line.old, line.new, line.text) for line in files["app.py"].lines]
    assert changed == [
        ("at", 0, 0, "@@ -1,2 +1,2 @@"),
        ("same", 1, 1, " one"),
        ("del", 2, 0, "-two"),
        ("add", 0, 2, "+three"),
    ]
    hidden = files["n⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩ew.py"]
    assert hidden.lines[-1].text == "+x = '⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩'"
    assert (files["raw.bin"].is_binary, files["raw.bin"].lines) == (True, ())


@pytest.mark.needs("git")
def test_a_file_is_given_only_if_the_question_lists_it(shipped: Place) -> None:
    found = VisitedParts(visit(shipped.fake))
    numbers = {file.path: file.number for file in parts_of(shipped).files}

    listed, data = found.file("r", SHIP, numbers[shown_patch_path(SHIP)])
    assert (listed.name, data[:10]) == ("the whole difference", b"diff --git")
    for number in (-1, len(numbers), 999):
        with pytest.raises(NotFoundError):
            found.file("r", SHIP, number)


@pytest.mark.needs("git")
def test_what_was_changed_since_it_was_shown_is_neither_given_nor_signed(shipped: Place) -> None:
    number = next(file.number for file in parts_of(shipped).files if file.path == shown_patch_path(SHIP))
    store = shipped.fake.store
    assert isinstance(store, MemoryStore)
    store.runs["r"].files[shown_patch_path(SHIP)] = b"diff --git a/x b/x\n"

    with pytest.raises(SignatureError):
        VisitedParts(visit(shipped.fake)).file("r", SHIP, number)
    parts = parts_of(shipped)
    assert "is not the file whose digest the journal holds" in parts.problem
    assert (parts.place, parts.differences, parts.files) == (None, (), ())


def test_whom_the_rule_names_may_answer_and_pass_on_to_the_others() -> None:
    found = yours(asking(comment=True))

    assert (found.may_answer, found.approve, found.reject) == (True, (), ())
    assert (found.signature, found.needs_comment) == ("yes", True)
    assert found.pass_on_to == (BOB,)
    assert not found.may_break_glass


def test_others_are_told_why_not() -> None:
    place = asking()

    assert yours(place, EVE).approve != ()
    assert yours(place, EVE).reject != ()
    assert yours(place, ALICE, "viewer") == Yours(may_answer=False, approve=("you are no approver in here",))


def test_who_stands_in_for_somebody_is_offered_their_place() -> None:
    clock = FakeClock()
    until = format_time(clock.now_ns() + DAY_NS)
    delegate = Delegate(from_=ALICE, to=CAROL, since=format_time(clock.now_ns() - 1), until=until)
    place = asking(clock, delegates=(delegate,))

    assert (yours(place, CAROL).in_place_of, yours(place, CAROL).approve) == ((ALICE,), ())
    assert yours(place, ALICE).in_place_of == ()


def test_the_glass_is_offered_to_whom_the_rule_lets_break_it() -> None:
    place = asking(break_glass=BreakGlass(people=(BOB,), reviewers=(ALICE,)))

    assert yours(place, BOB).may_break_glass
    assert not yours(place, ALICE).may_break_glass


def test_a_message_that_comes_again_under_its_id_does_nothing_again() -> None:
    place = asking(signature=False)
    questions = VisitedQuestions(visit(place))
    for _ in range(2):
        questions.answer("r", QUESTION, Given(decision="defer", comment="Later.", request_id=ONCE))
        questions.ask("r", QUESTION, Asked(text="Why?", request_id=ONCE.replace("AB", "AC")))
        questions.pass_on("r", QUESTION, PassedOn(to=(BOB,), request_id=ONCE.replace("AB", "AD")))
    first = questions.answer("r", QUESTION, Given(decision="approve", request_id=ONCE.replace("AB", "AE")))
    again = questions.answer("r", QUESTION, Given(decision="approve", request_id=ONCE.replace("AB", "AE")))

    assert [answer.decision for answer in of_type(place, ev.BreakpointResponded)] == ["defer", "approve"]
    assert len(of_type(place, ev.BreakpointInfoRequested)) == 1
    assert len(of_type(place, ev.BreakpointReassigned)) == 1
    assert again == first


@pytest.mark.promise("G25")
def test_whom_nobody_asked_passes_no_question_on() -> None:
    """Whom it was passed on to is told and reminded: a stranger could keep it from all others."""
    place = asking(signature=False)

    with pytest.raises(PolicyDeniedError, match=EVE):
        VisitedQuestions(visit(place, EVE)).pass_on("r", QUESTION, PassedOn(to=(BOB,)))
    VisitedQuestions(visit(place, BOB)).pass_on("r", QUESTION, PassedOn(to=(ALICE,)))

    assert [event.by for event in of_type(place, ev.BreakpointReassigned)] == [BOB]


@pytest.mark.parametrize("request_id", ["x", ONCE.lower(), f"{ONCE}0", "../../etc/passwd", "8" * 26])
def test_an_id_that_is_none_is_refused(request_id: str) -> None:
    place = asking(signature=False)

    with pytest.raises(UsageError, match="ULID"):
        VisitedQuestions(visit(place)).answer("r", QUESTION, Given(decision="defer", request_id=request_id))
