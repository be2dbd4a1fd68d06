"""What a run's driver tells the workspace's log: opened, how far, what was approved, how it ended.

A leaf follows the journal and never runs ahead of it: what a leaf names is durable in
the journal first. What a crash kept from the log is added by the next driver, so a
run that was driven to its end is whole in both.

Invariants, each with a test in tests/unit/service/test_ledger.py:
    - nothing that an approval let through is performed before the approval's leaf is durable;
    - an opening, an approval and a seal cost one sync each; progress costs none;
    - a run is sealed once, and its key is gone then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from babysitter.journal.reader import Store
from babysitter.journal.writer import JournalWriter
from babysitter.log.leaves import Approval, Leaf, RunOpened, RunProgress, RunSealed
from babysitter.log.run_keys import RunKeys, progress_text, seal_text
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model import events as ev
from babysitter.model.lines import Chain
from babysitter.model.values import sha256_hex
from babysitter.service.state import RunState


class Ledger(Protocol):
    """The log's side of one run that is being driven."""

    def caught_up(self, state: RunState) -> None:
        """Afterwards the log has all that the journal has, whatever a crash cut off."""
        ...

    def answered(self, event: ev.BreakpointResponded, writer: JournalWriter) -> None:
        """Remember an answer that was staged just now."""
        ...

    def committed(self, writer: JournalWriter, state: RunState) -> None:
        """Tell the log of what has become durable: after each commit, before anything is performed."""
        ...


class NoLedger:
    """Where there is no log: stores of tests that keep nothing."""

    def caught_up(self, state: RunState) -> None:
        """See Ledger."""

    def answered(self, event: ev.BreakpointResponded, writer: JournalWriter) -> None:
        """See Ledger."""

    def committed(self, writer: JournalWriter, state: RunState) -> None:
        """See Ledger."""


@dataclass(slots=True, kw_only=True)
class RunLedger:
    """See Ledger and the module.

    witness: called after leaves that matter to outsiders; never raises for a witness that is away.
    every_lines, every_s: how often progress is told.
    """

    run_id: str
    log: WorkspaceLog
    keys: RunKeys
    store: Store
    witness: Callable[[], None]
    monotonic_s: Callable[[], float]
    every_lines: int = 1000
    every_s: float = 60.0
    _pending: list[Leaf] = field(default_factory=list)
    _told_seq: int = 1
    _told_at_s: float = 0.0

    def caught_up(self, state: RunState) -> None:
        """See Ledger."""
        self._told_seq, self._told_at_s = state.seq, self.monotonic_s()
        if self.log.is_sealed(self.run_id):
            # All that comes before a seal is there. Whoever made it may have died before the key was gone.
            self.keys.destroy(self.run_id)
            return
        missing = self._missing_leaves()
        if missing:
            self.log.append(missing, durable=True)
            self.witness()
        if state.end is not None:
            data = self.store.read_journal(self.run_id)
            self._seal(state.seq, sha256_hex(data), state.status)

    def answered(self, event: ev.BreakpointResponded, writer: JournalWriter) -> None:
        """See Ledger."""
        if event.decision != "defer":
            self._pending.append(
                approval_leaf(
                    self.run_id, event, writer.last_seq, writer.prefix, sha256_hex(writer.last_line)
                )
            )

    def committed(self, writer: JournalWriter, state: RunState) -> None:
        """See Ledger."""
        if self._pending:
            leaves, self._pending = self._pending, []
            self.log.append(leaves, durable=True)
            self.witness()
        if state.end is not None:
            self._seal(writer.last_seq, writer.prefix, state.status)
        elif writer.last_seq - self._told_seq >= self.every_lines or (
            writer.last_seq > self._told_seq and self.monotonic_s() - self._told_at_s >= self.every_s
        ):
            self._tell_progress(writer.last_seq, writer.prefix)

    def _tell_progress(self, seq: int, prefix: str) -> None:
        self._told_seq, self._told_at_s = seq, self.monotonic_s()
        signature = self.keys.sign(self.run_id, progress_text(self.run_id, seq, prefix))
        leaf = RunProgress(run_id=self.run_id, seq=seq, prefix=prefix, signature=signature)
        self.log.append([leaf], durable=False)

    def _seal(self, seq: int, prefix: str, status: str) -> None:
        signature = self.keys.sign(self.run_id, seal_text(self.run_id, seq, prefix, status))
        leaf = RunSealed(run_id=self.run_id, seq=seq, prefix=prefix, status=status, signature=signature)
        self.log.append([leaf], durable=True)
        self.keys.destroy(self.run_id)
        self.witness()

    def _missing_leaves(self) -> list[Leaf]:
        """Return what the journal has and the log lacks, up to but without the seal."""
        known = self.log.by_run(self.run_id)
        seen = {leaf.seq for leaf in known if isinstance(leaf, Approval)}
        missing: list[Leaf] = []
        data = self.store.read_journal(self.run_id)
        chain = Chain()
        for record, line in chain.lines(data):
            if record.type == "RUN_CREATED" and not any(isinstance(leaf, RunOpened) for leaf in known):
                created = record.event()
                assert isinstance(created, ev.RunCreated), "the type says so"
                missing.append(opened_leaf(created, sha256_hex(line), self.keys.make(self.run_id)))
            elif record.type == "BREAKPOINT_RESPONDED" and record.seq not in seen:
                event = record.event()
                assert isinstance(event, ev.BreakpointResponded), "the type says so"
                if event.decision != "defer":
                    head = chain.hasher.hexdigest()
                    missing.append(approval_leaf(self.run_id, event, record.seq, head, sha256_hex(line)))
        return missing


def opened_leaf(created: ev.RunCreated, line_sha256: str, run_key: str) -> RunOpened:
    """Return the leaf of a new run. ``run_key``: the public half of its key, base64."""
    return RunOpened(
        run_id=created.run_id,
        process_id=created.process_id,
        process_digest=created.process_digest,
        requested_by=created.requested_by,
        authors=created.authors,
        policy_sha256=created.policy_sha256,
        parent_run_id=created.parent_run_id,
        first_line_sha256=line_sha256,
        run_key=run_key,
    )


def approval_leaf(
    run_id: str, event: ev.BreakpointResponded, seq: int, head: str, line_sha256: str
) -> Approval:
    """Return the leaf of an answer that stands in line ``seq``; ``head``: SHA-256 of all lines up to it."""
    return Approval(
        run_id=run_id,
        breakpoint_id=event.breakpoint_id,
        seq=seq,
        prefix=head,
        line_sha256=line_sha256,
        approver=event.approver,
        decision=event.decision,
        method=event.method,
        statement_sha256=event.statement_sha256,
        signature_sha256=event.signature_ref.sha256 if event.signature_ref is not None else None,
        key_fingerprint=event.key_fingerprint,
        on_behalf_of=event.on_behalf_of,
        break_glass=event.break_glass,
    )
