"""What is handed over while runs go on is of one moment: the log tells of what the journals say, no more."""

from pathlib import Path

import pytest

from babysitter.service.auditing import audit_folder
from babysitter.service.handing_over import hand_over, unpack
from babysitter.service.wiring import Workspace
from babysitter.stores.files import FileStore
from tests.unit.service.runs import answer, start
from tests.unit.service.test_ledger import logging

pytestmark = pytest.mark.promise("G24")


class Answered(FileStore):
    """A store whose run is answered between two looks at how long its journal is."""

    place: Workspace | None = None
    looks = 0
    at_look = 0

    def journal_size(self, run_id: str) -> int:
        self.looks += 1
        if self.looks == self.at_look and self.place is not None:
            place, self.place = self.place, None
            answer(place, "1-go", "approve")  # type: ignore[arg-type]
        return super().journal_size(run_id)


@pytest.mark.parametrize("at_look", [1, 2, 3])
def test_an_answer_that_comes_meanwhile_is_handed_over_whole_or_not_at_all(
    tmp_path: Path, at_look: int
) -> None:
    store = Answered(tmp_path / ".a5c" / "runs")
    place = logging(tmp_path, store)
    start(place, "asking", None)
    store.place, store.looks, store.at_look = place, 0, at_look

    hand_over(place, ["r"], tmp_path / "audit.tar")

    report = audit_folder(unpack(tmp_path / "audit.tar", tmp_path / "out"))
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert errors == []
    assert [view.run_id for view in report.runs] == ["r"]
