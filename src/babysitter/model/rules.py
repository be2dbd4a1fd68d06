"""The rules about approvals as data: what ``babysitter.toml`` says, and the document that digests commit to.

Durations are text as ``30s``, ``15m``, ``4h``, ``7d``. Reference: docs/reference/approvals.md.
"""

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field, to_builtins

from babysitter.model.evidence_settings import SigningTable
from babysitter.model.values import Json, canonical_json, sha256_hex

ANYBODY = "*"
Strategy = Literal["single", "first", "all", "quorum"]
SecurityTest = Literal["authentication", "authorization", "input-validation", "error-handling"]
Severity = Literal["critical", "high", "medium", "low"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Duration = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,6}[smhd]$")]
Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class RuleTable(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One table of the rules."""


class PersonTable(RuleTable, frozen=True, kw_only=True):
    """``[people]``: which local accounts are a person's, so that who starts a run is known as its author."""

    accounts: tuple[str, ...] = ()


class When(RuleTable, frozen=True, kw_only=True):
    """``when``: what a rule is about; all that is given must hold.

    environment: any of these. tags: any of these. task, process: globs.
    """

    environment: str | tuple[str, ...] = ()
    critical: bool | None = None
    tags: tuple[str, ...] = ()
    task: str = ""
    process: str = ""

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments, however they were written."""
        return (self.environment,) if isinstance(self.environment, str) else self.environment


class Window(RuleTable, frozen=True, kw_only=True):
    """A part of the week, in the wall-clock time of a zone; ``from_`` after ``to`` crosses midnight."""

    days: Annotated[tuple[Day, ...], Meta(min_length=1)] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    from_: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = field(name="from")
    to: Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
    tz: str


class Freeze(RuleTable, frozen=True, kw_only=True):
    """A time in which nothing is approved or starts; times as ``2026-12-20T00:00``, of the zone's clocks."""

    from_: str = field(name="from")
    to: str
    tz: str
    reason: str = ""


class Delegate(RuleTable, frozen=True, kw_only=True):
    """``to`` may answer in the seat of ``from_``, between two times (RFC 3339); ``until`` is a must."""

    from_: str = field(name="from")
    to: str
    since: str = ""
    until: str


class BreakGlass(RuleTable, frozen=True, kw_only=True):
    """Who may go ahead alone in an emergency, and who reviews it afterwards."""

    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


class Rule(RuleTable, frozen=True, kw_only=True):
    """``[[approvals]]``: who may approve what, how many of them, and on which conditions.

    roles, people: who; ``people`` may hold ``*``: whoever can answer at all.
    signature: true: by the person's key; ``verified``: with PIN or fingerprint; false: a local answer does.
    strategy: single, first: one answer is enough; all: one of everybody with a seat; quorum: so many.
    approval_expires: how long the question stands; execution_expires: how long the release holds.
    findings: most allowed of each severity; a scan that is missing does not satisfy it.
    notify: who is told beside those who are asked; remind_after: they are told once more, if it still waits.
    escalate_to: who else is told when it still waits after ``escalate_after``; it gives nobody a seat.
    """

    id: Id
    when: When = When()
    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    quorum: Annotated[int, Meta(ge=1, le=100)] = 1
    author_may_approve: bool = False
    comment: bool = False
    signature: bool | Literal["verified"] = True
    approval_expires: Duration | None = None
    execution_expires: Duration | None = None
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    delegates: tuple[Delegate, ...] = ()
    break_glass: BreakGlass | None = None
    findings: dict[Severity, Annotated[int, Meta(ge=0)]] = {}
    security_tests: tuple[SecurityTest, ...] = ()
    notify: tuple[str, ...] = ()
    remind_after: Duration | None = None
    escalate_after: Duration | None = None
    escalate_to: tuple[str, ...] = ()
    strategy: Strategy = "quorum"

    @property
    def approval_expires_s(self) -> float | None:
        """Seconds that a question stands; None: for ever."""
        return duration_s(self.approval_expires)

    @property
    def execution_expires_s(self) -> float | None:
        """Seconds that a release holds; None: until it is used."""
        return duration_s(self.execution_expires)


POSTED_BY_PROGRAMS = "babysitter-ask"
"""The process behind questions that programs post. A program chooses their words, tags and context."""


class AutoApproval(RuleTable, frozen=True, kw_only=True):
    """``[[auto_approve]]``: answers in a person's place, or sees that nothing does.

    breakpoint: glob over the breakpoint's id. tags: all of these. context: all of these values.
    never: wins over every other. after: only after that many approvals in a row by people.
    """

    id: Id
    breakpoint: str = "*"
    tags: tuple[str, ...] = ()
    context: dict[str, Any] = {}
    never: bool = False
    after: Annotated[int, Meta(ge=0)] = 0


class PolicyTable(RuleTable, frozen=True, kw_only=True):
    """``[policy]``. ``cedar``: files of the team's own Cedar policies, as globs beside the settings."""

    cedar: tuple[str, ...] = ()


def _open_rule(rule_id: str) -> Rule:
    return Rule(id=rule_id, people=(ANYBODY,), author_may_approve=True, signature=False)


class Policy(Struct, frozen=True, kw_only=True, dict=True):
    """All rules of a workspace, as one document with a digest.

    guarded: the rule for what touches production or is critical and no other rule names.
    asked: the rule for a question that a process asks about anything else.
    cedar: the team's own policies, path to text.
    """

    rules: tuple[Rule, ...] = ()
    roles: dict[str, tuple[str, ...]] = {}
    people: dict[str, PersonTable] = {}
    auto_approve: tuple[AutoApproval, ...] = ()
    cedar: dict[str, str] = {}
    signing: SigningTable = SigningTable()
    guarded: Rule = _open_rule("default-guarded")
    asked: Rule = _open_rule("default-asked")

    def document(self) -> Json:
        """Return the rules as JSON: what is kept under its digest, and read by a script with jq.

        Each rule has, besides what the settings say, ``may``: the people who may approve by it, authors
        included, and ``breakers``: those who may break the glass.
        """
        whole: dict[str, Any] = to_builtins(self)
        whole["rules"] = [self._told(rule) for rule in self.rules]
        whole["guarded"], whole["asked"] = self._told(self.guarded), self._told(self.asked)
        return whole

    def _told(self, rule: Rule) -> dict[str, Any]:
        """Return a rule with what it leaves unsaid, and its people: a script need not know our defaults."""
        said: dict[str, Any] = to_builtins(rule)
        return {
            "quorum": rule.quorum,
            "author_may_approve": rule.author_may_approve,
            "signature": rule.signature,
            **said,
            "may": list(self.members(rule.roles, rule.people)),
            "breakers": list(self.breakers(rule)),
        }

    def digest(self) -> str:
        """Return the SHA-256 of the canonical document: what RUN_CREATED and each approval commit to."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        return sha256_hex(canonical_json(self.document()))

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The rules of the settings, and the two that stand behind them."""
        return (*self.rules, self.guarded, self.asked)

    def rule_named(self, rule_id: str) -> Rule | None:
        """Return the rule of an id; None when there is none."""
        return next((rule for rule in self.every_rule if rule.id == rule_id), None)

    def members(self, roles: tuple[str, ...], people: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return people and the members of roles, each once, in order."""
        named = (name for role in roles for name in self.roles.get(role, ()))
        return tuple(dict.fromkeys((*named, *people)))

    def breakers(self, rule: Rule) -> tuple[str, ...]:
        """Return who may break the glass of a rule."""
        if rule.break_glass is None:
            return ()
        return self.members(rule.break_glass.roles, rule.break_glass.people)

    def reviewers(self, rule: Rule) -> tuple[str, ...]:
        """Return who reviews a rule's emergencies: members of roles, and people named themselves."""
        named = rule.break_glass.reviewers if rule.break_glass is not None else ()
        return tuple(name for each in named for name in self.roles.get(each, (each,)))


def duration_s(text: str | None) -> float | None:
    """Return the seconds of ``4h``; None for None."""
    if text is None:
        return None
    return float(int(text[:-1]) * _UNIT_S[text[-1]])


def matches_glob(text: str, pattern: str) -> bool:
    """Tell whether a text matches a pattern with ``*`` and ``?``; nothing else is special."""
    return re.fullmatch(_regex(pattern), text) is not None


def _regex(pattern: str) -> str:
    parts = {"*": ".*", "?": "."}
    return "(?s)" + "".join(parts.get(character, re.escape(character)) for character in pattern)
