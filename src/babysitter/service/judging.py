"""From an answer that came in to the line that journals it, or the reason why it does not count.

The same checks are made by the sender, who learns at once, and by whoever journals
the answer, who believes nobody. In this order:

    1. the question is open and not expired, the decision is one;
    2. a signed answer: its statement speaks of this run, this question, these calls, this place of this
       journal, these shown bytes, this policy, and has not been given before;
    3. the signature is that person's, by the signers in force, made for this purpose;
    4. the rules let this person answer so, now;
    5. breaking the glass: every earlier time was reviewed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

from babysitter.journal.layout import statement_path
from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.errors import PolicyDeniedError, RefusedError, SignatureError, UsageError
from babysitter.model.statement import (
    APPROVAL_NAMESPACE,
    SHOWN,
    Digest,
    JournalPlace,
    Statement,
    Subject,
    parse_statement,
)
from babysitter.model.values import sha256_hex
from babysitter.policy.gate import Vote
from babysitter.policy.rules import RULE_NAMES
from babysitter.service.gates import Gates, was_asked
from babysitter.service.mail import AnswerMail
from babysitter.service.pending import OpenBreakpoint
from babysitter.signing.verify import Trust, Verified, verify_signature

Decision = Literal["approve", "reject", "defer"]
DECISIONS = ("approve", "reject", "defer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judges the answers of one run.

    trust: who may sign, as it stands right now.
    place_of: where a line stands in the journal on disk, by its number.
    unreviewed: breakpoints whose glass was broken and that nobody has reviewed.
    """

    run_id: str
    gates: Gates
    trust: Callable[[], Trust]
    place_of: Callable[[int], JournalPlace]
    unreviewed: Callable[[], list[str]]

    def responded(self, asked: OpenBreakpoint, message: AnswerMail, now_ns: int) -> ev.BreakpointResponded:
        """Return the line of an answer.

        Raises:
            UsageError: it is no decision.
            RefusedError: it comes too late.
            SignatureError: what was signed does not prove this answer.
            PolicyDeniedError: the rules do not let this person answer so.
        """
        _check_form(asked, message, now_ns)
        verified = self._verified(asked, message, now_ns) if message.signature else None
        method = verified.method if verified is not None else message.method
        vote = Vote(
            person=message.sender,
            method=method,
            user_verified=verified is not None and verified.user_verified,
            comment=message.comment,
            on_behalf_of=message.on_behalf_of,
            break_glass=message.break_glass,
            decision=message.decision,
            at_ns=now_ns,
        )
        self._check_rules(asked, vote)
        return ev.BreakpointResponded(
            breakpoint_id=message.breakpoint_id,
            approver=message.sender,
            decision=cast("Decision", message.decision),
            comment=message.comment,
            method=method,
            request_id=message.request_id,
            on_behalf_of=message.on_behalf_of,
            break_glass=message.break_glass,
            **(_kept(asked, message, verified) if verified is not None else {}),
        )

    def _verified(self, asked: OpenBreakpoint, message: AnswerMail, now_ns: int) -> Verified:
        data = message.statement.encode()
        statement = parse_statement(data)
        self._check_statement(asked, message, statement)
        if any(answer.statement_sha256 == sha256_hex(data) for answer in asked.answers):
            raise _not_this("this very statement was given before; a new answer needs a new one", "replayed")
        return verify_signature(
            self.trust(),
            message=data,
            armored=message.signature,
            principal=message.sender,
            namespace=APPROVAL_NAMESPACE,
            at_ns=now_ns,
        )

    def _check_statement(self, asked: OpenBreakpoint, message: AnswerMail, statement: Statement) -> None:
        differs = said_otherwise(statement, message, approver=message.sender)
        differs += differences(statement, self.run_id, asked.requested, self.place_of(asked.seq))
        if differs:
            raise _not_this(f"it was signed for another {differs[0]}", "statement")

    def _check_rules(self, asked: OpenBreakpoint, vote: Vote) -> None:
        if vote.person.startswith(RULE_NAMES):
            raise PolicyDeniedError(f"{vote.person} is no person.", hint="Answer as yourself.")
        verdict = self.gates.may_answer(asked, vote)
        reasons = verdict.reasons
        if verdict.allowed and not (was_asked(asked.requested, vote.person) or vote.break_glass):
            # An auditor holds the answers against whom the journal says was asked, and knows no other.
            reasons = (f"the question was put to {', '.join(asked.requested.eligible)}",)
        if not verdict.allowed or reasons:
            raise PolicyDeniedError(
                f"{vote.person} may not {vote.decision} {asked.requested.breakpoint_id}: "
                f"{'; '.join(reasons)}.",
                hint=f"See who may, and why: babysitter policy explain {self.run_id}/"
                f"{asked.requested.breakpoint_id}",
            )
        if vote.break_glass and (waiting := self.unreviewed()):
            raise PolicyDeniedError(
                f"the glass was broken before and nobody has reviewed it: {', '.join(waiting[:5])}.",
                hint="A reviewer ends that with: babysitter policy review BP --key PATH --comment '…'",
            )


def said_otherwise(
    statement: Statement, answer: AnswerMail | ev.BreakpointResponded, *, approver: str
) -> list[str]:
    """Return in what a statement says something else than the answer it came with; empty: in nothing."""
    said = statement.predicate
    stated: tuple[tuple[str, object, object], ...] = (
        ("decision", said.decision, answer.decision),
        ("comment", said.comment, answer.comment),
        ("approver", said.approver, approver),
        ("delegation", said.on_behalf_of, answer.on_behalf_of),
        ("emergency", said.break_glass, answer.break_glass),
    )
    return [what for what, there, want in stated if there != want]


def differences(
    statement: Statement, run_id: str, requested: ev.BreakpointRequested, place: JournalPlace
) -> list[str]:
    """Return in what a statement speaks of something else than a question in its run; empty: in nothing."""
    said = statement.predicate
    stated: tuple[tuple[str, object, object], ...] = (
        ("run", said.run_id, run_id),
        ("breakpoint", said.breakpoint_id, requested.breakpoint_id),
        ("set of calls", said.approves, requested.approves),
        ("place of the journal", said.journal, place),
        ("policy", said.policy_sha256, requested.policy_sha256),
        ("rule", said.rule, requested.rule),
        ("time limit", said.expires_at, requested.expires_at),
        ("set of shown files", statement.subject, subjects_of(requested)),
    )
    return [what for what, there, want in stated if there != want]


def subjects_of(requested: ev.BreakpointRequested) -> tuple[Subject, ...]:
    """Return what a statement about a question has as its subjects: ``shown.md`` and each file shown."""
    files = [(SHOWN, requested.shown_sha256), *((ref.path, ref.sha256) for ref in requested.files)]
    return tuple(Subject(name=name, digest=Digest(sha256=digest)) for name, digest in files)


def _check_form(asked: OpenBreakpoint, message: AnswerMail, now_ns: int) -> None:
    if message.decision not in DECISIONS:
        raise UsageError(f"{message.decision!r} is no decision.", hint="Use approve, reject or defer.")
    expires_at = asked.requested.expires_at
    if expires_at is not None and parse_time(expires_at) <= now_ns:
        raise RefusedError(f"{message.breakpoint_id} expired at {expires_at}.", hint="Start the step again.")
    if bool(message.signature) != bool(message.statement):
        raise _not_this("a statement and its signature come together", "statement")


def _kept(asked: OpenBreakpoint, message: AnswerMail, verified: Verified) -> dict[str, Any]:
    """Return the fields of the line that speak of the signature; its files: ``service.posting``."""
    path = statement_path(message.breakpoint_id, len(asked.answers) + 1)
    statement, signature = message.statement.encode(), message.signature.encode()
    return {
        "statement_sha256": sha256_hex(statement),
        "statement_ref": ev.BlobRef(path=path, sha256=sha256_hex(statement), bytes=len(statement)),
        "signature_ref": ev.BlobRef(path=f"{path}.sig", sha256=sha256_hex(signature), bytes=len(signature)),
        "key_fingerprint": verified.fingerprint,
        "user_verified": verified.user_verified,
    }


def _not_this(why: str, reason: str) -> SignatureError:
    return SignatureError(
        f"the signed answer does not count here: {why}.",
        hint="Answer again with: babysitter approve BP --key PATH",
        reason=reason,
    )
