"""What a log's leaves have come to: of each its hash and its end, and of runs that are not sealed the leaves.

A server has its log open for weeks, so a run that has ended costs some 200 bytes here and not ten times
that; whoever asks for its leaves has them read from the disk again.

Invariant, with a test in tests/unit/log/test_known_leaves.py: what is kept is what the leaves say, and grows
with a sealed run by nothing but its id, its hashes and its ends.
"""

from array import array

from babysitter.log.leaves import Approval, BreakGlassReviewed, Leaf, RunOpened, RunSealed
from babysitter.log.tree import leaf_hash

_HASH_BYTES = 32


class KnownLeaves:
    """See the module. Not safe for several threads at once.

    newest: the last leaf of each kind. unreviewed: (run, breakpoint) of emergencies that nobody has reviewed,
    oldest first. sealed: runs of whose leaves none is kept.
    """

    def __init__(self) -> None:
        self.newest: dict[type[Leaf], Leaf] = {}
        self.unreviewed: dict[tuple[str, str], None] = {}
        self.unsealed: set[str] = set()
        self.sealed: set[str] = set()
        self._of_run: dict[str, list[Leaf]] = {}
        self._hashes = bytearray()
        self._ends = array("Q")

    def __len__(self) -> int:
        """Return how many leaves there are."""
        return len(self._ends)

    def take(self, line: bytes, leaf: Leaf) -> None:
        """Take the next leaf, with its line."""
        self._hashes += leaf_hash(line)
        self._ends.append(self.end_of(len(self)) + len(line))
        self.newest[type(leaf)] = leaf
        run_id = getattr(leaf, "run_id", None)
        if run_id is not None and run_id not in self.sealed:
            self._of_run.setdefault(run_id, []).append(leaf)
        self._fold(leaf)

    def of_run(self, run_id: str) -> list[Leaf]:
        """Return the leaves of a run that is not sealed, in order."""
        return list(self._of_run.get(run_id, ()))

    def hashes(self, start: int = 0, end: int | None = None) -> list[bytes]:
        """Return the hashes of the leaves from ``start`` to before ``end``, or of all from there on."""
        last = len(self) if end is None else min(end, len(self))
        return [
            bytes(self._hashes[at : at + _HASH_BYTES])
            for at in range(start * _HASH_BYTES, last * _HASH_BYTES, _HASH_BYTES)
        ]

    def end_of(self, size: int) -> int:
        """Return how many bytes the first ``size`` lines have."""
        return self._ends[size - 1] if size else 0

    def ends(self) -> list[int]:
        """Return behind which byte each line ends."""
        return self._ends.tolist()

    def _fold(self, leaf: Leaf) -> None:
        """Keep what is asked for at every decision, so that nobody looks through all leaves for it."""
        match leaf:
            case RunOpened():
                self.unsealed.add(leaf.run_id)
            case RunSealed():
                self.unsealed.discard(leaf.run_id)
                self.sealed.add(leaf.run_id)
                self._of_run.pop(leaf.run_id, None)
            case Approval() if leaf.is_emergency:
                self.unreviewed[leaf.run_id, leaf.breakpoint_id] = None
            case BreakGlassReviewed():
                self.unreviewed.pop((leaf.run_id, leaf.breakpoint_id), None)
            case _:
                return
