"""An audit of a workspace in which runs go on: what is being written is not taken for what was forged."""

from pathlib import Path

from babysitter.service.auditing import audit
from babysitter.service.runs import RunService
from babysitter.service.wiring import Workspace, open_workspace
from babysitter.stores.files import FileStore
from babysitter.testing.trusting import trust_as_it_is

FLOW = """
from babysitter import Context, process


@process
async def saying(inputs: dict, ctx: Context) -> None:
    await ctx.log("here")
"""


class GoingOn(FileStore):
    """A store in which another run begins and ends after the log was read, each time but the last."""

    def __init__(self, place: Workspace, times: int) -> None:
        super().__init__(place.place.runs_dir)
        self._place = place
        self._left = times

    def run_ids(self) -> list[str]:
        if self._left:
            self._left -= 1
            RunService(self._place).start("flow.py", {}, run_id=f"later-{self._left}")
        return super().run_ids()


def at_work(root: Path) -> Workspace:
    settings = '[workspace]\nid = "shop"\n[sandbox]\nmode = "none"\n'
    (root / "babysitter.toml").write_text(settings, encoding="utf-8")
    (root / "flow.py").write_text(FLOW, encoding="utf-8")
    trust_as_it_is(root, "flow.py")
    place = open_workspace(root)
    RunService(place).start("flow.py", {}, run_id="first")
    return place


def test_a_run_that_begins_during_an_audit_is_no_finding(tmp_path: Path) -> None:
    """The log was read before it began, the runs after: 'the log never opened it'."""
    place = at_work(tmp_path)

    report = audit(GoingOn(place, 3), place.log_folder)

    assert [(found.code, found.where) for found in report.findings] == []
    assert report.ok


def test_what_is_wrong_stays_a_finding_however_much_goes_on(tmp_path: Path) -> None:
    place = at_work(tmp_path)
    journal = Path(place.store.location("first")) / "journal" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"here", b"gone"))

    report = audit(GoingOn(place, 9), place.log_folder)

    assert not report.ok
    assert {found.where for found in report.findings} == {"first"}
