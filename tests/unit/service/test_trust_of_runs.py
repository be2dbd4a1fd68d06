"""A run asks before any of its code is imported, each time; the journal says why it might run."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from babysitter.model import events as ev
from babysitter.model.errors import ProcessChangedError, UntrustedProcessError
from babysitter.service.harness import Harness
from babysitter.service.process.admission import untrusted
from babysitter.service.process.admitted import Admitted
from babysitter.service.process.closure import Sources, read_sources
from babysitter.service.replaying import replay_run
from babysitter.service.runs import RunService
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import of_type, verifies

pytestmark = pytest.mark.promise("G07")
FLOW = """
from pathlib import Path
from babysitter import Context, process

Path(__file__).with_name("imported").touch()

@process
async def ask(ctx: Context) -> str:
    review = await ctx.breakpoint("Go on?", "Title")
    return review.feedback
"""
PARENT = """
from babysitter import Context, process
from child import small

@process
async def main(ctx: Context) -> int:
    return await ctx.child(small, None)
"""
CHILD = """
from babysitter import Context, process

@process
async def small(ctx: Context) -> int:
    return 3
"""
SIGNED = Admitted(method="signed", by=("alice@example.com",), statements=("a" * 64,))


class Scripted:
    """service.process.admission.Admission of a test: what was trusted, by digest."""

    def __init__(self) -> None:
        self.trusted: dict[str, Admitted] = {}
        self.asked: list[str] = []

    def admit(self, sources: Sources, *, allow_untrusted: bool = False) -> Admitted:
        self.asked.append(sources.named)
        if sources.digest in self.trusted:
            return self.trusted[sources.digest]
        if allow_untrusted:
            return Admitted(method="allowed-untrusted", by=("alice",))
        raise untrusted(sources, [])


class Place(FakeWorkspace):
    """A workspace whose code is trusted as the test says."""

    def __init__(self, root: Path, **files: str) -> None:
        super().__init__(root)
        self.admits = self.word = Scripted()
        for name, text in files.items():
            (root / f"{name}.py").write_text(text)

    def give(self, entry: str, admitted: Admitted = SIGNED) -> str:
        digest = read_sources(entry, self.root).digest
        self.word.trusted[digest] = admitted
        return digest

    @property
    def has_imported(self) -> bool:
        return (self.root / "imported").exists()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, flow=FLOW)


def waiting(place: Place) -> Place:
    """A run that waits, whose code is not trusted any more."""
    place.give("flow.py")
    RunService(place).start("flow.py", None, run_id="r")
    place.word.trusted.clear()
    (place.root / "imported").unlink(missing_ok=True)
    for name in [name for name in sys.modules if name.startswith("_process_")]:
        del sys.modules[name]
    return place


def test_a_run_of_untrusted_code_is_not_created_and_nothing_of_it_is_imported(place: Place) -> None:
    with pytest.raises(UntrustedProcessError):
        RunService(place).start("flow.py", None, run_id="r")

    assert not place.has_imported
    assert list(place.store.run_ids()) == []


@pytest.mark.parametrize(
    "go_on",
    [
        lambda place: RunService(place).drive("r"),
        lambda place: Harness(place).iterate("r"),
        lambda place: replay_run(place, "r"),
        lambda place: RunService(place).drive("r", accept_changed=True),
    ],
    ids=["resume", "iterate", "replay", "accepted change"],
)
def test_whatever_goes_on_with_a_run_asks_again_before_it_imports(
    place: Place, go_on: Callable[[Place], object]
) -> None:
    waiting(place)
    before = place.types("r")

    with pytest.raises(UntrustedProcessError):
        go_on(place)

    assert not place.has_imported
    assert place.types("r") == before


def test_the_first_line_says_why_the_code_may_run(place: Place) -> None:
    digest = place.give("flow.py")

    RunService(place).create("flow.py", None, run_id="r")

    [created] = of_type(place, ev.RunCreated)
    assert (created.trust, created.trusted_by, created.trust_statements) == (
        "signed", ("alice@example.com",), ("a" * 64,),
    )  # fmt: skip
    assert created.process_digest == digest
    assert verifies(place)


def test_another_word_later_is_journaled_and_the_same_one_is_not(place: Place) -> None:
    waiting(place)
    place.give("flow.py")
    RunService(place).drive("r")
    assert of_type(place, ev.ProcessAdmitted) == []

    digest = place.give("flow.py", Admitted(method="local", by=("bob",), statements=("b" * 64,)))
    RunService(place).drive("r")

    [admitted] = of_type(place, ev.ProcessAdmitted)
    assert (admitted.trust, admitted.trusted_by, admitted.digest, admitted.by) == (
        "local",
        ("bob",),
        digest,
        "alice",
    )
    assert verifies(place)


def test_untrusted_code_that_is_allowed_is_journaled_every_time(place: Place) -> None:
    waiting(place)

    for _ in range(2):
        RunService(place).drive("r", allow_untrusted=True)

    assert [event.trust for event in of_type(place, ev.ProcessAdmitted)] == ["allowed-untrusted"] * 2
    RunService(place).create("flow.py", None, run_id="s", allow_untrusted=True)
    assert [event.trust for event in of_type(place, ev.RunCreated, "s")] == ["allowed-untrusted"]


def test_changed_code_needs_trust_and_a_word_that_it_may_go_on(place: Place) -> None:
    waiting(place)
    (place.root / "flow.py").write_text(FLOW + "# changed\n")
    with pytest.raises(UntrustedProcessError):
        RunService(place).drive("r", accept_changed=True)
    digest = place.give("flow.py", Admitted(method="signed", by=("bob",), statements=("b" * 64,)))
    with pytest.raises(ProcessChangedError):
        RunService(place).drive("r")

    RunService(place).drive("r", accept_changed=True)

    assert place.types("r")[-2:] == ["PROCESS_CHANGED", "PROCESS_ADMITTED"]
    assert of_type(place, ev.ProcessAdmitted)[0].digest == digest
    assert verifies(place)


def test_a_child_run_asks_for_itself(tmp_path: Path) -> None:
    place = Place(tmp_path, parent=PARENT, child=CHILD)
    place.give("parent.py")
    with pytest.raises(UntrustedProcessError):
        RunService(place).start("parent.py", None, run_id="r")

    place.give("child.py")
    view = RunService(place).drive("r")

    assert view.output == 3
    assert "child.py#small" in place.word.asked


def test_an_old_journal_that_says_unchecked_goes_on_with_a_word(place: Place) -> None:
    place.give("flow.py", Admitted(method="unchecked", by=()))  # type: ignore[arg-type]
    RunService(place).create("flow.py", None, run_id="r")
    assert b'"trust":"' not in place.store.read_journal("r")

    place.give("flow.py")
    RunService(place).drive("r")

    assert [event.trust for event in of_type(place, ev.ProcessAdmitted)] == ["signed"]
