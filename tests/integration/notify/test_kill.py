"""A sender that is killed, before every disk operation: what it owed is delivered, doubles under one id."""

import subprocess
import sys
from pathlib import Path

from babysitter.stores.files import FileStore
from tests.integration.notify.receiver import KEY, receiving
from tests.unit.notify.telling import ask, workspace

ROOT = Path(__file__).resolve().parents[3]
RUNS = ("r", "s")


def test_whenever_a_sender_is_killed_each_notice_arrives_and_doubles_have_one_id(tmp_path: Path) -> None:
    runs_dir, outboxes = tmp_path / "runs", tmp_path / "outboxes"
    runs_dir.mkdir()
    outboxes.mkdir()
    place = workspace()
    place.store = FileStore(runs_dir)
    for run_id in RUNS:
        ask(place, run_id)

    with receiving() as receiver:
        program = [sys.executable, "-m", "tests.integration.notify.kill_sender"]
        arguments = [str(runs_dir), str(outboxes), receiver.url]
        done = subprocess.run(
            [*program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        rounds = int(done.stdout)

        by_round: dict[str, list[str]] = {}
        for request in receiver.requests:
            assert request.is_signed_by(KEY)
            by_round.setdefault(request.path.rpartition("/")[2], []).append(request.json["data"]["runId"])
        ids = {request.id for request in receiver.requests}

    assert rounds > 30
    assert len(by_round) == rounds
    assert [number for number, told in by_round.items() if set(told) != set(RUNS)] == []
    assert max(len(told) for told in by_round.values()) == len(RUNS) + 1, "some kill must have cost a double"
    assert len(ids) == len(RUNS)
