"""The conductor: every run that is due is driven, once at a time, and none forgets what came meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from babysitter.model.clock import Clock
from babysitter.model.errors import RunLockedError, StoreFailedError, UntrustedProcessError
from babysitter.model.events import RunCompleted
from babysitter.model.runner import Attempt
from babysitter.service.delivery import Delivery
from babysitter.service.hosting import conductor
from babysitter.service.hosting.catalogue import Catalogue, Entry
from babysitter.service.hosting.conductor import Conductor, Teller
from babysitter.service.hosting.feed import Feed
from babysitter.service.ports import SystemClock
from babysitter.service.process.admitted import Admitted
from babysitter.service.process.closure import Sources
from babysitter.service.reading import read_state
from babysitter.service.runs import RunService
from babysitter.service.session import NewRun, create_run
from babysitter.stores.interface import Holder, Store
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import MemoryLease, MemoryStore
from babysitter.testing.workspace import FakeWorkspace

ROOT = Path(__file__).parent.parent
PATIENCE_S = 30.0


class Stage:
    """A workspace whose runs are conducted, and words for waiting until one stands somehow."""

    def __init__(
        self, *, concurrency: int = 4, clock: Clock | None = None, store: Store | None = None
    ) -> None:
        self.place = FakeWorkspace(ROOT, clock=clock or SystemClock(), store=store)
        self.catalogue, self.feed = Catalogue(self.place.store), Feed()
        self.conductor = Conductor(self.place, self.catalogue, self.feed, concurrency=concurrency)
        self._moved = threading.Condition()
        self.feed.watch(self._note)

    def _note(self, _run_id: str) -> None:
        with self._moved:
            self._moved.notify_all()

    def create(self, name: str, inputs: object = None, run_id: str = "r", *, harness: bool = False) -> str:
        new = NewRun(entry=f"processes.py#{name}", inputs=inputs, run_id=run_id, harness=harness)
        return create_run(self.place, new, sandbox="none")

    def until(self, status: str, run_id: str = "r") -> None:
        """Wait until the catalogue has the run so; fail when that takes too long."""

        def is_so() -> bool:
            entry = self.catalogue.get(run_id)
            return entry is not None and entry.status == status

        with self._moved:
            assert self._moved.wait_for(is_so, PATIENCE_S), f"{run_id}: {self.catalogue.get(run_id)}"

    def output(self, run_id: str = "r") -> object:
        end = read_state(self.place.store, run_id).end
        assert isinstance(end, RunCompleted)
        return end.output


@contextmanager
def conducted(stage: Stage) -> Iterator[Stage]:
    stage.conductor.start()
    try:
        yield stage
    finally:
        stage.conductor.stop(grace_s=1)


def test_what_was_cut_off_before_the_start_goes_on() -> None:
    stage = Stage()
    stage.create("listening_late")
    Delivery(stage.place).signal("r", "news", "early")
    Delivery(stage.place).signal("r", "news", "later")

    with conducted(stage):
        stage.until("completed")

    assert stage.output() == ["early", "later"]


def test_an_answer_makes_a_waiting_run_go_on() -> None:
    stage = Stage()
    stage.create("asking")

    with conducted(stage):
        stage.until("waiting")
        asked = next(iter(read_state(stage.place.store, "r").breakpoints))
        Delivery(stage.place).answer("r", asked, "approve")
        stage.conductor.poke("r")
        stage.until("completed")


def test_a_timer_is_waited_for_without_a_driver() -> None:
    stage = Stage()
    stage.create("sleeping", 1)

    with conducted(stage):
        stage.until("waiting")
        stage.until("completed")

    assert stage.output() == "woke"


def test_what_others_did_on_disk_is_noticed() -> None:
    stage = Stage()

    with conducted(stage):
        stage.create("listening", 1)
        stage.until("waiting")
        Delivery(stage.place).signal("r", "news", "by somebody else")
        stage.until("completed")

    assert stage.output() == ["by somebody else"]


def test_a_run_has_moved_when_it_has_new_lines_and_not_when_its_tasks_write() -> None:
    stage, moved, wrote = Stage(), list[str](), list[str]()
    stage.create("listening", 1)
    stage.feed.watch(moved.append, wrote=wrote.append)
    face = Teller(stage.conductor, "r")

    for _ in range(3):
        face.journaled()
        face.output("1-build", "stdout", b"more")
    assert (moved, wrote) == (["r"], ["r", "r", "r"])

    Delivery(stage.place).signal("r", "news", "early")
    RunService(stage.place).drive("r")
    face.journaled()
    assert moved == ["r", "r"]


def test_a_cancel_by_somebody_else_is_noticed() -> None:
    stage = Stage()

    with conducted(stage):
        stage.create("asking")
        stage.until("waiting")
        Delivery(stage.place).cancel("r", reason="enough")
        stage.until("cancelled")


def test_a_parent_goes_on_when_somebody_else_has_driven_its_child_to_the_end() -> None:
    stage = Stage()

    with conducted(stage):
        stage.create("parent", {"child": "asking", "inputs": None})
        stage.until("waiting", "r.1")
        stage.until("waiting")
        Delivery(stage.place).answer("r.1", "1-go", "approve")
        with suppress(RunLockedError):
            RunService(stage.place).drive("r.1")
        stage.until("completed")


def test_a_parent_whose_child_ended_before_the_start_goes_on() -> None:
    stage = Stage()
    stage.create("parent", {"child": "asking", "inputs": None})
    RunService(stage.place).drive("r")
    Delivery(stage.place).answer("r.1", "1-go", "approve")
    RunService(stage.place).drive("r.1")

    with conducted(stage):
        stage.until("completed")


def test_what_comes_while_a_run_is_driven_is_not_forgotten() -> None:
    stage, begun, go_on = Stage(), threading.Event(), threading.Event()

    def slow(_attempt: Attempt, _value: object) -> str:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return "slow"

    stage.place.script["build"] = slow
    stage.create("building", "x")
    with conducted(stage):
        assert begun.wait(PATIENCE_S)
        for _ in range(5):
            stage.conductor.poke("r")
        assert stage.conductor.driving == 1
        go_on.set()
        stage.until("completed")


class Taken(MemoryStore):
    """A store whose next lease, once it is armed, somebody else has, and shows that it is being asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.is_armed = False
        self.asked, self.go_on = threading.Event(), threading.Event()

    def lease(self, run_id: str, holder: Holder) -> MemoryLease:
        if self.is_armed:
            self.is_armed = False
            self.asked.set()
            assert self.go_on.wait(PATIENCE_S)
            raise RunLockedError("somebody else drives it.", run_id=run_id, holder=None, asked_by=holder)
        return super().lease(run_id, holder)


def test_what_comes_while_somebody_else_has_the_run_makes_it_be_tried_at_once() -> None:
    """Whoever created it had its lease for a moment: the pause that follows is for runs that nobody poked."""
    store = Taken()
    stage = Stage(clock=FakeClock(), store=store)
    stage.create("doubling", 2)
    store.is_armed = True
    with conducted(stage):
        assert store.asked.wait(PATIENCE_S)
        stage.conductor.poke("r")
        store.go_on.set()
        # The clock stands still, so no pause ends.
        stage.until("completed")


def test_a_harness_drives_its_run_itself() -> None:
    stage = Stage()
    stage.create("listening", 1, harness=True)
    stage.create("listening_late", run_id="s")
    for word in ("a", "b"):
        Delivery(stage.place).signal("s", "news", word)

    with conducted(stage):
        stage.conductor.poke("r")
        stage.until("completed", "s")

    assert stage.place.types("r") == ["RUN_CREATED"]


def test_a_run_whose_code_is_not_trusted_says_so_and_stops_no_other() -> None:
    stage = Stage()

    class TrustsOnlySome:
        def admit(self, sources: Sources, *, allow_untrusted: bool = False) -> Admitted:
            assert not allow_untrusted
            if threading.current_thread().name.startswith("drive") and stage.refuses:  # type: ignore[attr-defined]
                raise UntrustedProcessError("nobody has trusted it.", hint="Review it.")
            return Admitted(method="local", by=("alice",))

    stage.refuses = True  # type: ignore[attr-defined]
    stage.place.admits = TrustsOnlySome()
    stage.create("listening_late")
    with conducted(stage):
        with stage._moved:
            assert stage._moved.wait_for(lambda: bool(stage.conductor.problem("r")), PATIENCE_S)
        assert "nobody has trusted it" in stage.conductor.problem("r")

        stage.refuses = False  # type: ignore[attr-defined]
        for word in ("a", "b"):
            Delivery(stage.place).signal("r", "news", word)
        stage.conductor.poke("r")
        stage.until("completed")

    assert stage.conductor.problem("r") == ""


@pytest.mark.parametrize("concurrency", [1, 4])
def test_many_runs_are_driven_beside_each_other_and_each_one_ends(concurrency: int) -> None:
    stage = Stage(concurrency=concurrency)
    names = [f"r{number}" for number in range(12)]
    for name in names:
        stage.create("sleeping", 0, name)

    with conducted(stage):
        for name in names:
            stage.until("completed", name)


def test_a_child_is_driven_by_its_parent_and_an_answer_to_it_wakes_both() -> None:
    stage = Stage()
    stage.create("parent", {"child": "asking", "inputs": None})

    with conducted(stage):
        child = "r.1"
        stage.until("waiting", child)
        asked = next(iter(read_state(stage.place.store, child).breakpoints))
        Delivery(stage.place).answer(child, asked, "approve")
        stage.conductor.poke(child)
        stage.until("completed", child)
        stage.until("completed")


def test_a_look_that_fails_is_not_the_last_one() -> None:
    """A disk that is away for a moment once would have kept every run from being driven for ever."""

    class Away:
        def __init__(self, catalogue: Catalogue) -> None:
            self._catalogue = catalogue
            self.is_away = True
            self.asked = threading.Event()

        def look(self) -> list[Entry]:
            self.asked.set()
            if self.is_away:
                raise StoreFailedError("the disk is away.", hint="Bring it back.")
            return self._catalogue.look()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._catalogue, name)

    stage = Stage()
    away = Away(stage.catalogue)
    stage.conductor._catalogue = cast("Catalogue", away)
    stage.create("sleeping", 0)
    with conducted(stage):
        assert away.asked.wait(PATIENCE_S)
        away.is_away = False
        stage.until("completed")
        assert stage.conductor.failure == ""


def test_a_run_that_can_not_be_read_when_its_driver_leaves_is_driven_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It counted as driven for ever: one moment without a free descriptor, and nobody moved it on again."""

    class Away:
        def __init__(self, catalogue: Catalogue) -> None:
            self._catalogue = catalogue
            self.failed = threading.Event()

        def refresh(self, run_id: str) -> Entry | None:
            if threading.current_thread().name.startswith("drive") and not self.failed.is_set():
                self.failed.set()
                raise StoreFailedError("there are too many open files.", hint="Close some.")
            return self._catalogue.refresh(run_id)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._catalogue, name)

    monkeypatch.setattr(conductor, "PROBLEM_AGAIN_S", 0.01)
    stage = Stage()
    away = Away(stage.catalogue)
    stage.conductor._catalogue = cast("Catalogue", away)
    stage.create("asking")
    with conducted(stage):
        assert away.failed.wait(PATIENCE_S)
        stage.until("waiting")
        Delivery(stage.place).answer(
            "r", next(iter(read_state(stage.place.store, "r").breakpoints)), "approve"
        )
        stage.conductor.poke("r")
        stage.until("completed")
