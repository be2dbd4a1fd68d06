"""The rules in ``babysitter.toml``: everything that can be said is read, and a wrong word names its line."""

from pathlib import Path

import pytest

from babysitter.config import Settings, parse_settings, team_texts
from babysitter.model.errors import SettingsError
from babysitter.model.rules import Policy
from babysitter.policy.authorizer import Decider
from babysitter.policy.rules import make_policy
from tests.unit.policy.people import ALICE, BOB, DAVE

pytestmark = pytest.mark.promise("G25")
WHOLE = """
[people]
"alice@example.com" = { accounts = ["alice"] }
[roles]
"release-managers" = ["alice@example.com", "bob@example.com"]
"oncall" = ["carol@example.com"]
[policy]
cedar = ["policies/*.cedar"]
[[approvals]]
id = "production"
when = { environment = ["production", "live"], critical = true, tags = ["db"], task = "dep*", process = "r" }
roles = ["release-managers"]
people = ["dora@example.com"]
quorum = 2
author_may_approve = false
comment = true
signature = "verified"
approval_expires = "4h"
execution_expires = "30m"
windows = [{ days = ["mon", "tue"], from = "09:00", to = "16:00", tz = "Europe/Berlin" }]
freezes = [{ from = "2026-12-20T00:00", to = "2027-01-04T00:00", tz = "Europe/Berlin", reason = "holidays" }]
delegates = [{ from = "alice@example.com", to = "dave@example.com", until = "2026-12-24T00:00:00Z" }]
break_glass = { roles = ["oncall"], reviewers = ["release-managers"] }
findings = { high = 0, critical = 0 }
security_tests = ["authentication", "authorization", "input-validation", "error-handling"]
notify = ["release-managers"]
strategy = "all"
[[auto_approve]]
id = "small-fixes"
breakpoint = "*-review*"
tags = ["docs"]
context = { environment = "staging" }
after = 3
[[auto_approve]]
id = "never-the-database"
tags = ["db"]
never = true
"""


def policy_of(read: Settings) -> Policy:
    """Return the rules of settings, as the workspace makes them."""
    return make_policy(
        rules=read.approvals, roles=read.roles, people=read.people, auto_approve=read.auto_approve
    )


def test_everything_that_a_rule_can_say_is_read() -> None:
    read = parse_settings(WHOLE)
    (rule,) = read.approvals

    assert rule.when.environments == ("production", "live")
    assert (rule.when.critical, rule.when.tags, rule.when.task, rule.when.process) == (
        True,
        ("db",),
        "dep*",
        "r",
    )
    assert (rule.quorum, rule.comment, rule.signature, rule.strategy) == (2, True, "verified", "all")
    assert (rule.approval_expires_s, rule.execution_expires_s) == (14400, 1800)
    assert (rule.windows[0].from_, rule.windows[0].to, rule.windows[0].days) == (
        "09:00",
        "16:00",
        ("mon", "tue"),
    )
    assert (rule.freezes[0].reason, rule.delegates[0].from_, rule.delegates[0].to) == (
        "holidays",
        ALICE,
        DAVE,
    )
    assert (rule.findings, len(rule.security_tests)) == ({"high": 0, "critical": 0}, 4)
    assert rule.break_glass is not None
    assert rule.break_glass.reviewers == ("release-managers",)
    assert [each.never for each in read.auto_approve] == [False, True]
    assert read.policy.cedar == ("policies/*.cedar",)
    assert policy_of(read).members(("release-managers",)) == (ALICE, BOB)
    Decider(policy_of(read)).compile()


def test_what_a_rule_leaves_unsaid_is_the_careful_choice() -> None:
    (rule,) = parse_settings('[[approvals]]\nid = "x"\npeople = ["a@example.com"]\n').approvals

    assert (rule.quorum, rule.author_may_approve, rule.signature, rule.comment) == (1, False, True, False)
    assert (rule.approval_expires, rule.execution_expires, rule.break_glass) == (None, None, None)


HEAD = "[[approvals]]\nid = 'x'\npeople = ['a']\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (HEAD + "quorom = 2\n", 4, 'Did you mean "quorum"?'),
        (HEAD + "when = { enviroment = 'production' }\n", 4, 'Did you mean "environment"?'),
        (HEAD + "windows = [{ form = '09:00' }]\n", 4, 'Did you mean "from"?'),
        (HEAD + "break_glass = { reviwers = ['a'] }\n", 4, 'Did you mean "reviewers"?'),
        ("[people]\n'a@b' = { acounts = ['a'] }\n", 2, 'Did you mean "accounts"?'),
        ("[[auto_aprove]]\nid = 'x'\n", 1, 'Did you mean "auto_approve"?'),
        (HEAD + "quorum = 0\n", 4, "quorum"),
        (HEAD + "quorum = 101\n", 4, "quorum"),
        (HEAD + "quorum = '2'\n", 4, "quorum"),
        (HEAD + "author_may_approve = 'no'\n", 4, "author_may_approve"),
        (HEAD + "signature = 'yes'\n", 4, "signature"),
        (HEAD + "approval_expires = '4 hours'\n", 4, "approval_expires"),
        (HEAD + "approval_expires = '0h'\n", 4, "approval_expires"),
        (HEAD + "execution_expires = 30\n", 4, "execution_expires"),
        (HEAD + "strategy = 'some'\n", 4, "strategy"),
        (HEAD + "findings = { hihg = 0 }\n", 4, "findings"),
        (HEAD + "findings = { high = -1 }\n", 4, "findings"),
        (HEAD + "security_tests = ['authn']\n", 4, "security_tests"),
        (
            HEAD + "windows = [{ days = ['monday'], from = '09:00', to = '10:00', tz = 'UTC' }]\n",
            4,
            "windows",
        ),
        (HEAD + "windows = [{ days = [], from = '09:00', to = '10:00', tz = 'UTC' }]\n", 4, "windows"),
        (HEAD + "windows = [{ from = '9:00', to = '10:00', tz = 'UTC' }]\n", 4, "windows"),
        (HEAD + "windows = [{ from = '24:00', to = '10:00', tz = 'UTC' }]\n", 4, "windows"),
        (HEAD + "windows = [{ from = '09:00', to = '10:00' }]\n", 4, "windows"),
        (HEAD + "delegates = [{ from = 'a', to = 'b' }]\n", 4, "until"),
        ("[[approvals]]\nid = 'Production'\n", 2, "approvals.0.id"),
        ("[[approvals]]\npeople = ['a']\n", 1, "id"),
        ("[roles]\nx = 'alice'\n", 1, "roles"),
        (HEAD + "quorum = 1\n" + HEAD + "quorum = 0\n", 8, "approvals.1.quorum"),
        (HEAD + "[approvals.when]\ntaks = 'x'\n", 5, 'Did you mean "task"?'),
        (HEAD + HEAD + "[approvals.when]\ncritical = 'x'\n", 8, "approvals.1.when.critical"),
    ],
)
def test_a_wrong_word_in_a_rule_is_an_error(text: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_settings(text, file="babysitter.toml")

    assert said in str(refusal.value)
    assert refusal.value.facts["line"] == line


def test_own_policies_are_found_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    for name in ("b", "a"):
        (tmp_path / "policies" / f"{name}.cedar").write_text(f"// {name}\n")

    found = team_texts(tmp_path, ("policies/*.cedar",), "[policy] cedar")

    assert list(found.items()) == [("policies/a.cedar", "// a\n"), ("policies/b.cedar", "// b\n")]


@pytest.mark.parametrize("pattern", ["policies/*.cedar", "/etc/*.conf", "../*.cedar", "x/../../*.cedar"])
def test_a_pattern_that_finds_nothing_or_leaves_the_workspace_is_refused(
    tmp_path: Path, pattern: str
) -> None:
    """A file of prohibitions that is not found would prohibit nothing."""
    (tmp_path / "outside.cedar").write_text("// outside\n")
    root = tmp_path / "workspace"
    (root / "x").mkdir(parents=True)

    with pytest.raises(SettingsError, match=r"babysitter\.toml"):
        team_texts(root, (pattern,), "[policy] cedar")
