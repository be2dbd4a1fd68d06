"""A team's own rules, in gitleaks' form: taken as they are, or refused by name."""

import pytest

from babysitter.model.errors import SettingsError
from babysitter.secrets.detection.detector import Detector
from babysitter.secrets.detection.rules import RuleSet, own_rules
from babysitter.secrets.detection.team_rules import read_rules

FILE = r"""
title = "ours"
[extend]
useDefault = true
disabledRules = ["github-pat"]

[[rules]]
id = "acme-key"
description = "Acme's key"
regex = '''(?i)acme[:=]\s*'([a-z0-9]{8})-([a-z0-9]{8})'$'''
secretGroup = 2
entropy = 2.0
keywords = ["ACME"]
tags = ["key"]
[[rules.allowlists]]
regexTarget = "line"
regexes = ['''for the tests''']
[[rules.allowlists]]
condition = "AND"
paths = ['''^docs/''']
stopwords = ["abcd"]

[[rules]]
id = "a-file"
path = '''\.p12$'''

[allowlist]
paths = ['''vendor/''']
"""
NONE = RuleSet(rules=())


def found(text: str, path: str = "", *, base: RuleSet = NONE) -> list[tuple[str, str]]:
    detector = Detector(read_rules("team.toml", FILE, base=base))
    return [(hit.rule, hit.value.decode()) for hit in detector.find(text.encode(), path)]


def test_group_keywords_entropy_and_anchors_count() -> None:
    assert found("acme: 'abcdefg1-12345678'") == [("acme-key", "12345678")]
    assert found("acme: 'abcdefg1-11111111'") == []
    assert found("acme: 'abcdefg1-12345678' and more") == []


def test_allowlists_of_a_rule_and_of_the_file_let_pass() -> None:
    assert found("acme: 'abcdefg1-12345678'", "vendor/x") == []
    assert found("this is for the tests acme: 'abcdefg1-12345678'") == []
    assert found("acme: 'abcdefg1-1abcd678'", "src/x") == [("acme-key", "1abcd678")]
    assert found("acme: 'abcdefg1-1abcd678'", "docs/x") == []


def test_a_rule_finds_what_is_escaped_as_well() -> None:
    assert found(r"{\"a\": \"acme: 'abcdefg1-12345678'") == [("acme-key", "12345678")]


def test_our_own_rules_count_beside_them_unless_they_are_disabled() -> None:
    ids = {rule.id for rule in read_rules("team.toml", FILE, base=own_rules()).rules}

    assert {"acme-key", "gitlab-pat"} <= ids
    assert "github-pat" not in ids


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[[rules]]\nid = 'look'\nregex = '''(?<=a)b'''",
            "team.toml: the rule look has an expression that RE2",
        ),
        ("[[rules]]\nid = 'group'\nregex = 'a'\nsecretGroup = 1", "the rule group has secretGroup 1"),
        ("[[rules]]\nid = 'none'", "neither regex nor path"),
        ("[[rules]]\nid = 5\nregex = 'a'", "is no file of rules"),
        ("[[rules", "is no file of rules"),
        ("[allowlist]\nregexes = ['(']", r"the rule \[allowlist\] has an expression"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_rules("team.toml", text, base=NONE)
