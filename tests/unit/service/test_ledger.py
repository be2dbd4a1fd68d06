"""What a run's driver tells the log: all that the journal has, once, and before anything is done by it."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.log.leaves import (
    Approval,
    BreakGlassReviewed,
    Leaf,
    PolicyChanged,
    RunOpened,
    RunProgress,
    RunSealed,
    SignersChanged,
)
from babysitter.log.run_keys import is_signed, progress_text, seal_text
from babysitter.model import events as ev
from babysitter.model.evidence_settings import LogTable
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.service.harness import Harness
from babysitter.service.runs import RunService
from babysitter.service.wiring import open_workspace
from babysitter.stores.disk import RealDisk
from babysitter.stores.files import FileStore
from babysitter.stores.interface import Holder, Lease, Store
from babysitter.testing.clocks import FakeClock
from babysitter.testing.crashing_store import Crash
from babysitter.testing.faulty_disk import FaultyDisk
from babysitter.testing.workspace import SETTINGS, FakeWorkspace
from tests.unit.log.logs import is_whole, leaves_on_disk
from tests.unit.service.runs import ROOT, answer, create, of_type, resume, start
from tests.unit.service.signing import BOB, policy_of, rule, sign, trusting

pytestmark = pytest.mark.promise("G23")
GATE = "1-gate-deploy"


def logging(tmp_path: Path, store: Store | None = None, **log: Any) -> FakeWorkspace:
    """A workspace whose runs and log are on disk, as a new process would open it."""
    settings = replace(SETTINGS, log=LogTable(origin="logs.example.com/ours", **log))
    clock = FakeClock()
    place = FakeWorkspace(
        ROOT, store=store or FileStore(tmp_path / ".a5c" / "runs"), clock=clock, settings=settings
    )
    place.keeps_log, place.log_folder_for_tests = True, tmp_path / ".a5c" / "log"
    return place


@pytest.fixture
def place(tmp_path: Path) -> FakeWorkspace:
    return logging(tmp_path)


def told(place: FakeWorkspace, run_id: str = "r") -> list[Leaf]:
    """Return a run's leaves as an auditor reads them."""
    return [leaf for leaf in leaves_on_disk(place.log_folder) if getattr(leaf, "run_id", None) == run_id]


def kinds(place: FakeWorkspace) -> list[str]:
    return [leaf.type for leaf in told(place)]


def journal(place: FakeWorkspace, lines: int | None = None) -> bytes:
    return b"".join(place.store.read_journal("r").splitlines(keepends=True)[:lines])


def run_keys(place: FakeWorkspace) -> list[str]:
    return [path.name for path in (place.log_folder / "run-keys").iterdir()]


def counting(place: FakeWorkspace) -> FaultyDisk:
    """Return what counts the operations of the log's disk from here on."""
    disk = FaultyDisk(RealDisk(), None)
    place.logbook.log.tree.disk = disk.port
    return disk


def syncs(disk: FaultyDisk) -> list[str]:
    return [name for name in disk.operations if name in {"sync", "sync_data"}]


def test_a_run_is_opened_in_the_log_with_what_its_first_line_says(place: FakeWorkspace) -> None:
    start(place, "asking", None)

    (opened,) = told(place)
    (created,) = of_type(place, ev.RunCreated)
    assert isinstance(opened, RunOpened)
    assert opened.first_line_sha256 == sha256_hex(journal(place, 1))
    assert (opened.process_id, opened.process_digest) == (created.process_id, created.process_digest)
    assert (opened.requested_by, opened.policy_sha256) == ("alice", created.policy_sha256)
    assert run_keys(place) == ["r.key"]
    assert is_whole(place.log_folder)


def test_a_run_that_is_sealed_has_the_log_read_no_more_than_for_what_is_new(place: FakeWorkspace) -> None:
    """A server comes by a run that has just ended once more, for each answer that came meanwhile."""
    start(place, "doubling", 2)
    disk = counting(place)

    resume(place)

    assert disk.operations.count("read") == 2
    assert run_keys(place) == []


class Seen(FileStore):
    """A store of runs that somebody drives as soon as they are there: a server that looks just then."""

    def __init__(self, runs_dir: Path) -> None:
        super().__init__(runs_dir)
        self.driver: Lease | None = None

    def create(self, run_id: str, files: Mapping[str, bytes], journal: bytes) -> None:
        super().create(run_id, files, journal)
        holder = Holder(user="eve", host="b", pid=1, since="2026-01-01T00:00:00.000000Z")
        self.driver = self.lease(run_id, holder)


def test_who_creates_a_run_leaves_the_log_to_whoever_drives_it_already(tmp_path: Path) -> None:
    """Both once made a key for it: the log had two beginnings, and only one of them held for the seal."""
    store = Seen(tmp_path / ".a5c" / "runs")
    place = logging(tmp_path, store)

    create(place, "doubling", 2)
    assert place.logbook.log.by_run("r") == []

    assert store.driver is not None
    store.driver.release()
    resume(place)
    assert kinds(place) == ["run.opened", "run.sealed"]
    assert is_whole(place.log_folder)


def test_the_log_is_told_of_the_rules_before_a_run_begins_under_them(place: FakeWorkspace) -> None:
    start(place, "asking", None)

    first = leaves_on_disk(place.log_folder)[0]
    (created,) = of_type(place, ev.RunCreated)
    assert isinstance(first, PolicyChanged)
    assert first.policy_sha256 == created.policy_sha256
    kept = (place.log_folder / "policies" / f"{first.policy_sha256}.json").read_bytes()
    assert sha256_hex(kept) == first.policy_sha256
    assert kept == canonical_json(place.policy.document())


def test_changed_rules_are_told_once_and_name_those_before(place: FakeWorkspace) -> None:
    old = place.policy.digest()
    start(place, "asking", None)
    place.policy = policy_of(rule())

    for _ in range(2):
        resume(place)

    changes = [leaf for leaf in leaves_on_disk(place.log_folder) if isinstance(leaf, PolicyChanged)]
    assert [(leaf.policy_sha256, leaf.previous_sha256) for leaf in changes] == [
        (old, None),
        (place.policy.digest(), old),
    ]


def test_rules_that_come_back_are_told_again(place: FakeWorkspace) -> None:
    """What is in force is what the newest leaf says."""
    policies = [place.policy, policy_of(rule())]
    start(place, "asking", None)
    for number in (1, 0, 1):
        place.policy = policies[number]
        resume(place)

    changes = [leaf for leaf in leaves_on_disk(place.log_folder) if isinstance(leaf, PolicyChanged)]
    assert [leaf.policy_sha256 for leaf in changes] == [policies[number].digest() for number in (0, 1, 0, 1)]


def test_signers_that_another_process_changed_back_are_told_again(place: FakeWorkspace) -> None:
    other = logging(place.log_folder.parents[1])

    place.logbook.tell_signers(b"one\n", b"")
    other.logbook.tell_signers(b"two\n", b"")
    place.logbook.tell_signers(b"one\n", b"")
    place.logbook.tell_signers(b"one\n", b"")

    changes = [leaf for leaf in leaves_on_disk(place.log_folder) if isinstance(leaf, SignersChanged)]
    assert [leaf.signers_sha256 for leaf in changes] == [
        sha256_hex(text) for text in (b"one\n", b"two\n", b"one\n")
    ]


def test_an_answer_is_told_with_its_line_and_all_before_it(place: FakeWorkspace) -> None:
    trusting(place, rule())
    start(place, "deploying", ["here"])

    sign(place, BOB, GATE)

    approval = told(place)[-1]
    assert isinstance(approval, Approval)
    line = journal(place, approval.seq).splitlines(keepends=True)[-1]
    (event,) = of_type(place, ev.BreakpointResponded)
    assert b"BREAKPOINT_RESPONDED" in line
    assert approval.line_sha256 == sha256_hex(line)
    assert approval.prefix == sha256_hex(journal(place, approval.seq))
    assert (approval.approver, approval.decision, approval.method) == (BOB, "approve", "ssh")
    assert approval.statement_sha256 == event.statement_sha256
    assert approval.signature_sha256 == event.signature_ref.sha256
    assert approval.key_fingerprint == event.key_fingerprint
    assert is_whole(place.log_folder)


def test_a_no_is_told_and_a_not_now_is_not(place: FakeWorkspace) -> None:
    start(place, "deploying", ["here"])

    answer(place, GATE, "defer")
    answer(place, GATE, "reject", "no")

    assert [leaf.decision for leaf in told(place) if isinstance(leaf, Approval)] == ["reject"]


def test_nothing_is_performed_before_the_log_has_the_approval(place: FakeWorkspace) -> None:
    """Durable, and under a signed checkpoint: the answer comes while a driver waits, and by mail."""
    trusting(place, rule())
    seen: list[bool] = []

    def deploy(_attempt: object, _value: object) -> None:
        leaves = leaves_on_disk(place.log_folder)
        size = int((place.log_folder / "checkpoint").read_text().splitlines()[1])
        seen.append(any(isinstance(leaf, Approval) for leaf in leaves[:size]))

    place.script["deploy"] = deploy
    start(place, "deploying", ["here"])
    sign(place, BOB, GATE)
    resume(place)

    assert seen == [True]


def test_an_answer_that_came_by_mail_is_told_when_its_driver_journals_it(place: FakeWorkspace) -> None:
    start(place, "asking", None)
    lease = place.store.lease("r", place.holder())
    try:
        answering = logging(place.log_folder.parents[1])
        answering.clock = place.clock
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("babysitter.service.delivery.LINE_WAIT_S", 0.0)
            answer(answering, "1-go", "approve")
    finally:
        lease.release()
    assert kinds(place) == ["run.opened"], "mail is no answer yet"

    resume(place)

    assert kinds(place) == ["run.opened", "approval", "run.sealed"]


def test_a_seal_is_over_the_whole_journal_and_the_key_is_gone_then(place: FakeWorkspace) -> None:
    start(place, "one_after_the_other", ["a", "b"])

    opened, sealed = told(place)
    assert isinstance(opened, RunOpened)
    assert isinstance(sealed, RunSealed)
    assert (sealed.status, sealed.prefix) == ("completed", sha256_hex(journal(place)))
    assert sealed.seq == journal(place).count(b"\n")
    text = seal_text("r", sealed.seq, sealed.prefix, sealed.status)
    assert is_signed(opened.run_key, sealed.signature, text)
    assert run_keys(place) == []
    assert place.logbook._keys.sign("r", text) == "", "nor does the driver remember it"


@pytest.mark.parametrize(("process", "status"), [("failing", "failed"), ("one_after_the_other", "completed")])
def test_the_seal_says_how_the_run_ended(place: FakeWorkspace, process: str, status: str) -> None:
    start(place, process, None if process == "failing" else ["a"])

    sealed = told(place)[-1]
    assert isinstance(sealed, RunSealed)
    assert sealed.status == status


def test_progress_is_told_every_so_many_lines_and_signed_by_the_run(tmp_path: Path) -> None:
    place = logging(tmp_path, progress_lines=10)

    start(place, "one_after_the_other", [str(number) for number in range(20)])

    opened, *between, sealed = told(place)
    assert isinstance(opened, RunOpened)
    assert isinstance(sealed, RunSealed)
    assert len(between) >= 4
    for leaf in between:
        assert isinstance(leaf, RunProgress)
        assert leaf.prefix == sha256_hex(journal(place, leaf.seq))
        assert is_signed(opened.run_key, leaf.signature, progress_text("r", leaf.seq, leaf.prefix))
    steps = [later.seq - leaf.seq for leaf, later in pairwise(between)]  # type: ignore[attr-defined]
    assert all(10 <= step < 20 for step in steps)


def test_progress_is_told_every_so_many_seconds(tmp_path: Path) -> None:
    place = logging(tmp_path, progress_s=30.0)
    assert isinstance(place.clock, FakeClock)
    advance = place.clock.advance
    place.script["build"] = lambda _attempt, _value: advance(20.0)

    start(place, "one_after_the_other", list("abcdef"))

    assert kinds(place).count("run.progress") == 2


def test_an_opening_an_approval_and_a_seal_cost_one_sync_each_and_progress_none(tmp_path: Path) -> None:
    place = trusting(logging(tmp_path, progress_lines=2), rule())
    # The log's own first lines, and the rules, cost more.
    RunService(place).start("processes.py#building", "x", run_id="first")
    disk = counting(place)

    create(place, "deploying", ["here"])
    opening = syncs(disk)
    resume(place)
    asked = syncs(disk)
    sign(place, BOB, GATE)
    approval = syncs(disk)
    resume(place)

    assert opening == ["sync_data"]
    assert asked == opening
    assert approval == [*opening, "sync_data"]
    assert syncs(disk) == [*approval, "sync_data"], "the seal"
    assert [kind for kind in kinds(place) if kind != "run.progress"] == [
        "run.opened",
        "approval",
        "run.sealed",
    ]
    assert "run.progress" in kinds(place)


class Dying:
    """Kills whoever calls a function for the n-th time, before or after it did its work."""

    def __init__(self, function: Callable[..., Any], at: int, when: str) -> None:
        self.function, self.at, self.when, self.calls = function, at, when, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.calls == self.at and self.when == "before":
            raise Crash
        result = self.function(*args, **kwargs)
        if self.calls == self.at:
            raise Crash
        return result


def to_its_seal(place: FakeWorkspace) -> None:
    """Take a run from wherever it stands to its end, and the log with it."""
    if "r" not in place.store.run_ids():
        create(place, "deploying", ["here"])
    if resume(place).breakpoints:
        sign(place, BOB, GATE)
        resume(place)


def dies_on_its_way(place: FakeWorkspace, *, at: int, when: str) -> bool:
    """Take a run to its seal, dying at the n-th append to the log; tell whether there were that many."""
    log = place.logbook.log
    log.append = Dying(log.append, at, when)  # type: ignore[method-assign]
    try:
        to_its_seal(place)
    except Crash:
        return True
    return False


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_crash_kept_from_the_log_is_told_by_the_next_driver_once(tmp_path: Path, when: str) -> None:
    """Whichever append to the log the driver dies at, before it or after it."""
    for at in range(1, 99):
        home = tmp_path / str(at)

        died = dies_on_its_way(trusting(logging(home), rule()), at=at, when=when)
        to_its_seal(trusting(logging(home), rule()))

        place = logging(home)
        assert kinds(place) == ["run.opened", "approval", "run.sealed"], f"append {at}"
        opened, approval, sealed = told(place)
        assert isinstance(opened, RunOpened)
        assert isinstance(approval, Approval)
        assert isinstance(sealed, RunSealed)
        assert approval.prefix == sha256_hex(journal(place, approval.seq))
        assert sealed.prefix == sha256_hex(journal(place))
        assert is_signed(
            opened.run_key, sealed.signature, seal_text("r", sealed.seq, sealed.prefix, "completed")
        )
        assert run_keys(place) == []
        assert is_whole(place.log_folder)
        if not died:
            break

    assert at == 5, "the rules, the opening, the approval and the seal were each cut off once"


@pytest.mark.parametrize(
    "pick_up",
    [
        lambda place: RunService(place).drive("r"),
        lambda place: RunService(place).drive_due(),
        lambda place: Harness(place).iterate("r"),
    ],
    ids=["resume", "resume --due", "run iterate"],
)
def test_a_run_whose_driver_died_before_its_seal_is_sealed_by_whoever_looks_at_it_next(
    tmp_path: Path, pick_up: Callable[[FakeWorkspace], object]
) -> None:
    assert dies_on_its_way(trusting(logging(tmp_path), rule()), at=4, when="before")
    later = logging(tmp_path)
    assert kinds(later) == ["run.opened", "approval"]
    assert of_type(later, ev.RunCompleted)

    pick_up(later)

    assert kinds(later) == ["run.opened", "approval", "run.sealed"]
    assert run_keys(later) == []


def test_rules_changed_while_a_driver_runs_are_told_before_anything_is_decided_by_them(
    tmp_path: Path,
) -> None:
    """The driver looks at the settings file before each decision; the log has the rules by then."""
    file = tmp_path / "babysitter.toml"
    file.write_text("")
    driver = open_workspace(tmp_path)
    driver.ledger("r")

    file.write_text('[[approvals]]\nid = "data"\nwhen = { tags = ["db"] }\npeople = ["bob@example.com"]\n')
    decided_by = driver.policy_now().digest()

    last = leaves_on_disk(driver.log_folder)[-1]
    assert isinstance(last, PolicyChanged)
    assert last.policy_sha256 == decided_by
    assert (driver.log_folder / "policies" / f"{decided_by}.json").is_file()


def test_a_key_that_outlived_its_seal_is_destroyed_by_whoever_comes_next(place: FakeWorkspace) -> None:
    place.logbook._keys.destroy = Dying(place.logbook._keys.destroy, 1, "before")  # type: ignore[method-assign]
    with pytest.raises(Crash):
        start(place, "building", "x")
    assert run_keys(place) == ["r.key"]

    later = logging(place.log_folder.parents[1])
    resume(later)

    assert kinds(later) == ["run.opened", "run.sealed"]
    assert run_keys(later) == []


def test_a_run_whose_key_was_lost_is_sealed_without_a_signature(place: FakeWorkspace) -> None:
    """A power cut may take the key, which is not synced; verification says what that means."""
    start(place, "asking", None)
    (place.log_folder / "run-keys/r.key").unlink()

    later = logging(place.log_folder.parents[1])
    answer(later, "1-go", "approve")
    resume(later)

    sealed = told(later)[-1]
    assert isinstance(sealed, RunSealed)
    assert sealed.signature == ""
    assert sealed.prefix == sha256_hex(journal(later))


def test_an_emergency_waits_for_its_review(place: FakeWorkspace) -> None:
    leaf = Approval(
        run_id="r",
        breakpoint_id=GATE,
        seq=3,
        prefix="0" * 64,
        line_sha256="0" * 64,
        approver=BOB,
        decision="approve",
        method="ssh",
        break_glass=True,
    )
    reviewed = BreakGlassReviewed(
        run_id="r", breakpoint_id=GATE, reviewer=BOB, statement_sha256="0" * 64, signature_sha256="0" * 64
    )
    log = place.logbook.log

    log.append([replace(leaf, break_glass=False), replace(leaf, decision="reject")], durable=True)
    before = place.unreviewed()
    log.append([leaf, replace(leaf, run_id="s")], durable=True)
    broken = place.unreviewed()
    log.append([reviewed], durable=True)

    assert (before, broken, place.unreviewed()) == ([], [f"r/{GATE}", f"s/{GATE}"], [f"s/{GATE}"])
