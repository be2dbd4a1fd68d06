"""Rules for credentials that nobody declared: ours, from the pack, and a team's own.

A rule is an RE2 expression and what its match must be besides. Sources of ours: pack.toml; of a team:
any file in the form of gitleaks (team_rules.py).

Invariants, each with a test in tests/unit/secrets/detection/test_rules.py:
    - where a rule's expression matches, its gate matches too;
    - every rule compiles, and ids do not repeat.
"""

import tomllib
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from msgspec import Struct

from babysitter.model.rules import Severity
from babysitter.secrets.detection.formats import expression, gate_expression, says_much

Judge = Literal[
    "form", "weak-form", "block", "login", "query", "named", "loose", "prefixed", "issuer", "plain"
]
"""How strictly a match is looked at: judging.py."""


class Allow(Struct, frozen=True, kw_only=True):
    """What is no finding after all, as gitleaks writes it: RE2 expressions and words."""

    regexes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    stopwords: tuple[str, ...] = ()
    target: Literal["secret", "match", "line"] = "secret"
    needs_all: bool = False


class Rule(Struct, frozen=True, kw_only=True):
    """One kind of credential.

    regex: RE2, over bytes; ``group`` is the credential, 0 for the first group, else for the whole match.
    gate: an expression that matches wherever ``regex`` does; "" to make one from it.
    keywords: lower case; one of them must stand in the text, where there are any.
    entropy: bits per character that the credential has at least.
    """

    id: str
    regex: str
    description: str = ""
    gate: str = ""
    group: int = 0
    entropy: float = 0.0
    keywords: tuple[str, ...] = ()
    path: str = ""
    judge: Judge = "plain"
    checksum: str = ""
    severity: Severity = "high"
    allows: tuple[Allow, ...] = ()


class RuleSet(Struct, frozen=True, kw_only=True):
    """Rules, and what is allowed whichever rule found it."""

    rules: tuple[Rule, ...]
    allows: tuple[Allow, ...] = ()

    def joined(self, other: "RuleSet") -> "RuleSet":
        """Return both; a rule of ``other`` takes the place of one with its id."""
        own = {rule.id for rule in other.rules}
        kept = tuple(rule for rule in self.rules if rule.id not in own)
        return RuleSet(rules=kept + other.rules, allows=self.allows + other.allows)


@lru_cache(maxsize=1)
def own_rules() -> RuleSet:
    """Return the rules of the pack."""
    text = resources.files("babysitter.secrets.detection").joinpath("pack.toml").read_text(encoding="utf-8")
    pack = tomllib.loads(text)
    found = [
        rule
        for issuer, forms in pack["tokens"].items()
        for variant, form in forms.items()
        for rule in _token_rules(issuer, variant, [form] if isinstance(form, str) else form)
    ]
    found += [_near_rule(issuer, form) for issuer, form in pack["near"].items()]
    words = "|".join(sorted(pack["context"]["issuers"], key=len, reverse=True))
    found += [_own_rule(raw, words) for raw in pack["rules"]]
    return RuleSet(rules=tuple(found))


def _token_rules(issuer: str, variant: str, forms: list[str]) -> list[Rule]:
    """Return a rule a form: alternatives in one expression would be asked together for nothing."""
    rules = []
    for number, form in enumerate(forms):
        rules.append(
            Rule(
                id=f"{issuer}-{variant}" + (f"-{number + 1}" if number else ""),
                description=f"{issuer} {variant}".replace("-", " "),
                regex=expression(form),
                gate=gate_expression(form),
                group=1,
                judge="form" if says_much(form) else "weak-form",
                checksum="crc62" if "{crc62}" in form else "",
                severity="critical" if "{crc62}" in form else "high",
            )
        )
    return rules


def _near_rule(issuer: str, form: str) -> Rule:
    return Rule(
        id=f"{issuer}-near",
        description=f"{issuer} credential",
        regex=rf"(?:^|[^A-Za-z])(?i:{issuer})[\s\S]{{0,80}}?{expression(form)}",
        gate=rf"(?i:{issuer})[\s\S]{{0,80}}?{gate_expression(form)}",
        group=1,
        judge="loose",
    )


def _own_rule(raw: dict[str, Any], issuers: str) -> Rule:
    rule = Rule(**{"judge": "form", **raw})
    return Rule(**{"judge": "form", **raw, "regex": rule.regex.replace("{{issuers}}", issuers),
                   "gate": rule.gate.replace("{{issuers}}", issuers)})  # fmt: skip
