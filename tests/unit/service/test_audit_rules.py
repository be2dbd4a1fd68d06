"""Under which rule a question has to be asked, when the worker asks it of itself."""

from pathlib import Path
from typing import Any

import pytest

from babysitter.model import events as ev
from babysitter.model.rules import Policy, When
from babysitter.model.statement import JournalPlace
from babysitter.model.values import canonical_json
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_folder import AuditFolder
from babysitter.service.audit_log import LogFacts
from babysitter.service.audit_policies import KeptRules
from babysitter.service.audit_questions import Asked
from babysitter.service.audit_rules import Decisions
from tests.unit.service.signing import policy_of, rule

pytestmark = pytest.mark.promise("G25")
RULES = policy_of(rule("small", when=When(critical=False)), rule("large", when=When(critical=True)))
CREATED = ev.RunCreated(
    run_id="r",
    process_id="p",
    entry="p.py",
    process_digest="0" * 64,
    inputs_sha256="0" * 64,
    run_sha256="0" * 64,
    policy_sha256=RULES.digest(),
    requested_by="alice",
    sandbox="none",
    format_version=1,
    product_version="1",
    python_version="3",
)
EFFECT = ev.EffectRequested(
    effect_id="3-deploy",
    call_id="3",
    task_id="deploy",
    kind="python",
    label="deploy",
    args_sha256="0" * 64,
    task_def_ref="",
    critical=True,
)


def found(folder: Path, policy: Policy, effect: ev.EffectRequested | None, **question: Any) -> list[str]:
    """Return what is wrong with a question of the worker about an effect."""
    (folder / "policies").mkdir()
    (folder / "policies" / f"{policy.digest()}.json").write_bytes(canonical_json(policy.document()))
    event = ev.BreakpointRequested(
        breakpoint_id="3-x",
        call_id="3!unknown1",
        question="?",
        policy_sha256=policy.digest(),
        shown_sha256="0" * 64,
        **question,
    )
    findings, files, facts = Findings(), AuditFolder(folder), LogFacts()
    rules = KeptRules(folder=files, facts=facts, findings=findings)
    place = JournalPlace(seq=1, prefix="", head="")
    asked = Asked(created=CREATED, event=event, place=place, at_ns=1, effect=effect)
    Decisions(rules=rules, findings=findings).question(asked)
    return [each.code for each in findings.found]


@pytest.mark.parametrize(("name", "codes"), [("large", []), ("default-asked", ["question.rule"])])
def test_a_question_about_an_unknown_outcome_is_asked_under_the_rule_of_the_effect(
    tmp_path: Path, name: str, codes: list[str]
) -> None:
    """Its context says no more than which task it was, which another rule would fit."""
    assert found(tmp_path, RULES, EFFECT, rule=name, context={"task": "deploy"}) == codes


def test_a_question_of_the_process_is_asked_under_the_rule_of_its_context(tmp_path: Path) -> None:
    assert found(tmp_path, RULES, None, rule="large", context={"task": "deploy"}) == ["question.rule"]
