"""Whichever disk operation of a run fails, a healthy disk brings it to its end, nothing repeated unsaid."""

import errno
import itertools
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from babysitter.journal.verify import verify_run
from babysitter.model import events as ev
from babysitter.model.errors import RunExistsError, StoreFailedError
from babysitter.model.runner import Attempt
from babysitter.model.values import Json
from babysitter.service.delivery import Delivery
from babysitter.service.runs import RunService
from babysitter.stores.disk import RealDisk
from babysitter.stores.files import FileStore
from babysitter.testing.faulty_disk import Fault, FaultKind, FaultyDisk
from babysitter.testing.workspace import FakeWorkspace

ROOT = Path(__file__).parent


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory in memory where there is one: these tests sync thousands of times."""
    made = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    yield made
    shutil.rmtree(made)


def publish(attempt: Attempt, value: Json) -> str:
    attempt.stdout.write(b"published\n")
    return str(value["name"])


def workspace(runs_dir: Path, disk: FaultyDisk) -> FakeWorkspace:
    made = FakeWorkspace(ROOT, store=FileStore(runs_dir, disk.port))
    made.script["publish"] = publish
    made.script["fetch"] = lambda _attempt, value: value["name"] * 70_000
    return made


def go(place: FakeWorkspace) -> str:
    """Bring the run to its end, from wherever it stands, approving what is asked."""
    service = RunService(place)
    with suppress(RunExistsError):
        service.create("small_run.py", None, run_id="r")
    view = service.drive("r")
    while view.breakpoints:
        for question in view.breakpoints:
            Delivery(place).answer("r", question.breakpoint_id, "approve", comment="go on")
        view = service.drive("r")
    return view.status


@pytest.mark.linux
@pytest.mark.parametrize("kind", ["before", "after", "torn"])
def test_whichever_disk_operation_fails_the_run_comes_to_its_end(place: Path, kind: FaultKind) -> None:
    healthy = FaultyDisk(RealDisk(), None)
    assert go(workspace(place / "healthy", healthy)) == "completed"

    for nth in itertools.count(1):
        if kind == "torn" and nth <= len(healthy.operations) and healthy.operations[nth - 1] != "write":
            continue
        disk = FaultyDisk(RealDisk(), Fault(nth, kind, errno.EIO))
        broken = workspace(place / str(nth), disk)
        with suppress(StoreFailedError):
            go(broken)
        if not disk.fired:
            break

        mended = workspace(place / str(nth), FaultyDisk(RealDisk(), None))
        where = f"operation {nth} ({disk.operations[nth - 1]}), {kind}"
        assert go(mended) == "completed", where
        found = verify_run(mended.store, "r")
        assert found.ok, f"{where}: {found.problems}"
        performed = Counter(attempt.effect_id for attempt in broken.performed + mended.performed)
        unknown = Counter(
            event.effect_id for event in mended.events("r") if isinstance(event, ev.EffectUnknown)
        )
        assert all(times <= 1 + unknown[effect] for effect, times in performed.items()), (where, performed)
        assert len(performed) == 3, where
        shutil.rmtree(place / str(nth))

    assert nth > len(healthy.operations) > 50, "the loop ended before every operation had failed"
