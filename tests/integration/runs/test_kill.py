"""kill -9, at moments that nobody chose: nothing acknowledged is lost, nothing is repeated unsaid.

``BABYSITTER_KILLS=300`` kills three hundred times; ``BABYSITTER_SEED`` repeats the moments of a failure.
"""

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from babysitter.journal.reader import read_records
from babysitter.journal.verify import verify_run
from babysitter.model import events as ev
from babysitter.service.delivery import Delivery
from babysitter.service.queries import Queries
from babysitter.service.runs import RunService
from babysitter.service.wiring import Workspace, open_workspace
from babysitter.testing.trusting import trust_as_it_is
from tests.integration.runs.kill_driver import PROCESS

KILLS = int(os.environ.get("BABYSITTER_KILLS", "15"))
SEED = int(os.environ.get("BABYSITTER_SEED") or time.time_ns() % 1_000_000)
LIFE_S_MAX = 0.35


class Driver:
    """Runs drivers and kills them."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin = stdin
        self._stdout = stdout

    def drive(self, run_id: str, kill_after_s: float | None) -> None:
        self._stdin.write(f"{run_id}\n")
        self._stdin.flush()
        pid = int(self._stdout.readline())
        if kill_after_s is not None:
            select.select([self._stdout], [], [], kill_after_s)
            # The parent reaps the child only once it has ended, so this pid is the driver's or nobody's.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self._stdout.readline() == "ended\n"


@contextmanager
def driver(root: Path) -> Iterator[Driver]:
    program = [sys.executable, "-m", "tests.integration.runs.kill_driver", str(root)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Driver(process.stdin, process.stdout)
        process.stdin.close()


def whole_lines(workspace: Workspace, run_id: str) -> bytes:
    data = workspace.store.read_journal(run_id)
    return data[: data.rfind(b"\n") + 1]


def check_marks(workspace: Workspace, run_id: str, marks: Path) -> None:
    """Each step was done, and none more often than the journal says it may have been."""
    events = [record.event() for record in read_records(workspace.store, run_id)]
    unknown = Counter(event.effect_id for event in events if isinstance(event, ev.EffectUnknown))
    done = Counter(marks.read_text().splitlines())
    for number in range(50):
        name = "often" if number % 3 == 0 else "once"
        effect = f"{number + 1}-{name}"
        times = done[f"{name} {number}"]
        assert 1 <= times <= 1 + unknown[effect], f"seed {SEED}: {effect} was done {times} times"
    resolved = [event.effect_id for event in events if isinstance(event, ev.EffectResolved)]
    assert len(resolved) == len(set(resolved)) == 50


@pytest.mark.linux
def test_a_run_that_is_killed_over_and_over_loses_nothing_and_repeats_nothing_unsaid(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    (tmp_path / "fifty.py").write_text(PROCESS.format(marks=str(marks)))
    (tmp_path / "babysitter.toml").write_text('[sandbox]\nmode = "none"\n[secrets]\nrecognise = false\n')
    trust_as_it_is(tmp_path, "fifty.py")
    workspace = open_workspace(tmp_path)
    dice = random.Random(SEED)
    kills = 0

    with driver(tmp_path) as drivers:
        while kills < KILLS:
            marks.write_text("")
            run_id = RunService(workspace).create("fifty.py", None)
            acknowledged = b""
            while (view := Queries(workspace).status(run_id)).status not in ("completed", "failed"):
                journal = whole_lines(workspace, run_id)
                assert journal.startswith(acknowledged), f"seed {SEED}: acknowledged lines are gone"
                acknowledged = journal
                for question in view.breakpoints:
                    Delivery(workspace).answer(run_id, question.breakpoint_id, "approve")
                is_killed = kills < KILLS
                drivers.drive(run_id, dice.uniform(0, LIFE_S_MAX) if is_killed else None)
                kills += is_killed

            assert view.status == "completed", f"seed {SEED}"
            assert view.output == sum(range(50))
            check_marks(workspace, run_id, marks)
            found = verify_run(workspace.store, run_id)
            assert found.ok, f"seed {SEED}: {found.problems}"
