"""A team's own rules, in the form of gitleaks: what they wrote for it is loaded as it is.

Taken: ``[[rules]]`` with id, description, regex, path, secretGroup, entropy, keywords;
``[[rules.allowlists]]``,
``[rules.allowlist]``, ``[[allowlists]]`` and ``[allowlist]`` with regexes, regexTarget, paths, stopwords,
condition,
targetRules; ``[extend]`` with disabledRules (``useDefault`` means ours, which count anyway).
Not taken, because data that is being written has none: ``commits``.

Form: gitleaks, README, "Configuration". Invariants, each with a test in
tests/unit/secrets/detection/test_team_rules.py:
    - an expression that RE2 can't take is an error that names file and rule, never a rule less.
"""

import tomllib
from typing import Annotated, Any, Literal

import msgspec
import re2
from msgspec import Meta, Struct
from msgspec.structs import replace

from babysitter.model.errors import SettingsError
from babysitter.secrets.detection.gate import options
from babysitter.secrets.detection.rules import Allow, Rule, RuleSet


class _Allow(Struct, frozen=True, kw_only=True, rename="camel"):
    """``[[allowlists]]`` of gitleaks."""

    description: str = ""
    condition: str = "OR"
    regexes: tuple[str, ...] = ()
    regex_target: Literal["", "secret", "match", "line"] = ""
    paths: tuple[str, ...] = ()
    stopwords: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    target_rules: tuple[str, ...] = ()

    def ours(self) -> Allow:
        """Return it in our own form."""
        return Allow(
            regexes=self.regexes,
            paths=self.paths,
            stopwords=tuple(word.lower() for word in self.stopwords),
            target=self.regex_target or "secret",
            needs_all=self.condition.upper() in ("AND", "&&"),
        )


class _Rule(Struct, frozen=True, kw_only=True, rename="camel"):
    """``[[rules]]`` of gitleaks."""

    id: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\s\x00-\x1f\[\]:${}]+$")]
    description: str = ""
    regex: str = ""
    path: str = ""
    secret_group: int = 0
    entropy: float = 0.0
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    allowlists: tuple[_Allow, ...] = ()
    allowlist: _Allow | None = None


class _Extend(Struct, frozen=True, kw_only=True, rename="camel"):
    """``[extend]`` of gitleaks."""

    disabled_rules: tuple[str, ...] = ()


class _File(Struct, frozen=True, kw_only=True, rename="camel"):
    """A whole file of gitleaks."""

    rules: tuple[_Rule, ...] = ()
    allowlists: tuple[_Allow, ...] = ()
    allowlist: _Allow | None = None
    extend: _Extend = _Extend()


def read_rules(file: str, text: str, *, base: RuleSet) -> RuleSet:
    """Return the base with a file's rules and what it allows; a rule with an id of the base replaces that.

    Raises:
        SettingsError: naming the file, and the rule where there is one.
    """
    try:
        read = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(
            f"{file} is no file of rules: {error}.", hint="Its form is that of gitleaks.toml.", file=file
        ) from None
    everywhere = [*read.allowlists, *([read.allowlist] if read.allowlist is not None else [])]
    rules = []
    for raw in read.rules:
        own = [*raw.allowlists, *([raw.allowlist] if raw.allowlist is not None else [])]
        own += [allow for allow in everywhere if raw.id in allow.target_rules]
        rule = _rule(raw, tuple(allow.ours() for allow in own))
        _check(file, rule)
        if rule.regex:
            rules.append(rule)
    allows = tuple(allow.ours() for allow in everywhere if not allow.target_rules)
    for allow in allows:
        _check_all(file, "[allowlist]", (*allow.regexes, *allow.paths))
    joined = base.joined(RuleSet(rules=tuple(rules), allows=allows))
    off = set(read.extend.disabled_rules)
    return (
        replace(joined, rules=tuple(rule for rule in joined.rules if rule.id not in off)) if off else joined
    )


def _rule(raw: _Rule, allows: tuple[Allow, ...]) -> Rule:
    return Rule(
        id=raw.id,
        regex=raw.regex,
        description=raw.description,
        group=raw.secret_group,
        entropy=raw.entropy,
        keywords=tuple(word.lower() for word in raw.keywords),
        path=raw.path,
        judge="plain",
        allows=allows,
    )


def _check(file: str, rule: Rule) -> None:
    if not rule.regex and not rule.path:
        raise SettingsError(f"{file}: the rule {rule.id} has neither regex nor path.", file=file)
    expressions = [rule.regex, rule.path]
    for allow in rule.allows:
        expressions += [*allow.regexes, *allow.paths]
    _check_all(file, rule.id, tuple(filter(None, expressions)))
    groups = re2.compile(rule.regex.encode(), options()).groups if rule.regex else 0
    if rule.group > groups:
        raise SettingsError(
            f"{file}: the rule {rule.id} has secretGroup {rule.group}, but its regex has {groups} groups.",
            file=file,
        )


def _check_all(file: str, where: str, expressions: tuple[str, ...]) -> None:
    for expression in expressions:
        try:
            re2.compile(expression.encode(), options())
        except re2.error as error:
            raise SettingsError(
                f"{file}: the rule {where} has an expression that RE2 can't take: {_text(error)}.",
                hint="RE2 has no look-around and no back-references; write it without.",
                file=file,
            ) from None


def _text(error: Any) -> str:  # noqa: ANN401 (the library has no types)
    first = error.args[0] if error.args else ""
    return first.decode(errors="replace") if isinstance(first, bytes) else str(first)
