"""The log of a workspace on disk: append leaves, keep the checkpoint signed.

``log.jsonl`` has the line format of journals; its tree is signed as ``checkpoint``.
Several processes append in turn, under a lock; each takes in first what others wrote.

Invariants, each with a test in tests/unit/log and tests/fault/test_log_faults.py:
    - what ``append(durable=True)`` has returned survives a crash of the machine, and all before it;
    - a checkpoint is signed only over lines that are on disk, and never over two trees of one size;
    - a log that does not extend its own checkpoint is refused, not carried on: somebody rolled it back;
    - a torn tail beyond the checkpoint is cut off, its bytes kept, and said.

Format: docs/reference/log.md.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from babysitter.log.checkpoint import Checkpoint, read_checkpoint
from babysitter.log.leaves import Leaf, LogRecovered, leaf_of
from babysitter.log.notes import Note, VerifierKey, parse_key, sign_note, verifier_of
from babysitter.log.tree import Frontier, leaf_hash
from babysitter.model.clock import Clock, Dice, format_time
from babysitter.model.errors import CorruptJournalError, NotFoundError, StoreError, StoreFailedError
from babysitter.model.ids import ulid
from babysitter.model.lines import BATCH_BYTES_MAX, BrokenLineError, Chain, Record
from babysitter.model.values import sha256_hex
from babysitter.stores.failures import disk_errors
from babysitter.stores.tree import Tree, write_all

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LOG, CHECKPOINT, KEY, VERIFIER, LOCK = "log.jsonl", "checkpoint", "log.key", "log.vkey", "lock"
LOCK_WAIT_S = 20.0
_LOCK_PAUSE_S = 0.002
_encode = msgspec.json.Encoder().encode


class WorkspaceLog:
    """See the module. ``origin``: the log's name where none was chosen yet; empty: one is made."""

    def __init__(self, tree: Tree, *, clock: Clock, dice: Dice, origin: str = "") -> None:
        self.folder = Path(tree.root)
        self.tree = tree
        self._clock = clock
        self._dice = dice
        self._origin = origin
        self._mutex = threading.RLock()
        self._key: Ed25519PrivateKey | None = None
        self._name = ""
        self._forget()

    def append(self, leaves: Sequence[Leaf], *, durable: bool) -> list[int]:
        """Add leaves; return their indexes, the first of the log being 0.

        Not durable: they are kept with the next durable ones, and no checkpoint names them before.

        Raises:
            CorruptJournalError: the log on disk was changed by something else; nothing was added.
            StoreFailedError: a disk operation failed; whether the leaves are kept is unknown.
        """
        with self._mutex, self._locked():
            self._catch_up()
            chain = self._chain.copy()
            now = format_time(self._clock.now_ns())
            lines = [chain.line(leaf.type, now, _encode(leaf)) for leaf in leaves]
            try:
                self._write(b"".join(lines), durable=durable)
            except StoreError:
                # Nobody knows what is on disk: the next look begins anew.
                self._forget()
                raise
            first = len(self._leaves)
            self._take(chain.copy(), lines, leaves)
            if durable:
                self._sign_checkpoint()
            return list(range(first, first + len(lines)))

    def keep(self, kind: str, name: str, data: bytes) -> None:
        """Keep a file that a leaf will name by its digest, as ``kind/name``; durable when this returns."""
        with self._mutex:
            self._make_folder()
            self.tree.replace(f"{kind}/{name}", data, durable=True)

    def read(self, path: str) -> bytes:
        """Return a file of the log's folder.

        Raises:
            NotFoundError: it is not there.
        """
        return self.tree.read(path)

    def leaves(self) -> list[Leaf]:
        """Return all leaves, what other processes have added included."""
        with self._mutex:
            self._look()
            return list(self._leaves)

    def by_run(self, run_id: str) -> list[Leaf]:
        """Return a run's leaves, in order."""
        with self._mutex:
            self._look()
            return list(self._by_run.get(run_id, ()))

    def hashes(self) -> list[bytes]:
        """Return the leaf hashes of all lines, for proofs."""
        with self._mutex:
            self._look()
            return list(self._hashes)

    def lines(self) -> list[bytes]:
        """Return all lines, byte for byte."""
        with self._mutex:
            self._look()
            return [line + b"\n" for line in self._data()[: self._chain.offset].split(b"\n")[:-1]]

    def checkpoint(self) -> str | None:
        """Return the newest signed checkpoint; None where there is no log yet."""
        try:
            return self.tree.read(CHECKPOINT).decode()
        except NotFoundError:
            return None

    def verifier(self) -> VerifierKey | None:
        """Return the log's public key; None where there is no log yet."""
        try:
            return parse_key(self.tree.read(VERIFIER).decode())
        except NotFoundError:
            return None

    def _forget(self) -> None:
        self._chain = Chain()
        self._frontier = Frontier()
        self._leaves: list[Leaf] = []
        self._hashes: list[bytes] = []
        self._by_run: dict[str, list[Leaf]] = {}
        self._checked_size = -1

    def _look(self) -> None:
        """Take in what is new on disk, without the lock: a line that is being written is not there yet."""
        if self.folder.is_dir():
            self._read_new(torn_ok=True)

    def _catch_up(self) -> None:
        """Take in what is new, cut a torn tail, and hold the log against its own checkpoint. Locked."""
        tail = self._read_new(torn_ok=False)
        self._check_checkpoint()
        if tail:
            self._cut(tail)

    def _read_new(self, *, torn_ok: bool) -> bytes:
        """Read the lines that follow those known; return the bytes that do not chain."""
        data = self._data(self._chain.offset)
        chain, start, records = self._chain.copy(), self._chain.offset, list[Record]()
        lines: list[bytes] = []
        tail = b""
        try:
            before = start
            for record in chain.read(data):
                records.append(record)
                lines.append(data[before - start : chain.offset - start])
                before = chain.offset
        except BrokenLineError as broken:
            tail = data[chain.offset - start :]
            if not torn_ok and len(tail) > BATCH_BYTES_MAX:
                raise self._corrupt(f"line {broken.seq} {broken.problem}") from broken
        self._take(chain, lines, [self._leaf(record) for record in records])
        return tail

    def _leaf(self, record: Record) -> Leaf:
        try:
            return leaf_of(record)
        except (KeyError, msgspec.ValidationError) as error:
            raise self._corrupt(f"line {record.seq} is no leaf: {error}") from None

    def _take(self, chain: Chain, lines: Sequence[bytes], leaves: Sequence[Leaf]) -> None:
        for line, leaf in zip(lines, leaves, strict=True):
            hashed = leaf_hash(line)
            self._hashes.append(hashed)
            self._frontier.append(hashed)
            self._leaves.append(leaf)
            run_id = getattr(leaf, "run_id", None)
            if run_id is not None:
                self._by_run.setdefault(run_id, []).append(leaf)
        self._chain = chain

    def _data(self, offset: int = 0) -> bytes:
        try:
            fd = self.tree.open(LOG, os.O_RDONLY)
        except NotFoundError:
            return b""
        try:
            with disk_errors("reading the log", f"{self.folder}/{LOG}"):
                return self.tree.disk.read(fd, offset)
        finally:
            self.tree.disk.close(fd)

    def _check_checkpoint(self) -> None:
        """Refuse to go on from a log that is not a continuation of what was signed before."""
        text = self.checkpoint()
        if text is None:
            return
        known = read_checkpoint(text)[1]
        if known.size == self._checked_size:
            return
        tree = Frontier()
        for hashed in self._hashes[: known.size]:
            tree.append(hashed)
        if known.size > len(self._hashes) or tree.root() != known.root:
            what = "has fewer lines" if known.size > len(self._hashes) else "has other lines"
            self._forget()
            raise self._corrupt(f"it {what} than its own checkpoint of {known.size} says")
        self._checked_size = known.size

    def _cut(self, tail: bytes) -> None:
        """Cut a torn tail: keep its bytes, and say so in the place where it was."""
        digest = sha256_hex(tail)
        self.tree.replace(f"torn/{digest}", tail, durable=True)
        leaf = LogRecovered(dropped_bytes=len(tail), dropped_sha256=digest)
        good = self._data()[: self._chain.offset]
        chain = self._chain.copy()
        line = chain.line(leaf.type, format_time(self._clock.now_ns()), _encode(leaf))
        self.tree.replace(LOG, good + line, durable=True)
        self._take(chain, [line], [leaf])
        self._sign_checkpoint()

    def _write(self, data: bytes, *, durable: bool) -> None:
        is_new = self._chain.offset == 0
        fd = self.tree.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            with disk_errors("appending to the log", f"{self.folder}/{LOG}"):
                write_all(self.tree.disk, fd, data)
                if durable:
                    self.tree.disk.sync_data(fd)
        finally:
            self.tree.disk.close(fd)
        if is_new:
            self.tree.sync_entries(LOG)

    def _sign_checkpoint(self) -> None:
        """Sign the tree as it is. Not synced: lost, it is signed again over the same lines."""
        key = self._signer()
        size = len(self._hashes)
        text = Checkpoint(origin=self._name, size=size, root=self._frontier.root()).text
        note = Note(text=text, signatures=(sign_note(text, key, self._name),))
        self.tree.replace(CHECKPOINT, str(note).encode(), durable=False)
        self._checked_size = size

    def _signer(self) -> "Ed25519PrivateKey":
        """Return the log's key, made when there is none. Locked."""
        if self._key is None:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 (25 ms to import)
                Ed25519PrivateKey,
            )

            known = self.verifier()
            if known is None:
                self._make_key(Ed25519PrivateKey.generate())
            else:
                self._name = known.name
                self._key = Ed25519PrivateKey.from_private_bytes(self.tree.read(KEY))
        assert self._key is not None, "just set"
        return self._key

    def _make_key(self, key: "Ed25519PrivateKey") -> None:
        name = (
            self._origin
            or f"babysitter/{ulid(self._clock.now_ns() // 1_000_000, self._dice.bits(80)).lower()}"
        )
        self.tree.replace(KEY, key.private_bytes_raw(), durable=True)
        verifier = verifier_of(key, name, 1)
        self.tree.replace(VERIFIER, f"{verifier}\n".encode(), durable=True)
        self._key, self._name = key, name

    def _make_folder(self) -> None:
        with disk_errors("making the folder of the log", str(self.folder)):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._make_folder()
        fd = self.tree.open(LOCK, os.O_RDWR | os.O_CREAT)
        try:
            until_s = self._clock.monotonic_s() + LOCK_WAIT_S
            with disk_errors("locking the log", f"{self.folder}/{LOCK}"):
                while not self.tree.disk.try_lock(fd, shared=False):
                    if self._clock.monotonic_s() > until_s:
                        raise StoreFailedError(
                            f"another process has held the log at {self.folder} for {LOCK_WAIT_S:g} seconds.",
                            hint="Look which one (fuser, lsof); then resume the run: nothing is lost.",
                        )
                    self.tree.disk.pause(_LOCK_PAUSE_S)
            yield
        finally:
            self.tree.disk.close(fd)

    def _corrupt(self, problem: str) -> CorruptJournalError:
        return CorruptJournalError(
            f"the log at {self.folder} is wrong: {problem}.",
            hint="Nothing was added. It was rolled back, edited or forked. Check with 'babysitter journal "
            "verify --all', and bring back the copy that its witnesses have seen.",
            problem=problem,
        )
