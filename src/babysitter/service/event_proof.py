"""One answer, shown to somebody who is shown nothing else: its line, its leaf and proof, what was signed.

The leaf of an answer holds the SHA-256 of the answer's one journal line. So the line, the
leaf, and the leaf's place in the signed tree show that the answer stands in that line of
that run, and no other line has to be shown.
"""

import msgspec
from msgspec import Struct

from babysitter.log.leaves import Approval
from babysitter.log.notes import VerifierKey
from babysitter.log.proofs import LeafProof, check_leaf, prove_leaf
from babysitter.model import events as ev
from babysitter.model.errors import CorruptJournalError, NotFoundError, UsageError, WitnessError
from babysitter.model.lines import Chain, record_alone
from babysitter.model.values import sha256_hex
from babysitter.service.wiring import Workspace

FORM = "urn:babysitter:event-proof/v1"
_FILE_BYTES_MAX = 4 * 1024 * 1024


class EventProof(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What ``journal export --event`` writes. ``line``: with its newline; ``key``: the log's."""

    type: str = FORM
    run_id: str
    line: str
    proof: LeafProof
    key: str
    statement: str = ""
    signature: str = ""


def prove_event(workspace: Workspace, run_id: str, seq: int) -> EventProof:
    """Return the proof of one answer.

    Raises:
        UsageError: the line is no answer, so the log does not know it by itself.
        NotFoundError: there is no such line, or the log does not know it yet.
    """
    line = _line(workspace, run_id, seq)
    record = record_alone(line)
    event = record.event() if record is not None else None
    if not isinstance(event, ev.BreakpointResponded) or event.decision == "defer":
        raise UsageError(
            f"line {seq} of run {run_id} can't be shown by itself: only answers that approve or reject can.",
            hint="Find them with: babysitter audit approvals. A whole run: babysitter journal export RUN",
        )
    log = workspace.logbook.log
    leaves = log.leaves()
    found = [
        index
        for index, leaf in enumerate(leaves)
        if isinstance(leaf, Approval) and leaf.run_id == run_id and leaf.seq == seq
    ]
    key = log.verifier()
    if not found or key is None:
        raise NotFoundError(
            f"the log has no leaf for line {seq}.", hint=f"Resume it first: babysitter resume {run_id}"
        )
    return EventProof(
        run_id=run_id,
        line=line.decode(),
        proof=prove_leaf(log, found[0]),
        key=str(key),
        statement=_text(workspace, run_id, event.statement_ref),
        signature=_text(workspace, run_id, event.signature_ref),
    )


def parse_event_proof(data: bytes) -> EventProof:
    """Return the proof that a file holds.

    Raises:
        WitnessError: it holds none.
    """
    try:
        proof = msgspec.json.decode(data[:_FILE_BYTES_MAX], type=EventProof)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WitnessError(
            f"this is no proof of an event: {error}.", hint="Ask for another export."
        ) from None
    if proof.type != FORM:
        raise WitnessError(
            f"this is a proof of another form: {proof.type}.", hint="Check it with that version."
        )
    return proof


def check_event_proof(proof: EventProof, key: VerifierKey) -> ev.BreakpointResponded:
    """Return the answer that a proof shows, without looking at the person's signature.

    Raises:
        WitnessError: it shows nothing.
    """
    leaf = check_leaf(proof.proof, key)
    record = record_alone(proof.line.encode())
    try:
        event = record.event() if record is not None else None
    except (KeyError, msgspec.ValidationError):
        event = None
    if not isinstance(leaf, Approval) or not isinstance(event, ev.BreakpointResponded):
        raise WitnessError("this is no proof of an answer.", hint="Ask for another export of the event.")
    stated = (
        leaf.run_id == proof.run_id
        and leaf.line_sha256 == sha256_hex(proof.line.encode())
        and leaf.statement_sha256 == event.statement_sha256
        and leaf.breakpoint_id == event.breakpoint_id
        and (not proof.statement or sha256_hex(proof.statement.encode()) == leaf.statement_sha256)
        and (not proof.signature or sha256_hex(proof.signature.encode()) == leaf.signature_sha256)
    )
    if not stated:
        raise WitnessError("the leaf is not of the line that is shown.", hint="Ask for another export.")
    return event


def _line(workspace: Workspace, run_id: str, seq: int) -> bytes:
    data = workspace.store.read_journal(run_id)
    for record, line in Chain().lines(data):
        if record.seq == seq:
            return line
    raise NotFoundError(f"run {run_id} has no line {seq}.", hint=f"See: babysitter run events {run_id}")


def _text(workspace: Workspace, run_id: str, ref: ev.BlobRef | None) -> str:
    if ref is None:
        return ""
    data = workspace.store.read_file(run_id, ref.path)
    if sha256_hex(data) != ref.sha256:
        raise CorruptJournalError(
            f"{ref.path} of run {run_id} is not the file that its line names.",
            hint="Check the run with: babysitter journal verify RUN",
        )
    return data.decode()
