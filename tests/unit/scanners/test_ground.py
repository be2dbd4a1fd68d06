"""What is scanned is told by name; what nobody could list is no all-clear."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from babysitter.scanners.known import Known
from babysitter.scanners.scanning import run_scan
from tests.unit.scanners.grounds import SayingRunner, ground_of, only_run, toolbox
from tests.unit.scanners.test_scanning import Saying

pytestmark = pytest.mark.promise("G17")


def test_a_folder_that_can_not_be_listed_leaves_no_tool_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = ground_of(tmp_path / "w", {"a.py": "x = 1\n", "closed/b.py": "x = 1\n"})
    listing = os.scandir

    def refuse(path: Any) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)

    scan = run_scan([Saying("a")], ground, toolbox(SayingRunner(lambda _p: (0, b"", b"")), tmp_path), Known())

    assert ground.files == ("a.py",)
    assert (only_run(scan).state, only_run(scan).why) == ("failed", "closed can't be read.")
    assert scan.counts() == {}


def test_pipes_and_devices_are_no_ground(tmp_path: Path) -> None:
    ground = ground_of(tmp_path / "w", {"a.py": "x = 1\n"})
    os.mkfifo(tmp_path / "w" / "pipe.py")

    assert ground.files == ("a.py",)
