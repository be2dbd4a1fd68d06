"""Rules and signers, when several tell the log of a change of them in the same moment."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from babysitter.config import load_place
from babysitter.log.leaves import Leaf, PolicyChanged, SignersChanged
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model.evidence_settings import LogTable, SignersChangeTable, SigningTable
from babysitter.model.rules import Policy
from babysitter.service.logbook import Logbook
from babysitter.service.signers_in_force import SignerFiles, signers_in_force
from babysitter.service.wiring import Workspace, open_workspace
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.clocks import FakeClock, FakeDice
from babysitter.testing.workspace import SETTINGS

NEW = Policy(roles={"heads": ("bob",)})


class Interrupted(WorkspaceLog):
    """A log in which something else happens right after the first look at what is in force."""

    meanwhile: Callable[[], None] | None = None

    def newest(self, kind: type[Any]) -> Any:
        found = super().newest(kind)
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        return found


def logbook(folder: Path, kind: type[WorkspaceLog] = WorkspaceLog) -> Logbook:
    """The log of a folder as one process has it."""
    clock = FakeClock()
    log = kind(Tree(RealDisk(), str(folder / "log")), clock=clock, dice=FakeDice())
    return Logbook(log, settings=LogTable(), user="alice", clock=clock, witness=lambda: None)


def leaves(folder: Path, kind: type[Leaf]) -> list[Any]:
    return [leaf for leaf in logbook(folder).log.leaves() if isinstance(leaf, kind)]


def test_a_change_of_the_rules_that_two_see_at_once_is_told_once(tmp_path: Path) -> None:
    ours, theirs = logbook(tmp_path, Interrupted), logbook(tmp_path)
    ours.tell_policy(Policy())
    assert isinstance(ours.log, Interrupted)
    ours.log.meanwhile = lambda: theirs.tell_policy(NEW)

    ours.tell_policy(NEW)

    told = leaves(tmp_path, PolicyChanged)
    assert [leaf.policy_sha256 for leaf in told] == [Policy().digest(), NEW.digest()]
    assert told[1].previous_sha256 == told[0].policy_sha256


def test_a_change_of_the_signers_that_two_see_at_once_is_told_once(tmp_path: Path) -> None:
    ours, theirs = logbook(tmp_path, Interrupted), logbook(tmp_path)
    ours.tell_signers(b"# one\n", b"")
    assert isinstance(ours.log, Interrupted)
    ours.log.meanwhile = lambda: theirs.tell_signers(b"# two\n", b"")

    ours.tell_signers(b"# two\n", b"")

    assert len(leaves(tmp_path, SignersChanged)) == 2


class Flickering(SignerFiles):
    """Files that somebody changes, and changes back, while they are looked at."""

    def read(self) -> tuple[bytes, bytes]:
        found = super().read()
        self.signers_path.write_bytes(b"# agreed\n")
        return found


def test_a_change_that_nobody_signed_never_counts_however_fast_it_is_taken_back(tmp_path: Path) -> None:
    """The file was read for what it says, and again for whether that needs signatures."""
    book = logbook(tmp_path)
    signing = SigningTable(changes=SignersChangeTable(quorum=1, people=("bob",)))
    book.tell_signers(b"# agreed\n", b"")
    path = tmp_path / "allowed_signers"
    path.write_bytes(b"# nobody agreed to mallory\n")

    signers_in_force(
        Flickering(path, tmp_path / "revoked_keys"), replace(SETTINGS, signing=signing), Policy(), book
    )

    assert len(leaves(tmp_path, SignersChanged)) == 1


def test_an_older_file_of_signers_is_not_told_after_a_newer_one(tmp_path: Path) -> None:
    """Who had read the file before it was changed put a key back into force that had been taken off."""
    ours, theirs = logbook(tmp_path, Interrupted), logbook(tmp_path)
    path = tmp_path / "allowed_signers"
    files = SignerFiles(path, tmp_path / "revoked_keys")
    path.write_bytes(b"# old\n")
    assert isinstance(ours.log, Interrupted)

    def changed() -> None:
        path.write_bytes(b"# new\n")
        signers_in_force(files, SETTINGS, Policy(), theirs)

    ours.log.meanwhile = changed
    signers_in_force(files, SETTINGS, Policy(), ours)

    assert [ours.log.read(f"signers/{each.signers_sha256}") for each in leaves(tmp_path, SignersChanged)] == [
        b"# new\n"
    ]


def settled(root: Path, person: str) -> None:
    (root / "babysitter.toml").write_text(f'[roles]\nheads = ["{person}"]\n', encoding="utf-8")


def test_nobody_decides_by_rules_of_which_the_log_is_being_told(tmp_path: Path) -> None:
    """Another thread of a server took them for told, and asked questions by rules not yet in force."""
    settled(tmp_path, "alice")
    workspace = open_workspace(tmp_path)
    before = workspace.policy_now()
    seen: list[Policy] = []
    told = workspace.logbook.tell_policy

    def tell(policy: Policy) -> None:
        seen.append(workspace.policy)
        told(policy)

    workspace.logbook.tell_policy = tell  # type: ignore[method-assign]
    settled(tmp_path, "somebody-else")

    after = workspace.policy_now()

    assert after.roles != before.roles
    assert seen == [before]


def test_rules_that_change_while_a_workspace_is_opened_are_not_missed(tmp_path: Path) -> None:
    settled(tmp_path, "alice")
    place = load_place(tmp_path)
    settled(tmp_path, "somebody-else")

    assert Workspace(place).policy_now().roles["heads"] == ("somebody-else",)


def test_two_threads_take_in_new_rules_once(tmp_path: Path) -> None:
    settled(tmp_path, "alice")
    workspace = open_workspace(tmp_path)
    workspace.logbook.tell_policy(workspace.policy_now())
    settled(tmp_path, "somebody-else")

    threads = [threading.Thread(target=workspace.policy_now) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = [leaf for leaf in workspace.logbook.log.leaves() if isinstance(leaf, PolicyChanged)]
    assert len(told) == 2
