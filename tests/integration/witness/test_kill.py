"""A witness that is killed, at every disk operation: what was cosigned is never contradicted later."""

import signal
import subprocess
import sys
from pathlib import Path

from babysitter.log.witness.keys import load_or_make_key
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from tests.integration.witness.kill_witness import cosigned
from tests.unit.log.witness.sample_log import SampleLog

ROOT = Path(__file__).resolve().parents[3]
NEVER = 1_000_000


def killed_at(folder: Path, deadly: int) -> tuple[list[tuple[str, str]], bool]:
    """Return what was cosigned for the honest log, as sizes and roots; and whether the witness was killed."""
    program = [
        sys.executable,
        "-m",
        "tests.integration.witness.kill_witness",
        str(folder),
        str(deadly),
    ]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return [(size, root) for size, root in lines], done.returncode != 0


def test_one_size_never_has_two_cosigned_roots_whenever_it_is_killed(tmp_path: Path) -> None:
    """Killed while it works for one log, started again by somebody who shows it another of the same name."""
    contradictions, rounds = [], 0
    for deadly in range(1, NEVER, 3):
        folder = tmp_path / str(deadly)
        folder.mkdir()
        load_or_make_key(Tree(RealDisk(), str(folder)), "witness.example.com/w")

        first, was_killed = killed_at(folder, deadly)
        second = cosigned(Tree(RealDisk(), str(folder)), SampleLog(rewritten_at=3))

        roots = {*first, *second}
        if len(roots) != len({size for size, _ in roots}):
            contradictions.append(deadly)
        rounds += 1
        if not was_killed:
            break

    assert contradictions == []
    assert rounds > 5
