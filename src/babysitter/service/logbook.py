"""The workspace's log as the service uses it: one ledger a run, and leaves for changed rules and signers.

Opened when it is first needed. What is in force is what the newest leaf says, so
the log is told of a change before anything is decided by it.
"""

from collections.abc import Callable, Mapping

from babysitter.journal.reader import Store
from babysitter.log.leaves import PolicyChanged, SignedBy, SignersChanged
from babysitter.log.run_keys import RunKeys
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model.clock import Clock
from babysitter.model.evidence_settings import LogTable
from babysitter.model.rules import Policy
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.service.ledger import RunLedger


class Logbook:
    """The log of one workspace, and what the service keeps in it."""

    def __init__(
        self,
        log: WorkspaceLog,
        *,
        settings: LogTable,
        user: str,
        clock: Clock,
        witness: Callable[[], None],
    ) -> None:
        self.log = log
        self._settings = settings
        self._user = user
        self._clock = clock
        self._witness = witness
        self._keys = RunKeys(log.tree)

    def now_ns(self) -> int:
        """Return the time."""
        return self._clock.now_ns()

    def ledger(self, run_id: str, store: Store) -> RunLedger:
        """Return the log's side of a run."""
        return RunLedger(
            run_id=run_id,
            log=self.log,
            keys=self._keys,
            store=store,
            witness=self._witness,
            monotonic_s=self._clock.monotonic_s,
            every_lines=self._settings.progress_lines,
            every_s=self._settings.progress_s,
        )

    def says_policy(self, policy: Policy) -> bool:
        """Tell whether the newest policy.changed leaf names these rules."""
        known = self.log.newest(PolicyChanged)
        return known is not None and known.policy_sha256 == policy.digest()

    def tell_policy(self, policy: Policy) -> None:
        """Afterwards the newest policy.changed leaf names these rules, and the log keeps their text."""
        if self.says_policy(policy):
            return
        # With the log in hand, since somebody else may be telling of the same change.
        with self.log.alone():
            if self.says_policy(policy):
                return
            digest, known = policy.digest(), self.log.newest(PolicyChanged)
            self.log.keep("policies", f"{digest}.json", canonical_json(policy.document()))
            previous = known.policy_sha256 if known is not None else None
            leaf = PolicyChanged(policy_sha256=digest, previous_sha256=previous, by=self._user)
            self.log.append([leaf], durable=True)

    def signers_in_force(self) -> SignersChanged | None:
        """Return the newest leaf about signers; None when there is none yet."""
        return self.log.newest(SignersChanged)

    def says_signers(self, signers: bytes, revoked: bytes) -> bool:
        """Tell whether the newest signers.changed leaf names these files."""
        before, digest = self.signers_in_force(), sha256_hex(revoked) if revoked else None
        return before is not None and (before.signers_sha256, before.revoked_sha256) == (
            sha256_hex(signers),
            digest,
        )

    def tell_signers(
        self, signers: bytes, revoked: bytes, signed_by: Mapping[str, bytes] | None = None
    ) -> None:
        """Afterwards the newest signers.changed leaf names these files, and the log keeps their texts.

        ``signed_by``: the signatures over the change, by person; the log keeps them too.
        """
        agreed = signed_by or {}
        digests = (sha256_hex(signers), sha256_hex(revoked) if revoked else "")
        if self.says_signers(signers, revoked):
            return
        # With the log in hand, since somebody else may be telling of the same change.
        with self.log.alone():
            if self.says_signers(signers, revoked):
                return
            before = self.signers_in_force()
            self.log.keep("signers", digests[0], signers)
            if revoked:
                self.log.keep("signers", digests[1], revoked)
            for signature in agreed.values():
                self.log.keep("signers", sha256_hex(signature), signature)
            leaf = SignersChanged(
                signers_sha256=digests[0],
                revoked_sha256=digests[1] or None,
                previous_sha256=before.signers_sha256 if before is not None else None,
                by=self._user,
                signed_by=tuple(
                    SignedBy(approver=person, signature_sha256=sha256_hex(signature))
                    for person, signature in agreed.items()
                ),
            )
            self.log.append([leaf], durable=True)

    def unsealed(self) -> set[str]:
        """Return the runs that the log has opened and not sealed: they go on, or a crash kept the seal."""
        return self.log.unsealed()

    def unreviewed(self) -> list[str]:
        """Return the breakpoints, as RUN/BREAKPOINT, whose glass was broken and that nobody has reviewed."""
        return [f"{run_id}/{breakpoint_id}" for run_id, breakpoint_id in self.log.unreviewed()]
