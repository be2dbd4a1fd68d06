"""What every kind of witness is to its log: it is shown a newer checkpoint, and leaves proof of that.

One file a kind: ``http.py`` (C2SP tlog-witness, checks that the log only grew), ``git.py`` (a remote that
keeps history) and ``timestamp.py`` (an RFC 3161 authority, which vouches for the time only).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from babysitter.log.checkpoint import Checkpoint, read_checkpoint
from babysitter.log.notes import Note, NoteSignature
from babysitter.model.errors import WitnessError

Reason = Literal["away", "settings", "refused", "conflict", "ahead", "fork", "lost", "answer"]
"""Why a witness did not cosign, in ``facts['reason']`` of a WitnessError:

away: not reached, too slow, or out of order. Try again later; nothing is wrong with the log.
settings: its address or key can't be used.
refused: it does not know this log, or not its key.
conflict: others kept sending at the same moment. Try again.
ahead: it has seen ``facts['size']`` lines, more than this checkpoint has: show it the newest one. Where there
    is no newer one, the log was rolled back.
fork: it has seen another log under this name.
lost: it no longer has what it had seen.
answer: what it answered proves nothing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointUpdate:
    """A newer checkpoint, and how it goes on from any older one.

    note: the checkpoint, signed by the log.
    prove: from an older size to the proof (RFC 6962) that the checkpoint's tree begins with that tree.
    known_size: what the witness is believed to have seen; 0 when nobody knows.
    """

    note: str
    prove: Callable[[int], Sequence[bytes]]
    known_size: int = 0

    def read(self) -> tuple[Note, Checkpoint]:
        """Return the note and the checkpoint in it.

        Raises:
            WitnessError: it is no signed checkpoint.
        """
        return read_checkpoint(self.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """What a witness left, already verified.

    signatures: to be added to the checkpoint's note.
    token: a time stamp (DER of an RFC 3161 response) over the note's text, to be kept beside it; empty: none.
    time_s: when it was seen at the latest, in seconds since 1970, by the witness's clock; None: not said.
    """

    signatures: tuple[NoteSignature, ...] = ()
    token: bytes = b""
    time_s: int | None = None


class Witness(Protocol):
    """Somebody else who sees checkpoints."""

    @property
    def name(self) -> str:
        """The name by which the settings know it."""
        ...

    def cosign(self, update: CheckpointUpdate) -> Cosigned:
        """Have the checkpoint seen. Afterwards, whoever asks the witness learns of it or of a newer one.

        Raises:
            WitnessError: it was not seen; ``facts['reason']`` is one of ``Reason``.
        """
        ...


def not_cosigned(witness: str, reason: Reason, what: str, hint: str, **facts: object) -> WitnessError:
    """Return the error for a witness that did not cosign."""
    return WitnessError(f"witness {witness} {what}.", hint=hint, witness=witness, reason=reason, **facts)


def fork_seen(witness: str, size: int) -> WitnessError:
    """Return the error for a witness that has seen another log under the same name."""
    return not_cosigned(
        witness,
        "fork",
        f"has seen a log of this name that at {size} lines is another one",
        "Somebody rewrote the log, or two workspaces use one log key. Change nothing; compare the log with "
        "what the witness has kept: 'babysitter journal verify --all'.",
        size=size,
    )


def witness_ahead(witness: str, seen: int, ours: int) -> WitnessError:
    """Return the error for a witness that has seen more than it is being shown."""
    return not_cosigned(
        witness,
        "ahead",
        f"has seen {seen} lines, and this checkpoint has {ours}",
        "If another process of this workspace has sent a newer checkpoint, send that. If the log has "
        f"no {seen} lines, it was rolled back: bring back the copy that has them.",
        size=seen,
    )
