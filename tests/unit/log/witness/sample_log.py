"""A log in memory that signs what a test wants: the honest tree, a rewritten one, another log's."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from babysitter.log.checkpoint import Checkpoint
from babysitter.log.notes import LOG_KEY, Note, VerifierKey, sign_note, verifier_of
from babysitter.log.tree import consistency_proof, leaf_hash, root_of
from babysitter.log.witness.interface import CheckpointUpdate
from babysitter.log.witness.protocol import format_request

ORIGIN = "logs.example.com/ours"


def _key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


@dataclass(frozen=True, kw_only=True)
class SampleLog:
    """``rewritten_at``: from that leaf on the lines are others than the honest log's; None: nowhere."""

    origin: str = ORIGIN
    rewritten_at: int | None = None
    seed: int = 1
    leaves: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        for index in range(100):
            is_other = self.rewritten_at is not None and index >= self.rewritten_at
            self.leaves.append(leaf_hash(b"other" * is_other + index.to_bytes(4)))

    @property
    def verifier(self) -> VerifierKey:
        return verifier_of(_key(self.seed), self.origin, LOG_KEY)

    def root(self, size: int) -> bytes:
        return root_of(self.leaves[:size])

    def note(self, size: int, *extension: str) -> str:
        text = Checkpoint(origin=self.origin, size=size, root=self.root(size), extension=extension).text
        return str(Note(text=text, signatures=(sign_note(text, _key(self.seed), self.origin),)))

    def update(self, size: int, known_size: int = 0) -> CheckpointUpdate:
        return CheckpointUpdate(
            note=self.note(size),
            prove=lambda old: consistency_proof(self.leaves, old, size),
            known_size=known_size,
        )

    def request(self, old_size: int, size: int) -> bytes:
        proof = consistency_proof(self.leaves, old_size, size) if old_size <= size else []
        return format_request(old_size, proof, self.note(size))
