"""The log's part of an audit: does it chain, is it what was signed and seen, and when was what witnessed?

1. every line chains and is a leaf;
2. the newest checkpoint is signed by the log's key, and is of exactly these lines, or of fewer;
3. every checkpoint that a witness or the auditor has is signed by that key, and of a beginning of
   these lines: a longer one means that the log was rolled back, another root that it was forked;
4. a run is opened once, its progress goes forward, its seal is the last of it, and its key signed both.

A time is a witness's: who cosigned a checkpoint, or a time stamping authority that the auditor believes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from babysitter.log.checkpoint import Checkpoint, read_checkpoint
from babysitter.log.leaves import (
    Approval,
    BreakGlassReviewed,
    Leaf,
    PolicyChanged,
    RunOpened,
    RunProgress,
    RunPurged,
    RunSealed,
    SignersChanged,
    leaf_of,
)
from babysitter.log.notes import LOG_KEY, Note, VerifierKey, cosigned_at, is_signed_by
from babysitter.log.run_keys import is_signed, progress_text, seal_text
from babysitter.log.tree import Frontier, leaf_hash
from babysitter.log.witness.timestamp import stamped_at
from babysitter.model.clock import parse_time
from babysitter.model.errors import WitnessError
from babysitter.model.lines import BrokenLineError, Chain
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_folder import AuditFolder

LOG = "log"


@dataclass(slots=True)
class LoggedRun:
    """What the log says of one run: its leaves with their indexes."""

    opened: RunOpened | None = None
    progress: list[RunProgress] = field(default_factory=list)
    approvals: list[tuple[int, Approval]] = field(default_factory=list)
    sealed: RunSealed | None = None
    purged: RunPurged | None = None


@dataclass(slots=True)
class LogFacts:
    """A log that was read.

    times_ns: when each line says it was written.
    seen: (size, when in seconds, by whom). stamped: (size, when).
    policies, signers, emergencies: those leaves with their indexes; emergencies and their reviews, in order.
    """

    leaves: list[Leaf] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    runs: dict[str, LoggedRun] = field(default_factory=dict)
    seen: list[tuple[int, int, str]] = field(default_factory=list)
    stamped: list[tuple[int, int]] = field(default_factory=list)
    policies: list[tuple[int, PolicyChanged]] = field(default_factory=list)
    signers: list[tuple[int, SignersChanged]] = field(default_factory=list)
    emergencies: list[tuple[int, Approval | BreakGlassReviewed]] = field(default_factory=list)

    def witnessed_s(self, index: int) -> int | None:
        """Return the earliest time at which others saw a tree with that leaf, or dated it, or None."""
        times = [(size, time_s) for size, time_s, _ in self.seen] + self.stamped
        return min((time_s for size, time_s in times if size > index), default=None)

    def time_ns(self, index: int) -> int:
        """Return the time to hold against a key's validity: a witness's, else what the line says."""
        witnessed = self.witnessed_s(index)
        return witnessed * 1_000_000_000 if witnessed is not None else self.times_ns[index]


def audit_log(folder: AuditFolder, findings: Findings) -> LogFacts:
    """Return what the log holds, after noting all that is wrong with it."""
    facts = LogFacts()
    try:
        hashes = _read(folder.log_bytes(), facts, findings)
        _check_notes(folder, hashes, facts, findings)
    except WitnessError as error:
        findings.error("log.unreadable", LOG, error.message)
    for index, leaf in enumerate(facts.leaves):
        _take(facts, index, leaf, findings)
    return facts


def _read(data: bytes, facts: LogFacts, findings: Findings) -> list[bytes]:
    chain, hashes = Chain(), list[bytes]()
    try:
        for record, line in chain.lines(data):
            time_ns, leaf = parse_time(record.recorded_at), leaf_of(record)
            hashes.append(leaf_hash(line))
            facts.times_ns.append(time_ns)
            facts.leaves.append(leaf)
    except BrokenLineError as broken:
        findings.error("log.chain", LOG, f"line {broken.seq} {broken.problem}")
    except (KeyError, ValueError, RecursionError, msgspec.DecodeError) as error:
        findings.error("log.leaf", LOG, f"line {chain.seq} is no leaf: {error}")
    return hashes


def _check_notes(folder: AuditFolder, hashes: Sequence[bytes], facts: LogFacts, findings: Findings) -> None:
    """Hold every checkpoint that there is against the lines."""
    own = folder.checkpoint()
    named = [*folder.kept_checkpoints(), *folder.seen_checkpoints()]
    if own is not None:
        named.append(("log/checkpoint", own))
    elif hashes:
        findings.error("log.checkpoint", LOG, "the log has no checkpoint: nobody signed it")
    notes = [(name, *parsed) for name, text in named if (parsed := _parsed(name, text, findings)) is not None]
    try:
        (key, is_ours), witnesses = folder.log_key(), folder.witness_keys()
    except WitnessError as error:
        findings.error("log.key", LOG, error.message)
        return
    tokens = folder.tokens()
    roots = _roots(hashes, {checkpoint.size for _, _, checkpoint in notes} | {size for _, size, _ in tokens})
    for name, note, checkpoint in notes:
        if _is_of_this_log(name, (note, checkpoint), key, roots, findings):
            _take_times(note, checkpoint.size, witnesses, facts)
    if key is not None:
        _take_stamps(folder, key, roots, facts, findings)
    if key is not None and not is_ours:
        findings.cannot_show("The log's key is the operator's own word: bring log.vkey from elsewhere.")
    _say_unwitnessed(folder, len(hashes), facts, findings)


def _is_of_this_log(
    name: str,
    signed: tuple[Note, Checkpoint],
    key: VerifierKey | None,
    roots: dict[int, bytes],
    findings: Findings,
) -> bool:
    """Tell whether a checkpoint is signed by the log's key, and of a beginning of these lines."""
    note, checkpoint = signed
    lines = max(roots)
    if key is None or key.kind != LOG_KEY or checkpoint.origin != key.name or not is_signed_by(note, key):
        findings.error("log.signature", name, "the log's key did not sign this checkpoint")
    elif checkpoint.size > lines:
        text = f"it is of {checkpoint.size} lines and the log has {lines}: it was rolled back"
        findings.error("log.rollback", name, text)
    elif roots[checkpoint.size] != checkpoint.root:
        text = f"the first {checkpoint.size} lines are others than were signed: forked or rewritten"
        findings.error("log.fork", name, text)
    else:
        return True
    return False


def _take_times(note: Note, size: int, witnesses: Sequence[VerifierKey], facts: LogFacts) -> None:
    for witness in witnesses:
        time_s = cosigned_at(note, witness)
        if time_s is not None:
            facts.seen.append((size, time_s, witness.name))


def _take_stamps(
    folder: AuditFolder, key: VerifierKey, roots: dict[int, bytes], facts: LogFacts, findings: Findings
) -> None:
    """Take the times of kept stamps over these very lines, by authorities that the auditor believes."""
    tokens, trusted = folder.tokens(), folder.stamp_roots()
    if tokens and trusted is None:
        findings.cannot_show("There are time stamps, and nobody's counts: bring tsa-roots.pem.")
        return
    for name, size, token in tokens:
        if size not in roots:
            continue
        text = Checkpoint(origin=key.name, size=size, root=roots[size]).text
        try:
            facts.stamped.append((size, stamped_at(token, text, trusted or b"", witness=name)))
        except WitnessError as error:
            findings.cannot_show(f"A time stamp does not count: {error.message}")


def _say_unwitnessed(folder: AuditFolder, size: int, facts: LogFacts, findings: Findings) -> None:
    covered = max((seen for seen, _, _ in facts.seen), default=0)
    if covered < size:
        after = f"the last {size - covered} of {size} lines" if covered else "the log"
        findings.cannot_show(
            f"No witness that you believe has seen {after}: the operator could still have rewritten it."
        )
    if not folder.seen_checkpoints():
        findings.cannot_show(
            "You brought no checkpoint seen elsewhere: a rollback or fork of all would not show."
        )


def _parsed(name: str, text: str, findings: Findings) -> tuple[Note, Checkpoint] | None:
    try:
        return read_checkpoint(text)
    except WitnessError as error:
        findings.error("log.checkpoint", name, error.message)
        return None


def _roots(hashes: Sequence[bytes], sizes: set[int]) -> dict[int, bytes]:
    """Return the root of the tree of each size that is wanted, and of all lines, the largest."""
    tree = Frontier()
    roots = {0: tree.root()}
    for hashed in hashes:
        tree.append(hashed)
        if tree.size in sizes:
            roots[tree.size] = tree.root()
    roots[tree.size] = tree.root()
    return roots


def _take(facts: LogFacts, index: int, leaf: Leaf, findings: Findings) -> None:
    _keep(facts, index, leaf)
    run_id = getattr(leaf, "run_id", None)
    if run_id is None:
        return
    run = facts.runs.setdefault(run_id, LoggedRun())
    where = f"log line {index + 1}"
    if isinstance(leaf, RunOpened):
        if run.opened is not None:
            findings.error("log.twice", where, f"run {run_id} is opened a second time")
        run.opened = leaf
        return
    if run.opened is None:
        findings.error("log.order", where, f"run {run_id} was never opened")
    if run.sealed is not None and isinstance(leaf, (RunProgress, Approval, RunSealed)):
        findings.error("log.order", where, f"run {run_id} goes on after its seal")
    _take_later(run, index, leaf, findings)


def _keep(facts: LogFacts, index: int, leaf: Leaf) -> None:
    """Keep what is asked for by its kind."""
    match leaf:
        case PolicyChanged():
            facts.policies.append((index, leaf))
        case SignersChanged():
            facts.signers.append((index, leaf))
        case BreakGlassReviewed():
            facts.emergencies.append((index, leaf))
        case Approval() if leaf.is_emergency:
            facts.emergencies.append((index, leaf))


def _take_later(run: LoggedRun, index: int, leaf: Leaf, findings: Findings) -> None:
    """Take a leaf of a run that is not its first."""
    where = f"log line {index + 1}"
    match leaf:
        case RunProgress():
            text = progress_text(leaf.run_id, leaf.seq, leaf.prefix)
            _check_run_key(run, leaf.signature, text, where, findings)
            if run.progress and leaf.seq < run.progress[-1].seq:
                findings.error("log.order", where, f"the progress of run {leaf.run_id} goes back")
            run.progress.append(leaf)
        case Approval():
            run.approvals.append((index, leaf))
        case RunSealed():
            text = seal_text(leaf.run_id, leaf.seq, leaf.prefix, leaf.status)
            _check_run_key(run, leaf.signature, text, where, findings)
            run.sealed = leaf
        case RunPurged():
            run.purged = leaf
        case _:
            # Holds, reviews and the like say nothing about the journal.
            return


def _check_run_key(run: LoggedRun, signature: str, text: bytes, where: str, findings: Findings) -> None:
    if run.opened is None:
        return
    if not signature:
        findings.cannot_show(f"The key of run {run.opened.run_id} was lost, so {where} is not signed by it.")
    elif not is_signed(run.opened.run_key, signature, text):
        findings.error("log.run-key", where, f"the key of run {run.opened.run_id} did not sign this")
