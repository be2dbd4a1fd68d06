"""Use cases about the rules: say why, hold them against cases, review an emergency."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from babysitter.journal.reader import read_records
from babysitter.log.leaves import Approval, BreakGlassReviewed
from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.model.errors import NotFoundError, PolicyDeniedError, SettingsError, UsageError
from babysitter.model.values import Json, canonical_json, sha256_hex
from babysitter.policy.authorizer import Decider, conditions, rule_for
from babysitter.policy.cases import CaseResult, parse_cases, run_case
from babysitter.policy.gate import Explanation, Facts, Gate
from babysitter.policy.people import Identities
from babysitter.service.judges import gates_of
from babysitter.service.reading import read_state, run_created
from babysitter.service.signing_keys import sign_as
from babysitter.service.views import View
from babysitter.service.wiring import Workspace

REVIEW_NAMESPACE = "babysitter-review"
REVIEW_TYPE = "urn:babysitter:break-glass-review/v1"


class Reviewed(View, frozen=True, kw_only=True):
    """A review that the log now has. ``still_open``: other emergencies that nobody has reviewed."""

    breakpoint: str
    reviewer: str
    statement_sha256: str
    still_open: tuple[str, ...]


class RuleView(View, frozen=True, kw_only=True):
    """A rule, and what it asks for in sentences."""

    id: str
    conditions: tuple[str, ...]


class PolicyView(View, frozen=True, kw_only=True):
    """The rules in force. ``document``: what is kept under its digest; ``unreviewed``: emergencies."""

    sha256: str
    document: Json
    conditions: tuple[RuleView, ...]
    unreviewed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """A task that may come."""

    task: str | None = None
    process: str = ""
    environment: str | None = None
    critical: bool = False
    tags: tuple[str, ...] = ()


ExplanationView = Explanation
"""Which rule decides, and what is missing, as it is shown."""


@dataclass(frozen=True, slots=True)
class Policing:
    """Use cases on the rules of one workspace. ``person``: who asks; empty: the local user."""

    workspace: Workspace
    person: str = ""

    @property
    def _viewer(self) -> str:
        return self.person or self.workspace.place.user

    def show(self) -> PolicyView:
        """Return the rules in force."""
        policy = self.workspace.policy_now()
        waiting = self.workspace.unreviewed() if self.workspace.log_folder.is_dir() else []
        return PolicyView(
            sha256=policy.digest(),
            document=policy.document(),
            conditions=tuple(RuleView(id=rule.id, conditions=conditions(rule)) for rule in policy.every_rule),
            unreviewed=tuple(waiting),
        )

    def explain(self, run_id: str, breakpoint_id: str) -> Explanation:
        """Say which rule decides about an open question, and what is missing.

        Raises:
            NotFoundError: it is not open.
        """
        state = read_state(self.workspace.store, run_id)
        asked = state.breakpoints.get(breakpoint_id)
        if asked is None:
            raise NotFoundError(
                f"{breakpoint_id} is not open in run {run_id}.",
                hint=f"See what became of it: babysitter breakpoint history {run_id}/{breakpoint_id}",
            )
        return gates_of(self.workspace, run_id, state).explain(asked, self._viewer)

    def explain_what_if(self, asked: WhatIf) -> Explanation | None:
        """Say which rule would decide if who asks started this now; None: nobody would be needed."""
        gate = Gate(
            kind="effect",
            process_id=asked.process,
            task_id=asked.task,
            environment=asked.environment,
            critical=asked.critical,
            tags=asked.tags,
        )
        policy = self.workspace.policy_now()
        rule = rule_for(policy, gate)
        if rule is None:
            return None
        user = self._viewer
        facts = Facts(now_ns=self.workspace.clock.now_ns(), authors=frozenset({user}))
        return Decider(policy).explain(rule, gate, (), facts, viewer=user)

    def check(self, file: Path) -> list[CaseResult]:
        """Hold the rules against the cases of a file.

        Raises:
            SettingsError: the file can't be read as cases.
        """
        try:
            raw = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(
                f"{file} can't be read: {error.strerror}.", hint="Name a file of cases."
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} is not TOML: {error}.", hint="Mend it.") from None
        policy = self.workspace.policy_now()
        # Compiling says what is wrong with the team's own Cedar policies, whatever the cases are.
        Decider(policy).compile()
        return [run_case(policy, case) for case in parse_cases(raw, file=str(file))]

    def review(
        self, run_id: str, breakpoint_id: str, *, key: str, reviewer: str | None, comment: str
    ) -> Reviewed:
        """Have a reviewer's signed look at an emergency put into the log.

        Raises:
            UsageError: there is no comment.
            NotFoundError: nobody broke the glass there, or it was reviewed.
            PolicyDeniedError: this person may not review it.
        """
        workspace = self.workspace
        if not comment.strip():
            raise UsageError("a review says what was found.", hint="Give --comment.")
        name = f"{run_id}/{breakpoint_id}"
        if name not in workspace.unreviewed():
            raise NotFoundError(f"{name} waits for no review.", hint="See them with: babysitter policy show")
        broken = self._broken(run_id, breakpoint_id)
        statement = {
            "type": REVIEW_TYPE,
            "runId": run_id,
            "breakpointId": breakpoint_id,
            "approvalSha256": broken.statement_sha256,
            "brokenBy": broken.approver,
            "comment": comment,
            "nonce": f"{workspace.dice.bits(128):032x}",
            "issuedAt": format_time(workspace.clock.now_ns()),
        }
        signed = sign_as(
            workspace,
            key=key,
            person=reviewer,
            namespace=REVIEW_NAMESPACE,
            make=lambda person: canonical_json({**statement, "reviewer": person}),
        )
        self._check_reviewer(run_id, broken, signed.person)
        digest = sha256_hex(signed.message)
        # Who may review is in the rules, so the log has those first.
        workspace.logbook.tell_policy(workspace.policy_now())
        log = workspace.logbook.log
        log.keep("reviews", f"{digest}.json", signed.message)
        log.keep("reviews", f"{digest}.json.sig", signed.signature.encode())
        leaf = BreakGlassReviewed(
            run_id=run_id,
            breakpoint_id=breakpoint_id,
            reviewer=signed.person,
            statement_sha256=digest,
            signature_sha256=sha256_hex(signed.signature.encode()),
        )
        log.append([leaf], durable=True)
        return Reviewed(
            breakpoint=name,
            reviewer=signed.person,
            statement_sha256=digest,
            still_open=tuple(workspace.unreviewed()),
        )

    def _broken(self, run_id: str, breakpoint_id: str) -> Approval:
        for leaf in self.workspace.logbook.log.by_run(run_id):
            if isinstance(leaf, Approval) and leaf.break_glass and leaf.breakpoint_id == breakpoint_id:
                return leaf
        raise NotFoundError(
            f"nobody broke the glass at {run_id}/{breakpoint_id}.", hint="See: babysitter inbox"
        )

    def _rule_of(self, run_id: str, breakpoint_id: str) -> str:
        for record in read_records(self.workspace.store, run_id, torn_tail_ok=True):
            event = record.event()
            if isinstance(event, ev.BreakpointRequested) and event.breakpoint_id == breakpoint_id:
                return event.rule
        raise NotFoundError(
            f"run {run_id} never asked {breakpoint_id}.",
            hint=f"Look with: babysitter journal verify {run_id}",
        )

    def _check_reviewer(self, run_id: str, broken: Approval, person: str) -> None:
        policy = self.workspace.policy_now()
        created = run_created(self.workspace.store, run_id)
        identities = Identities(policy)
        rule_id = self._rule_of(run_id, broken.breakpoint_id)
        rule = policy.rule_named(rule_id)
        named = policy.reviewers(rule) if rule is not None else ()
        if person not in named:
            who = ", ".join(named) or "nobody: put it back into babysitter.toml"
            raise PolicyDeniedError(
                f"the rule {rule_id}, whose glass was broken, does not name {person} as a reviewer.",
                hint=f"Its reviewers: {who}.",
            )
        if identities.is_author(person, {broken.approver, created.requested_by, *created.authors}):
            raise PolicyDeniedError(
                f"{person} broke the glass or is an author of the run.",
                hint="Somebody else has to review it.",
            )
