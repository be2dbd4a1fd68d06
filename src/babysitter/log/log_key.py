"""The log's own key: made with the log, and never again, since a log under another key is another log.

``log.key`` holds the 32 secret bytes of an Ed25519 key, ``log.vkey`` its public half under the log's name.
"""

from typing import TYPE_CHECKING

from babysitter.log.notes import LOG_KEY, NoteSignature, VerifierKey, parse_key, sign_note, verifier_of
from babysitter.model.clock import Clock, Dice
from babysitter.model.errors import CorruptJournalError, NotFoundError, WitnessError
from babysitter.model.ids import ulid
from babysitter.stores.tree import Tree

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY, VERIFIER = "log.key", "log.vkey"


class LogKey:
    """See the module. ``origin``: the log's name where it has none yet; empty: one is made."""

    def __init__(self, tree: Tree, *, clock: Clock, dice: Dice, origin: str = "") -> None:
        self._tree = tree
        self._clock = clock
        self._dice = dice
        self._origin = origin
        self._key: Ed25519PrivateKey | None = None
        self.name = ""

    def verifier(self) -> VerifierKey | None:
        """Return the public half; None where there is no log yet.

        Raises:
            WitnessError: what is there is no key.
        """
        try:
            return parse_key(self._tree.read(VERIFIER).decode(errors="replace"))
        except NotFoundError:
            return None

    def load(self, *, may_make: bool) -> None:
        """Afterwards ``sign`` works. ``may_make``: nothing was signed yet, so a missing key is made.

        Raises:
            CorruptJournalError: the key is lost, or is another than it was.
        """
        if self._key is not None:
            return
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 (25 ms to import)
            Ed25519PrivateKey,
        )

        try:
            known = self.verifier()
            if known is None and may_make:
                self._make(Ed25519PrivateKey.generate())
                return
            key = Ed25519PrivateKey.from_private_bytes(self._tree.read(KEY))
        except (NotFoundError, WitnessError, ValueError):
            raise self._lost("it is gone, or no key") from None
        if known is None or verifier_of(key, known.name, LOG_KEY) != known:
            raise self._lost(f"{VERIFIER} is not its public half")
        self._key, self.name = key, known.name

    def sign(self, text: str) -> NoteSignature:
        """Return the log's signature of a note's text."""
        assert self._key is not None, "load comes first"
        return sign_note(text, self._key, self.name)

    def _make(self, key: "Ed25519PrivateKey") -> None:
        made = f"babysitter/{ulid(self._clock.now_ns() // 1_000_000, self._dice.bits(80)).lower()}"
        name = self._origin or made
        self._tree.replace(KEY, key.private_bytes_raw(), durable=True)
        verifier = verifier_of(key, name, LOG_KEY)
        self._tree.replace(VERIFIER, f"{verifier}\n".encode(), durable=True)
        self._key, self.name = key, name

    def _lost(self, problem: str) -> CorruptJournalError:
        return CorruptJournalError(
            f"the key of the log, {self._tree.root}/{KEY}, can't be used: {problem}.",
            hint=f"Nothing was added. Bring {KEY} and {VERIFIER} back from a backup: under another key "
            "this would be another log.",
            problem=problem,
        )
