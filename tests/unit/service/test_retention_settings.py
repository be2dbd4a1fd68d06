"""``[retention]``: strict, since what is read wrong here is removed or kept wrong; an error has its line."""

from pathlib import Path

import pytest

from babysitter.config import Settings, parse_settings
from babysitter.model.errors import SettingsError
from babysitter.model.retention_settings import RetentionHold, RetentionRule

RULE = '[[retention.rules]]\nid = "old"\nprocesses = ["*"]\nafter_days = 30\naction = "delete"\n'
HOLD = '[[retention.holds]]\nid = "case"\nruns = ["r1"]\nreason = "a lawsuit"\nby = "ada@example.com"\n'


def test_rules_and_holds_are_read_in_the_order_of_the_file() -> None:
    second = (
        RULE.replace("old", "builds").replace('"*"', '"build*", "lint"') + 'status = ["failed"]\nkeep = 5\n'
    )

    found = parse_settings(RULE + second + HOLD).retention

    assert found.rules == (
        RetentionRule(id="old", processes=("*",), after_days=30, action="delete"),
        RetentionRule(
            id="builds",
            processes=("build*", "lint"),
            status=("failed",),
            after_days=30,
            keep=5,
            action="delete",
        ),
    )
    assert found.rules[0].status == ("completed", "failed", "cancelled")
    assert found.holds == (RetentionHold(id="case", runs=("r1",), reason="a lawsuit", by="ada@example.com"),)


def test_the_example_of_the_reference_is_read() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "retention.md").read_text(encoding="utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]

    found = parse_settings(example).retention

    assert [rule.id for rule in found.rules] == ["releases", "failed-builds", "everything-else"]
    assert [hold.id for hold in found.holds] == ["case-4711"]


def test_without_the_table_there_is_no_rule() -> None:
    assert (Settings().retention.rules, Settings().retention.holds) == ((), ())


@pytest.mark.promise("G26")
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (RULE.replace("30", "0"), 4, "retention.rules.0.after_days"),
        (RULE.replace("30", "-30"), 4, "retention.rules.0.after_days"),
        (RULE.replace("30", "36501"), 4, "retention.rules.0.after_days"),
        (RULE.replace("30", "30.0"), 4, "retention.rules.0.after_days"),
        (RULE.replace("30", "true"), 4, "retention.rules.0.after_days"),
        (RULE.replace("30", '"30d"'), 4, "retention.rules.0.after_days"),
        (RULE.replace("after_days = 30\n", ""), 1, "after_days"),
        (RULE.replace('processes = ["*"]\n', ""), 1, "processes"),
        (RULE.replace('["*"]', "[]"), 3, "retention.rules.0.processes"),
        (RULE.replace('["*"]', '[""]'), 3, "retention.rules.0.processes"),
        (RULE.replace('["*"]', '["a b"]'), 3, "retention.rules.0.processes"),
        (RULE.replace('["*"]', '"*"'), 3, "retention.rules.0.processes"),
        (RULE.replace('action = "delete"\n', ""), 1, "action"),
        (RULE.replace('"delete"', '"archive"'), 5, "retention.rules.0.action"),
        (RULE + 'status = ["done"]\n', 6, "retention.rules.0.status"),
        (RULE + 'status = ["running"]\n', 6, "retention.rules.0.status"),
        (RULE + "status = []\n", 6, "retention.rules.0.status"),
        (RULE + "keep = -1\n", 6, "retention.rules.0.keep"),
        (RULE + "older_than = 30\n", 6, "retention.rules.older_than"),
        (RULE + "afterdays = 3\n", 6, 'Did you mean "after_days"?'),
        (RULE + "\n" + RULE, 8, "two of the rules are called old"),
        (RULE.replace("old", "Old rule"), 2, "retention.rules.0.id"),
        (RULE + HOLD + HOLD, 12, "two of the holds are called case"),
        (HOLD.replace('runs = ["r1"]\n', ""), 1, "a hold names runs or processes"),
        (HOLD.replace('["r1"]', "[]"), 1, "a hold names runs or processes"),
        (HOLD.replace("r1", "../r1"), 3, "retention.holds.0.runs"),
        (HOLD.replace("r1", "r1\\n"), 3, "retention.holds.0.runs"),
        (HOLD.replace("a lawsuit", " "), 4, "retention.holds.0.reason"),
        (HOLD.replace("ada@example.com", ""), 5, "retention.holds.0.by"),
        (HOLD.replace('by = "ada@example.com"\n', ""), 1, "by"),
        (HOLD.replace('reason = "a lawsuit"\n', ""), 1, "reason"),
        ("[retention]\nrule = []\n", 2, 'Did you mean "rules"?'),
    ],
)
def test_a_wrong_word_is_an_error_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_settings(text)

    assert said in str(refusal.value)
    assert refusal.value.facts["line"] == line
