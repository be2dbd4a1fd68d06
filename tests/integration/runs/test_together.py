"""Many runs driven together in one process, while garbage is collected at every turn."""

import subprocess
import sys
from pathlib import Path

from babysitter.testing.trusting import trust_as_it_is

PROCESS = """
from babysitter import Context, process, task

@task(inline=True)
def increase(number: int) -> int:
    return number + 1

@process
async def count(inputs: int, ctx: Context) -> int:
    number = 0
    for _ in range(inputs):
        number = await ctx.task(increase, number)
    return number
"""
PROGRAM = """
import gc, os, sys
from pathlib import Path
from babysitter.service.runs import RunService
from babysitter.service.wiring import open_workspace

os.fdatasync = os.fsync = lambda descriptor: None
gc.set_threshold(30, 3, 3)
sys.setswitchinterval(0.0002)
runs = RunService(open_workspace(Path(sys.argv[1])))
ids = [runs.create("process.py", 10) for _ in range(150)]
assert {view.output for view in runs.drive_many(ids, threads=8)} == {10}
"""


def test_drivers_in_one_process_survive_collections_at_any_moment(tmp_path: Path) -> None:
    """Setting a context variable while another is being set corrupts the interpreter: the guard must not."""
    (tmp_path / "process.py").write_text(PROCESS, encoding="utf-8")
    (tmp_path / "babysitter.toml").touch()
    trust_as_it_is(tmp_path, "process.py")

    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr[-2000:]
