"""The pages about approvals tell the truth: settings load, cases pass, their schema is the schema."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from babysitter.config import parse_settings
from babysitter.model.rules import Policy
from babysitter.policy.authorizer import Decider
from babysitter.policy.cases import parse_cases, run_case
from babysitter.policy.cedar import SCHEMA
from babysitter.policy.rules import make_policy

DOCS = Path(__file__).resolve().parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "approvals.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "limit-who-may-approve.md").read_text(encoding="utf-8")


def blocks(page: str, kind: str) -> list[str]:
    """Return the fenced blocks of a page that are of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)


def settings_of(page: str) -> list[str]:
    return [block for block in blocks(page, "toml") if "[[case]]" not in block]


def policy_of(text: str) -> Policy:
    read = parse_settings(text)
    own = dict.fromkeys(["own.cedar"], blocks(REFERENCE, "cedar")[0])
    return make_policy(
        rules=read.approvals, roles=read.roles, people=read.people, auto_approve=read.auto_approve, cedar=own
    )


@pytest.mark.parametrize("page", [REFERENCE, HOW_TO], ids=["reference", "how-to"])
def test_the_cases_of_a_page_come_out_as_it_says(page: str) -> None:
    rules = policy_of("".join(settings_of(page)[: 1 if page is REFERENCE else 2]))
    (text,) = (block for block in blocks(page, "toml") if "[[case]]" in block)

    results = [run_case(rules, case) for case in parse_cases(tomllib.loads(text), file="the page")]

    assert [each for each in results if not each.passed] == []
    assert len(results) > 1


@pytest.mark.parametrize("number", [2, 3, 4])
def test_each_further_rule_of_the_how_to_loads_with_the_people_of_the_first_step(number: int) -> None:
    people = settings_of(HOW_TO)[0]

    Decider(policy_of(people + settings_of(HOW_TO)[number])).compile()


def test_the_schema_of_the_page_is_the_schema() -> None:
    (told,) = blocks(REFERENCE, "cedarschema")

    assert " ".join(told.split()) == " ".join(SCHEMA.split())


@pytest.mark.needs("jq")
@pytest.mark.parametrize(("number", "lines"), [(0, "alice bob carol"), (1, "alice")])
def test_a_script_reads_the_document_with_jq(tmp_path: Path, number: int, lines: str) -> None:
    (commands,) = [block for block in blocks(REFERENCE, "sh") if "log/policies" in block]
    (tmp_path / "log" / "policies").mkdir(parents=True)
    document = policy_of(settings_of(REFERENCE)[0]).document()
    (tmp_path / "log" / "policies" / "x.json").write_text(json.dumps(document))

    done = subprocess.run(
        ["bash", "-c", commands.splitlines()[number]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == [f"{name}@example.com" for name in lines.split()]
