"""Verifying one event that was shown alone: in the signed tree, and signed by who answered."""

from pathlib import Path

from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.notes import cosigned_at, parse_key
from babysitter.model.clock import parse_time
from babysitter.model.errors import SignatureError
from babysitter.model.evidence_settings import SigningTable
from babysitter.model.lines import record_alone
from babysitter.model.statement import APPROVAL_NAMESPACE, parse_statement
from babysitter.service.audit_folder import AuditFolder
from babysitter.service.event_proof import EventProof, check_event_proof, parse_event_proof
from babysitter.service.signers_in_force import trust_of
from babysitter.service.views import View
from babysitter.signing.verify import verify_signature


class EventVerified(View, frozen=True, kw_only=True):
    """An answer that a proof shows. ``unproven``: what it takes more to show."""

    run_id: str
    breakpoint_id: str
    seq: int
    recorded_at: str
    approver: str
    decision: str
    comment: str
    signed: bool
    unproven: tuple[str, ...]


def verify_event(data: bytes, trust: Path | None) -> EventVerified:
    """Return the answer that a proof shows.

    Args:
        data: of the file that ``journal export --event`` wrote.
        trust: the auditor's folder: ``log.vkey``, ``allowed_signers``, ``witnesses``.

    Raises:
        WitnessError: the proof shows nothing.
        SignatureError: the person's signature does not hold.
    """
    proof = parse_event_proof(data)
    files = AuditFolder(trust if trust is not None else Path(), trust)
    own_key = files.log_key()[0] if trust is not None else None
    event = check_event_proof(proof, own_key or parse_key(proof.key))
    record = record_alone(proof.line.encode())
    assert record is not None, "it was read already"
    unproven = [] if own_key is not None else ["The log's key is whoever's word made this: bring log.vkey."]
    witnessed_s = _witnessed_s(files, proof)
    if witnessed_s is None:
        unproven.append("No witness that you believe has seen the log with this event.")
    at_ns = witnessed_s * 1_000_000_000 if witnessed_s is not None else parse_time(record.recorded_at)
    signers = files.signers()
    if not proof.statement:
        unproven.append(f"The answer is not signed ({event.method}).")
    elif signers is None:
        unproven.append(
            "Who may sign is not known here: bring allowed_signers. The signature was not checked."
        )
    else:
        _check_signature(proof, event.approver, signers, files.origins() or frozenset(), at_ns)
    unproven.append("What the question was, and whether the rules let this person answer: ask for the run.")
    return EventVerified(
        run_id=proof.run_id,
        breakpoint_id=event.breakpoint_id,
        seq=record.seq,
        recorded_at=record.recorded_at,
        approver=event.approver,
        decision=event.decision,
        comment=event.comment,
        signed=bool(proof.statement) and signers is not None,
        unproven=tuple(unproven),
    )


def _check_signature(
    proof: EventProof, approver: str, signers: tuple[bytes, bytes], origins: frozenset[str], at_ns: int
) -> None:
    said = parse_statement(proof.statement.encode()).predicate
    if (said.run_id, said.approver) != (proof.run_id, approver):
        raise SignatureError("it was signed for another run or by another name.", reason="statement")
    verify_signature(
        trust_of(SigningTable(origins=tuple(origins)), *signers),
        message=proof.statement.encode(),
        armored=proof.signature,
        principal=approver,
        namespace=APPROVAL_NAMESPACE,
        at_ns=at_ns,
    )


def _witnessed_s(files: AuditFolder, proof: EventProof) -> int | None:
    note = read_checkpoint(proof.proof.checkpoint)[0]
    times = [cosigned_at(note, key) for key in files.witness_keys()]
    return min((time_s for time_s in times if time_s is not None), default=None)
