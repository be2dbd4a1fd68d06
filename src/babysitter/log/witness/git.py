"""A git remote as a cheap witness: each checkpoint is a commit that is pushed, never forced.

The remote checks nothing and signs nothing. What makes it a witness is that it keeps history and
refuses to lose it (set it so: ``receive.denyNonFastForwards``, ``receive.denyDeletes``, or a
protected branch), and that others may read it. It vouches for no time.

The branch holds one file a log: ``<SHA-256 of the log's name>/checkpoint``. An auditor needs git only:

    git log -p BRANCH -- '*/checkpoint'

Git is started with no configuration of the user's or the system's, no hooks and no prompts.
"""

import re
from dataclasses import dataclass

from babysitter.log.checkpoint import Checkpoint, read_checkpoint
from babysitter.log.notes import NOTE_BYTES_MAX
from babysitter.log.tree import is_consistent
from babysitter.log.witness.interface import (
    CheckpointUpdate,
    Cosigned,
    Reason,
    fork_seen,
    not_cosigned,
    witness_ahead,
)
from babysitter.model.clock import Clock
from babysitter.model.errors import ProgramTimeoutError, WitnessError
from babysitter.model.git_environment import WITHOUT_THEM
from babysitter.model.runner import Called, Programs
from babysitter.model.values import sha256_hex

SEEN_MAX = 10_000
_KNOWN = "refs/heads/known"
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "file:https:ssh",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10",
    "GIT_AUTHOR_NAME": "babysitter",
    "GIT_AUTHOR_EMAIL": "babysitter@localhost",
    "GIT_COMMITTER_NAME": "babysitter",
    "GIT_COMMITTER_EMAIL": "babysitter@localhost",
    "LC_ALL": "C",
}
_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "transfer.fsckObjects=true"),
    *("-c", "fetch.recurseSubmodules=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)
_REMOTE = re.compile(
    r"https://[^\s/@][^\s@]*|ssh://[^\s/-]\S*|file:///\S+|/\S+|([\w.]+@)?[\w.][\w.-]*:(?!//)[^\s:-]\S*"
)
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_OBJECT = re.compile(r"[0-9a-f]{40,64}")
_INIT_TRIES, _PUSH_TRIES = 20, 5
_TOOK_ANOTHER = ("non-fast-forward", "fetch first", "[rejected]", "cannot lock ref", "[remote rejected]")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitWitness:
    """See interface.Witness.

    remote: ``https://…``, ``ssh://…``, ``host:path``, ``file:///…`` or an absolute path.
    branch: of the remote, for checkpoints alone; several logs may share it.
    folder: absolute; a bare repository of ours, made when missing. It remembers what was pushed.
    timeout_s: for one call of git.
    """

    name: str
    remote: str
    branch: str
    folder: str
    programs: Programs
    clock: Clock
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        is_plain = self.remote.isascii() and self.remote.isprintable() and "::" not in self.remote
        if not is_plain or not _REMOTE.fullmatch(self.remote):
            hint = (
                "Write https://host/path, ssh://host/path, host:path or an absolute path, without a password."
            )
            raise self._error("settings", f"has a remote that git is not given: {self.remote[:80]!r}", hint)
        is_branch = len(self.branch) <= 100 and _BRANCH.fullmatch(self.branch)
        if not is_branch or ".." in self.branch or self.branch.endswith((".", ".lock")):
            hint = "Use letters, digits, '.', '_', '-' and '/', such as 'checkpoints'."
            raise self._error("settings", f"has a branch of no good name: {self.branch[:80]!r}", hint)

    def cosign(self, update: CheckpointUpdate) -> Cosigned:
        """See Witness. Other logs that push to the branch at the same moment are let go first."""
        ours = update.read()[1]
        self._prepare()
        for _ in range(_PUSH_TRIES):
            head = self._fetched()
            known = self._known(head, ours.origin)
            if known is not None and self._is_seen_already(known, ours, update):
                return Cosigned()
            commit = self._committed(head, ours, update.note)
            if self._is_pushed(commit, head):
                return Cosigned()
        hint = "Others are pushing as well, or the remote refuses: try again, then push by hand to see why."
        raise self._error("conflict", "did not take the commit", hint)

    def seen(self, origin: str) -> list[str]:
        """Return the checkpoints of a log at the remote, newest first, SEEN_MAX at most, unchecked.

        Raises:
            WitnessError: the remote is away, or has lost what an earlier look has seen.
        """
        self._prepare()
        head = self._fetched()
        if not head:
            return []
        path = _path(origin)
        listed = self._git("rev-list", f"--max-count={SEEN_MAX}", head, "--", path).stdout
        asked = "".join(f"{commit}:{path}\n" for commit in listed.decode().split()).encode()
        return [text for text in _contents(self._git("cat-file", "--batch", stdin=asked).stdout) if text]

    def _prepare(self) -> None:
        """Afterwards the folder is a repository of ours; two who make it at once wait for each other."""
        make = ("init", "--quiet", "--bare", "--template=", "--", self.folder)
        tries = 0
        while self._git("rev-parse", "--git-dir", may_fail=True).status != 0:
            # It fails while another one holds the lock of the new repository's settings.
            made = self._git(*make, in_folder=False, may_fail=True)
            tries += 1
            if tries == _INIT_TRIES:
                raise self._away(made)

    def _fetched(self) -> str:
        """Return the newest commit of the remote, which has all that we know of; empty when it has none."""
        before = self._before()
        branch = f"refs/heads/{self.branch}"
        listed = self._reached("ls-remote", "--", self.remote, branch).stdout.decode(errors="replace").split()
        if not listed:
            if before:
                raise self._lost()
            return ""
        head = self._object(listed[0])
        self._reached("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", self.remote, branch)
        self._reached("cat-file", "-e", f"{head}^{{commit}}")
        if before and self._git("merge-base", "--is-ancestor", before, head, may_fail=True).status != 0:
            raise self._lost()
        self._remember(head, before)
        return head

    def _known(self, head: str, origin: str) -> Checkpoint | None:
        """Return the checkpoint that the commit has for a log."""
        if not head:
            return None
        found = self._git("cat-file", "--batch", stdin=f"{head}:{_path(origin)}\n".encode()).stdout
        texts = _contents(found)
        if not texts or texts[0] is None:
            return None
        try:
            return read_checkpoint(texts[0])[1]
        except WitnessError:
            hint = "Look who writes to the branch: git log -p. It is for checkpoints alone."
            raise self._error(
                "answer", "has something else where this log's checkpoint should be", hint
            ) from None

    def _is_seen_already(self, known: Checkpoint, ours: Checkpoint, update: CheckpointUpdate) -> bool:
        """Tell whether the remote has this very tree; what does not go on from the remote's is refused."""
        if known.size > ours.size:
            raise witness_ahead(self.name, known.size, ours.size)
        proof = update.prove(known.size)
        if known.origin != ours.origin or not is_consistent(
            known.size, ours.size, known.root, ours.root, proof
        ):
            raise fork_seen(self.name, known.size)
        return known.size == ours.size

    def _committed(self, head: str, ours: Checkpoint, note: str) -> str:
        """Return a commit on top of the remote's that has the checkpoint. No index: others may be at work."""
        folder, _, name = _path(ours.origin).partition("/")
        blob = self._made("hash-object", "-w", "--stdin", stdin=note.encode())
        inner = self._made("mktree", "-z", stdin=f"100644 blob {blob}\t{name}\0".encode())
        listed = self._git("ls-tree", "-z", head).stdout if head else b""
        others = [each for each in listed.split(b"\0") if each and not each.endswith(f"\t{folder}".encode())]
        entries = [*others, f"040000 tree {inner}\t{folder}".encode()]
        tree = self._made("mktree", "-z", stdin=b"".join(each + b"\0" for each in entries))
        when = f"{self.clock.now_ns() // 1_000_000_000} +0000"
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        message = f"checkpoint at {ours.size} lines\n\n{ours.origin}\n".encode()
        parent = ("-p", head) if head else ()
        return self._made("commit-tree", tree, *parent, stdin=message, more=dates)

    def _is_pushed(self, commit: str, head: str) -> bool:
        """Push; False when somebody else was faster."""
        refspec = f"{commit}:refs/heads/{self.branch}"
        pushed = self._git("push", "--porcelain", "--no-verify", "--", self.remote, refspec, may_fail=True)
        if pushed.status == 0:
            self._remember(commit, head)
            return True
        said = (pushed.stdout + pushed.stderr).decode(errors="replace")
        if any(each in said for each in _TOOK_ANOTHER):
            return False
        raise self._away(pushed)

    def _before(self) -> str:
        """Return the newest commit that an earlier look has seen at the remote, or nothing."""
        found = self._git("rev-parse", "--quiet", "--verify", _KNOWN, may_fail=True)
        return self._object(found.stdout.decode()) if found.status == 0 else ""

    def _remember(self, commit: str, before: str) -> None:
        # It fails when another process remembered something since: that is as new, and stays.
        self._git("update-ref", _KNOWN, commit, before or "0" * len(commit), may_fail=True)

    def _made(self, *arguments: str, stdin: bytes, more: dict[str, str] | None = None) -> str:
        made = self._git(*arguments, stdin=stdin, more=more)
        return self._object(made.stdout.decode(errors="replace"))

    def _object(self, text: str) -> str:
        name = text.strip()
        if not _OBJECT.fullmatch(name):
            raise self._error("away", "could not be used: git named no object", "Look at git's version.")
        return name

    def _reached(self, *arguments: str) -> Called:
        called = self._git(*arguments, may_fail=True)
        if called.status != 0:
            raise self._away(called)
        return called

    def _git(
        self,
        *arguments: str,
        stdin: bytes = b"",
        more: dict[str, str] | None = None,
        may_fail: bool = False,
        in_folder: bool = True,
    ) -> Called:
        place = ("--git-dir", self.folder) if in_folder else ()
        argv = (*WITHOUT_THEM, "git", *_OPTIONS, *place, *arguments)
        try:
            called = self.programs.call(
                argv, stdin=stdin, env={**_ENVIRONMENT, **(more or {})}, timeout_s=self.timeout_s
            )
        except ProgramTimeoutError:
            hint = "Nothing is lost: what it has not seen yet, it is shown next time."
            raise self._error("away", f"did not answer within {self.timeout_s:g} seconds", hint) from None
        if called.status == 127:
            hint = "Install git, or put it on the PATH."
            raise self._error("settings", "needs git, which is not on this machine", hint)
        if called.status != 0 and not may_fail:
            raise self._away(called)
        return called

    def _away(self, called: Called) -> WitnessError:
        said = called.stderr.decode(errors="replace").strip().splitlines() or ["git said nothing"]
        hint = (
            "Nothing is lost: what it has not seen yet, it is shown next time. Keys come from the ssh agent; "
            "no password is ever asked for."
        )
        return self._error("away", f"could not be used: {_plain(said[-1])}", hint)

    def _lost(self) -> WitnessError:
        hint = (
            f"Somebody removed or rewrote the branch {self.branch}. {self.folder} still has what it had: "
            "find out who it was. To begin again, move that folder away and keep it."
        )
        return self._error("lost", "no longer has what it had seen", hint)

    def _error(self, reason: Reason, what: str, hint: str) -> WitnessError:
        return not_cosigned(self.name, reason, what, hint)


def _path(origin: str) -> str:
    return f"{sha256_hex(origin.encode())}/checkpoint"


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:200])


def _contents(batch: bytes) -> list[str | None]:
    """Return the texts that ``git cat-file --batch`` gave; None: missing, empty: too long."""
    texts: list[str | None] = []
    place = 0
    while place < len(batch):
        end = batch.index(b"\n", place)
        words = batch[place:end].split(b" ")
        if words[-1] == b"missing":
            texts.append(None)
            place = end + 1
            continue
        size = int(words[-1])
        data = batch[end + 1 : end + 1 + size]
        texts.append(data.decode(errors="replace") if words[1] == b"blob" and size <= NOTE_BYTES_MAX else "")
        place = end + 2 + size
    return texts
