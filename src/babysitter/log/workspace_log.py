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

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import msgspec

from babysitter.log.checkpoint import Checkpoint, read_checkpoint
from babysitter.log.known_leaves import KnownLeaves
from babysitter.log.leaves import Leaf, LogRecovered, leaf_of
from babysitter.log.log_files import CHECKPOINT, LogFiles
from babysitter.log.log_key import LogKey
from babysitter.log.notes import Note, VerifierKey
from babysitter.log.tree import Frontier
from babysitter.model.clock import Clock, Dice, format_time
from babysitter.model.errors import CorruptJournalError, StoreError, WitnessError
from babysitter.model.lines import BATCH_BYTES_MAX, BrokenLineError, Chain, Record
from babysitter.model.values import sha256_hex
from babysitter.stores.tree import Tree

WRITE_BYTES_MAX = BATCH_BYTES_MAX // 2
"""Of one write, and of lines that are not synced yet: a torn tail is at most one of each."""
_encode = msgspec.json.Encoder().encode
Kind = TypeVar("Kind", bound=Leaf)


class WorkspaceLog:
    """See the module. ``origin``: the log's name where none was chosen yet; empty: one is made."""

    def __init__(self, tree: Tree, *, clock: Clock, dice: Dice, origin: str = "") -> None:
        self.folder = Path(tree.root)
        self.tree = tree
        self._files = LogFiles(tree)
        self._key = LogKey(tree, clock=clock, dice=dice, origin=origin)
        self._clock = clock
        self._mutex = threading.RLock()
        self._forget()

    def append(self, leaves: Sequence[Leaf], *, durable: bool) -> list[int]:
        """Add leaves; return their indexes, the first of the log being 0.

        Not durable: they are kept with the next durable ones, and no checkpoint names them before.

        Raises:
            CorruptJournalError: the log on disk was changed by something else; nothing was added.
            StoreFailedError: a disk operation failed; whether the leaves are kept is unknown.
        """
        with self._mutex, self._files.locked(self._clock):
            try:
                self._catch_up()
                first = len(self._known)
                for batch in self._batches(leaves):
                    self._add(batch, durable=durable)
            except StoreError:
                # Nobody knows what is on disk: the next look begins anew.
                self._forget()
                raise
            return list(range(first, len(self._known)))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the log to ourselves: nobody adds anything between what is read inside and what is added."""
        with self._mutex, self._files.locked(self._clock):
            yield

    def keep(self, kind: str, name: str, data: bytes) -> None:
        """Keep a file that a leaf will name by its digest, as ``kind/name``; durable when this returns."""
        # Locked, since two who write one file at once write it aside under one name.
        with self._mutex, self._files.locked(self._clock):
            self.tree.replace(f"{kind}/{name}", data, durable=True)

    def read(self, path: str) -> bytes:
        """Return a file of the log's folder.

        Raises:
            NotFoundError: it is not there.
        """
        return self.tree.read(path)

    def leaves(self) -> list[Leaf]:
        """Return all leaves, what other processes have added included. Reads them all."""
        with self._mutex:
            self._look()
            return self._read_leaves()

    def by_run(self, run_id: str) -> list[Leaf]:
        """Return a run's leaves, in order."""
        with self._mutex:
            self._look()
            if run_id not in self._known.sealed:
                return self._known.of_run(run_id)
            # Not followed any more; asked for when an emergency is reviewed.
            return [leaf for leaf in self._read_leaves() if getattr(leaf, "run_id", None) == run_id]

    def is_sealed(self, run_id: str) -> bool:
        """Tell whether a run has its seal; after it come only holds, reviews and a removal."""
        with self._mutex:
            self._look()
            return run_id in self._known.sealed

    def newest(self, kind: type[Kind]) -> Kind | None:
        """Return the newest leaf of a kind; None when there is none."""
        with self._mutex:
            self._look()
            leaf = self._known.newest.get(kind)
            return leaf if isinstance(leaf, kind) else None

    def unreviewed(self) -> list[tuple[str, str]]:
        """Return (run, breakpoint) of the emergencies that nobody has reviewed, oldest first."""
        with self._mutex:
            self._look()
            return list(self._known.unreviewed)

    def unsealed(self) -> set[str]:
        """Return the runs that were opened and not sealed."""
        with self._mutex:
            self._look()
            return set(self._known.unsealed)

    def hashes(self) -> list[bytes]:
        """Return the leaf hashes of all lines, for proofs."""
        with self._mutex:
            self._look()
            return self._known.hashes()

    def lines(self) -> list[bytes]:
        """Return all lines, byte for byte."""
        with self._mutex:
            self._look()
            data = self._read_known()
            return [data[start:end] for start, end in pairwise((0, *self._known.ends()))]

    def checkpoint(self) -> str | None:
        """Return the newest signed checkpoint; None where there is no log yet."""
        return self._files.checkpoint().decode(errors="replace") or None

    def verifier(self) -> VerifierKey | None:
        """Return the log's public key; None where there is no log yet."""
        return self._key.verifier()

    def _forget(self) -> None:
        self._chain = Chain()
        self._known = KnownLeaves()
        self._last_line = b""
        # The tree that the newest checkpoint was found to be of.
        self._checked = Frontier()

    def _look(self) -> None:
        """Take in what is new on disk, without the lock: a line that is being written is not there yet."""
        if not self.folder.is_dir() or not self._read_new():
            return
        # Something does not chain: being written, torn, or edited. What a checkpoint
        # is over was there when it was signed, so it must chain in a look that comes later.
        known = self._signed()
        self._read_new()
        self._hold_against(known)

    def _catch_up(self) -> None:
        """Take in what is new, hold the log against its own checkpoint, and cut a torn tail. Locked."""
        tail = self._read_new()
        known = self._signed()
        self._hold_against(known)
        if len(tail) > BATCH_BYTES_MAX:
            raise self._corrupt(f"its last {len(tail)} bytes are no lines, and no batch is that long")
        self._key.load(may_make=known is None and not self._known)
        if tail:
            self._cut(tail)
        elif self._files.is_suspect or self._chain.offset == 0:
            self._files.rewrite(self._read_known())

    def _read_new(self) -> bytes:
        """Read the lines that follow those known; return the bytes that do not chain."""
        known = self._last_line
        data = self._files.lines(self._chain.offset - len(known))
        if not data.startswith(known):
            self._forget()
            raise self._corrupt("it is shorter than it was a moment ago, or its lines are others")
        start = self._chain.offset
        data = data[len(known) :]
        chain, records, lines, tail = self._chain.copy(), list[Record](), list[bytes](), b""
        try:
            for record, line in chain.lines(data):
                records.append(record)
                lines.append(line)
        except BrokenLineError:
            tail = data[chain.offset - start :]
        self._take(chain, lines, [self._leaf(record) for record in records])
        return tail

    def _leaf(self, record: Record) -> Leaf:
        try:
            return leaf_of(record)
        except (KeyError, msgspec.ValidationError) as error:
            raise self._corrupt(f"line {record.seq} is no leaf: {error}") from None

    def _take(self, chain: Chain, lines: Sequence[bytes], leaves: Sequence[Leaf]) -> None:
        for line, leaf in zip(lines, leaves, strict=True):
            self._known.take(line, leaf)
        self._chain = chain
        self._last_line = lines[-1] if lines else self._last_line

    def _read_leaves(self) -> list[Leaf]:
        try:
            return [self._leaf(record) for record in Chain().read(self._read_known())]
        except BrokenLineError as broken:
            self._forget()
            raise self._corrupt(f"line {broken.seq} {broken.problem}") from None

    def _read_known(self) -> bytes:
        """Return the lines that are known, read again."""
        return self._files.lines()[: self._chain.offset]

    def _signed(self) -> Checkpoint | None:
        """Return what the log said last that it is; None when that is lost, and no witness's copy is here."""
        data = self._files.checkpoint() or self._files.largest_kept()
        try:
            return read_checkpoint(data.decode())[1] if data else None
        except (WitnessError, UnicodeDecodeError):
            raise self._corrupt(f"{CHECKPOINT} can't be read") from None

    def _hold_against(self, known: Checkpoint | None) -> None:
        """Refuse a log that is not a continuation of what was signed before."""
        if known is None:
            return
        tree = self._tree_of(known.size)
        if known.size > tree.size or tree.root() != known.root:
            what = "has fewer lines" if known.size > tree.size else "has other lines"
            self._forget()
            raise self._corrupt(f"it {what} than its own checkpoint of {known.size} says")
        self._checked = tree

    def _tree_of(self, size: int) -> Frontier:
        """Return the tree of the first leaves, or of all where there are fewer."""
        tree = self._checked.copy() if size >= self._checked.size else Frontier()
        for hashed in self._known.hashes(tree.size, size):
            tree.append(hashed)
        return tree

    def _cut(self, tail: bytes) -> None:
        """Cut a torn tail: keep its bytes, and say so in the place where it was."""
        digest = sha256_hex(tail)
        self.tree.replace(f"torn/{digest}", tail, durable=True)
        leaf = LogRecovered(dropped_bytes=len(tail), dropped_sha256=digest)
        good = self._read_known()
        chain = self._chain.copy()
        line = self._line(chain, leaf)
        self._files.rewrite(good + line)
        self._take(chain, [line], [leaf])
        self._sign_checkpoint()

    def _line(self, chain: Chain, leaf: Leaf) -> bytes:
        return chain.line(leaf.type, format_time(self._clock.now_ns()), _encode(leaf))

    def _batches(self, leaves: Sequence[Leaf]) -> Iterator[list[tuple[bytes, Leaf]]]:
        """Yield leaves with their lines, as many at a time as one write may hold. Each is added at once."""
        chain, batch, size = self._chain.copy(), list[tuple[bytes, Leaf]](), 0
        for leaf in leaves:
            line = self._line(chain, leaf)
            if batch and size + len(line) > WRITE_BYTES_MAX:
                yield batch
                batch, size = [], 0
            batch.append((line, leaf))
            size += len(line)
        if batch:
            yield batch

    def _add(self, batch: Sequence[tuple[bytes, Leaf]], *, durable: bool) -> None:
        data = b"".join(line for line, _ in batch)
        chain = self._chain.copy()
        chain.hasher.update(data)
        chain.seq += len(batch)
        chain.offset += len(data)
        durable = durable or chain.offset - self._signed_bytes() > WRITE_BYTES_MAX
        self._files.append(data, durable=durable)
        self._take(chain, [line for line, _ in batch], [leaf for _, leaf in batch])
        if durable:
            self._sign_checkpoint()

    def _signed_bytes(self) -> int:
        """Return how many bytes the newest checkpoint is over; they are on disk."""
        return self._known.end_of(self._checked.size)

    def _sign_checkpoint(self) -> None:
        """Sign the tree as it is. Not synced: lost, it is signed again over the same lines."""
        tree = self._tree_of(len(self._known))
        text = Checkpoint(origin=self._key.name, size=tree.size, root=tree.root()).text
        note = Note(text=text, signatures=(self._key.sign(text),))
        self.tree.replace(CHECKPOINT, str(note).encode(), durable=False)
        self._checked = tree

    def _corrupt(self, problem: str) -> CorruptJournalError:
        return CorruptJournalError(
            f"the log at {self.folder} is wrong: {problem}.",
            hint="Nothing was added. It was rolled back, edited or forked. Check with 'babysitter journal "
            "verify --all', and bring back the copy that its witnesses have seen.",
            problem=problem,
        )
