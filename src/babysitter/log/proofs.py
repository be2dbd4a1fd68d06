"""One leaf, shown without the rest: its line, its place in the tree, the checkpoint that signs the tree."""

import base64
import binascii

import msgspec
from msgspec import Struct

from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.leaves import Leaf, leaf_of
from babysitter.log.notes import VerifierKey, is_signed_by
from babysitter.log.tree import inclusion_proof, is_included, leaf_hash
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model.errors import NotFoundError, WitnessError
from babysitter.model.lines import record_alone

PROOF_HASHES_MAX = 64


class LeafProof(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A leaf and its proof. ``leaf``: its line, newline included; ``hashes``: base64, from the leaf up.

    index: of the leaf, the first being 0. checkpoint: a signed note over the tree of ``size`` leaves.
    """

    leaf: str
    index: int
    size: int
    hashes: tuple[str, ...]
    checkpoint: str


def prove_leaf(log: WorkspaceLog, index: int) -> LeafProof:
    """Return the proof of one leaf against the newest checkpoint.

    Raises:
        NotFoundError: there is no checkpoint over that leaf yet.
    """
    note = log.checkpoint()
    size = read_checkpoint(note)[1].size if note is not None else 0
    if note is None or index >= size:
        raise NotFoundError(
            f"no checkpoint is over leaf {index} yet.", hint="The next opening, answer or seal signs one."
        )
    proof = inclusion_proof(log.hashes(), index, size)
    return LeafProof(
        leaf=log.lines()[index].decode(),
        index=index,
        size=size,
        hashes=tuple(base64.b64encode(each).decode() for each in proof),
        checkpoint=note,
    )


def check_leaf(proof: LeafProof, key: VerifierKey) -> Leaf:
    """Return the leaf that a proof shows to be in the log of a key.

    Raises:
        WitnessError: it does not show that.
    """
    note, checkpoint = read_checkpoint(proof.checkpoint)
    if checkpoint.origin != key.name or not is_signed_by(note, key):
        raise _no_proof("the log's key did not sign its checkpoint")
    try:
        hashes = [base64.b64decode(each, validate=True) for each in proof.hashes[: PROOF_HASHES_MAX + 1]]
    except (binascii.Error, ValueError):
        raise _no_proof("its hashes are not base64") from None
    line = proof.leaf.encode()
    shown = is_included(leaf_hash(line), proof.index, proof.size, hashes, checkpoint.root)
    if len(hashes) > PROOF_HASHES_MAX or proof.size != checkpoint.size or not shown:
        raise _no_proof("the leaf is not in the tree that was signed")
    record = record_alone(line)
    try:
        if record is None:
            raise _no_proof("its leaf is not a line of a log")
        return leaf_of(record)
    except (KeyError, msgspec.ValidationError) as error:
        raise _no_proof(f"its leaf says nothing known: {error}") from None


def _no_proof(why: str) -> WitnessError:
    return WitnessError(f"this proves nothing: {why}.", hint="Ask for another export of the event.")
