"""What two processes keep of one checkpoint in the same moment: each witness's signature stays."""

import os
from pathlib import Path
from typing import Any

from babysitter.log.witness.interface import Cosigned
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model.evidence_settings import LogTable, WitnessTable
from babysitter.service.ports import SystemClock
from babysitter.service.wiring import local_programs
from babysitter.service.witnessing import Witnessing
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.clocks import FakeClock, FakeDice
from tests.unit.log.logs import filled


class Watched(WorkspaceLog):
    """A log that notes whether others could have it while something is read from it."""

    def __init__(self, folder: Path) -> None:
        tree: Any = Tree(RealDisk(), str(folder))
        super().__init__(tree, clock=FakeClock(), dice=FakeDice())
        self.was_free: list[bool] = []

    def read(self, path: str) -> bytes:
        fd = RealDisk().open_file(str(self.folder / "lock"), os.O_RDWR)
        self.was_free.append(RealDisk().try_lock(fd, shared=False))
        os.close(fd)
        return super().read(path)


def test_a_signature_is_added_to_a_kept_checkpoint_while_nobody_else_adds_one(tmp_path: Path) -> None:
    """Two read it, each added the signature of its witness, and the later wrote the earlier one's away."""
    note = filled(tmp_path).checkpoint()
    assert note is not None
    log = Watched(tmp_path)
    witnessing = Witnessing(
        settings=LogTable(), log=log, root=tmp_path, programs=local_programs, clock=SystemClock()
    )

    table = WitnessTable(name="w", kind="http", url="https://w.example.com")
    witnessing._keep(table, note, 5, Cosigned(token=b"a token"))

    assert log.was_free == [False]
    assert (tmp_path / "checkpoints" / "5").read_text(encoding="utf-8") == note
