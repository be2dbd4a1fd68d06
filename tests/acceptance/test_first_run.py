"""The first quarter of an hour of a user who has the wheel and an empty folder."""

import json
from pathlib import Path

from tests.acceptance.built_wheel import Installed


def test_a_run_is_started_answered_resumed_and_verified(installed: Installed, tmp_path: Path) -> None:
    def babysitter(*words: str) -> tuple[int, str]:
        ended = installed.run("babysitter", *words, cwd=tmp_path)
        assert "Traceback" not in ended.stderr
        return ended.returncode, ended.stdout

    assert babysitter("init")[0] == 0
    assert babysitter("start", "process.py", "--run-id", "first")[0] == 4
    assert babysitter("process", "trust", "process.py", "--no-bandit")[0] == 0
    assert babysitter("start", "process.py", "--run-id", "first")[0] == 3
    assert babysitter("inbox")[1].count("first/") == 1
    assert babysitter("approve", "first", "--comment", "go on")[0] == 0
    status, summary = babysitter("resume", "first", "--json")

    assert status == 0
    assert json.loads(summary)["output"]["approved"] is True
    assert babysitter("journal:verify", "--all")[0] == 0
    assert babysitter("run:replay", "first", "--check")[0] == 0
