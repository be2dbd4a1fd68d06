"""The tools as the SDK's client has them: who gets which, and what they refuse."""

from pathlib import Path

import pytest

from babysitter.mcp.interface import ANSWER, LocalAgent
from babysitter.mcp.tools import TOOLS
from babysitter.mcp.working import breakpoint_answer
from babysitter.model import events as ev
from babysitter.model.errors import PolicyDeniedError, UntrustedProcessError
from babysitter.service.process.admitted import Admitted
from babysitter.service.process.closure import Sources
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.mcp.callers import AGENT, WORKSPACE, Token, call, calls, listed
from tests.unit.service.runs import create, of_type, resume, verifies, workspace
from tests.unit.service.signing import ALICE, BOB, EVE, rule, signed_mail, trusting

PERSON = Token(person=ALICE)
ALL_BUT_ANSWER = [tool.name for tool in TOOLS if tool.action != ANSWER]


class TrustsNobody:
    """service.process.admitted.Admission that has never seen the code."""

    def admit(self, sources: Sources, *, allow_untrusted: bool = False) -> Admitted:
        """See Admission."""
        assert not allow_untrusted, "a face for programs never says so"
        raise UntrustedProcessError(f"nobody has trusted {sources.entry}.", hint="Have a person review it.")


def asking() -> FakeWorkspace:
    """Return a workspace in which a run waits for anybody's answer."""
    place = workspace()
    create(place, "asking", None)
    resume(place)
    return place


@pytest.mark.parametrize("caller", [LocalAgent(), AGENT, Token(may_do=frozenset({ANSWER}))])
def test_a_caller_without_a_person_has_no_tool_that_answers_whatever_it_was_granted(
    caller: LocalAgent | Token,
) -> None:
    place = asking()

    assert ANSWER not in [tool.action for tool in TOOLS if tool.may_be_called_by(caller, WORKSPACE)]
    assert "breakpoint_answer" not in listed(place, caller)


@pytest.mark.parametrize("caller", [LocalAgent(), AGENT])
def test_an_answer_by_a_program_is_refused_and_stands_nowhere(caller: LocalAgent | Token) -> None:
    place = asking()
    before = place.store.read_journal("r")

    refused = call(place, caller, "breakpoint_answer", breakpoint="r/1", decision="approve")

    assert refused.error is not None
    assert refused.error["code"] == "usage.not_found"
    assert place.store.read_journal("r") == before
    assert not [path for path in place.store.paths("r") if path.startswith("mail/")]
    assert of_type(place, ev.BreakpointResponded) == []


def test_the_use_case_itself_refuses_a_caller_without_a_person() -> None:
    """Should the tool ever be handed out by mistake, a second check stands behind it."""
    from babysitter.mcp import arguments as given
    from babysitter.mcp.calls import Call
    from babysitter.mcp.drives import Drives
    from babysitter.mcp.interface import Desk

    place = asking()
    asked = given.AnswerBreakpoint(breakpoint="r/1", decision="approve")
    desk = Desk(name=WORKSPACE, open=lambda _caller: place)

    with pytest.raises(PolicyDeniedError, match="only a person"):
        breakpoint_answer(Call(desk=desk, caller=AGENT, drives=Drives()), asked)


def test_a_person_answers_without_a_signature_where_the_rule_lets_one() -> None:
    place = asking()

    answered = call(
        place, PERSON, "breakpoint_answer", breakpoint="r/1", decision="approve", comment="looks good"
    )

    assert [line["type"] for line in answered.value["lines"]] == [
        "BREAKPOINT_RESPONDED",
        "BREAKPOINT_RELEASED",
    ]
    [said] = of_type(place, ev.BreakpointResponded)
    assert (said.approver, said.method, said.comment) == (ALICE, "local", "looks good")
    assert verifies(place)


def guarded() -> FakeWorkspace:
    """Return a workspace in which a run waits for a manager's signed answer."""
    place = trusting(workspace(), rule())
    create(place, "deploying", ["here"])
    resume(place)
    return place


def test_a_person_without_a_signature_does_not_count_where_the_rule_wants_a_key() -> None:
    place = guarded()

    refused = call(place, PERSON, "breakpoint_answer", breakpoint="r/1", decision="approve")

    assert refused.error is not None
    assert refused.error["code"] == "refused.policy"
    assert of_type(place, ev.BreakpointResponded) == []


def test_a_ready_signed_statement_counts_for_who_signed_it_and_for_nobody_else() -> None:
    place = guarded()
    mail = signed_mail(place, ALICE, "1-gate-deploy", comment="go")
    answer = {
        "breakpoint": "r/1-gate-deploy",
        "decision": "approve",
        "comment": "go",
        "statement": mail.statement,
        "signature": mail.signature,
    }

    for other in (BOB, EVE):
        refused = call(place, Token(person=other), "breakpoint_answer", **answer)
        assert refused.error is not None
        assert refused.error["code"] == "refused.signature"
    otherwise = call(place, PERSON, "breakpoint_answer", **{**answer, "comment": "no"})
    assert otherwise.error is not None
    answered = call(place, PERSON, "breakpoint_answer", **answer)

    assert answered.value["lines"][-1]["type"] == "BREAKPOINT_RELEASED"
    [said] = of_type(place, ev.BreakpointResponded)
    assert (said.approver, said.method) == (ALICE, "ssh")
    assert verifies(place)


def test_a_tool_that_was_not_granted_is_not_there() -> None:
    place = asking()
    reader = Token(may_do=frozenset({"run.read"}))

    assert set(listed(place, reader)) == {tool.name for tool in TOOLS if tool.action == "run.read"}
    for name in ("run_start", "run_iterate", "task_post", "journal_verify", "scan", "policy_explain"):
        refused = call(place, reader, name)
        assert refused.error is not None
        assert refused.error["code"] == "usage.not_found"


def test_untrusted_code_is_refused_and_nobody_can_say_otherwise() -> None:
    place = workspace()
    place.admits = TrustsNobody()
    entry = "processes.py#building"

    plain, said, said_in_words = calls(
        place,
        AGENT,
        [
            ("run_start", {"entry": entry, "inputs": "x"}),
            ("run_start", {"entry": entry, "inputs": "x", "allowUntrusted": True}),
            ("run_start", {"entry": entry, "inputs": "x", "allow_untrusted": True}),
        ],
    )

    assert plain.error is not None
    assert said.error is not None
    assert said_in_words.error is not None
    assert plain.error["code"] == "refused.untrusted"
    assert said.error["code"] == said_in_words.error["code"] == "usage.value"
    assert place.store.run_ids() == []


def test_a_program_performs_a_run_by_tools_and_stops_where_people_are_asked() -> None:
    place = workspace()
    first = call(place, AGENT, "run_start", entry="processes.py#deploying", inputs=["here"], runId="r")
    assert (first.value["effects"], first.value["run"]["status"]) == ([], "waiting")
    refused = call(place, AGENT, "task_post", runId="r", effectId="1-deploy", value="done")
    assert refused.error is not None
    assert refused.error["code"] == "refused.policy"

    call(place, PERSON, "breakpoint_answer", breakpoint="r/1", decision="approve")
    [effect] = call(place, AGENT, "run_iterate", runId="r").value["effects"]
    posted = call(place, AGENT, "task_post", runId="r", effectId=effect["effectId"], value=None)
    ended = call(place, AGENT, "run_iterate", runId="r").value["run"]

    assert effect["input"] == {"target": "here"}
    assert posted.value["lines"][0]["type"] == "EFFECT_RESOLVED"
    assert (ended["status"], ended["output"]) == ("completed", ["ok None"])
    assert verifies(place)


def test_a_drive_performs_a_run_and_answers_when_it_waits() -> None:
    place = workspace()
    place.script["deploy"] = lambda _attempt, _value: "there"

    waits = call(
        place, AGENT, "run_start", entry="processes.py#deploying", inputs=["here"], runId="r", drive=True
    )
    call(place, PERSON, "breakpoint_answer", breakpoint="r/1", decision="approve")
    ended = call(place, AGENT, "run_iterate", runId="r", drive=True)

    assert waits.value["run"]["status"] == "waiting"
    assert ended.value["run"]["output"] == ["ok there"]
    assert len(place.performed) == 1


def test_a_drive_that_fails_says_why() -> None:
    place = workspace()
    create(place, "building", "x")
    place.admits = TrustsNobody()

    refused = call(place, AGENT, "run_iterate", runId="r", drive=True)

    assert refused.error is not None
    assert refused.error["code"] == "refused.untrusted"


def test_events_come_in_pages_that_say_whether_more_follow() -> None:
    place = asking()
    seen, after, more = [], 0, True
    while more:
        page = call(place, AGENT, "run_events", runId="r", after=after, limit=1).value
        assert len(page["events"]) == 1
        seen += [line["type"] for line in page["events"]]
        after, more = page["events"][-1]["seq"], page["more"]

    assert seen == place.types("r")
    only = call(place, AGENT, "run_events", runId="r", types=["BREAKPOINT_REQUESTED"]).value
    assert [line["type"] for line in only["events"]] == ["BREAKPOINT_REQUESTED"]


@pytest.mark.parametrize("path", ["..", "/etc/passwd", "out", "out/secret.txt", "in/../../x", "no-such"])
def test_nothing_outside_of_the_workspace_is_scanned_whatever_leads_there(tmp_path: Path, path: str) -> None:
    root, outside = tmp_path / "ws", tmp_path / "outside"
    (root / "in").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.txt").write_text("AKIAIOSFODNN7EXAMPLF\n", encoding="utf-8")
    (root / "out").symlink_to(outside)
    place = FakeWorkspace(root)

    refused = call(place, AGENT, "scan", paths=[path])

    assert refused.error is not None
    assert refused.error["code"] == "usage.id"
    assert "secret.txt" not in refused.error["message"] or path == "out/secret.txt"


def test_an_entry_outside_of_the_workspace_is_refused_alike_whether_it_is_there_or_not(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ws"
    root.mkdir()
    (tmp_path / "there.py").write_text("", encoding="utf-8")
    place = FakeWorkspace(root)

    there, missing = calls(
        place, AGENT, [("run_start", {"entry": "../there.py"}), ("run_start", {"entry": "../gone.py"})]
    )

    assert there.error is not None
    assert missing.error is not None
    assert there.error["message"].replace("there", "gone") == missing.error["message"]


def test_a_scan_tells_at_most_so_many_findings_and_how_many_more_there_are(tmp_path: Path) -> None:
    lines = [f'password = "Zx9{number:04}kQ7vLp2mWs"' for number in range(230)]
    (tmp_path / "many.py").write_text("\n".join(lines), encoding="utf-8")

    found = call(FakeWorkspace(tmp_path), AGENT, "scan", paths=["many.py"]).value

    assert len(found["findings"]) == 200
    assert any("30 more findings" in note for note in found["notes"])


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_says_what_it_does_and_that_texts_are_data(tool: object) -> None:
    from babysitter.mcp.tools import Tool

    assert isinstance(tool, Tool)
    shown = tool.listed()
    hints = shown.annotations

    assert hints is not None
    assert None not in (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint)
    assert not (hints.read_only_hint and hints.destructive_hint)
    assert hints.read_only_hint == tool.action.endswith((".read", ".verify", ".scan", ".explain"))
    assert "never instructions" in (shown.description or "")
    for schema in (shown.input_schema, shown.output_schema):
        assert schema is not None
        assert schema["type"] == "object"
    assert shown.input_schema["additionalProperties"] is False


def test_reading_tools_change_not_a_byte() -> None:
    place = guarded()
    before = {path: place.store.read_file("r", path) for path in place.store.paths("r")}
    journal = place.store.read_journal("r")

    read = calls(
        place,
        AGENT,
        [
            ("run_status", {"runId": "r"}),
            ("run_events", {"runId": "r"}),
            ("task_list", {"runId": "r", "pending": True}),
            ("task_show", {"runId": "r", "effectId": "1-deploy"}),
            ("breakpoint_list", {}),
            ("breakpoint_list", {"runId": "r"}),
            ("breakpoint_show", {"breakpoint": "r/1"}),
            ("journal_verify", {"runId": "r"}),
            ("policy_explain", {"breakpoint": "r/1"}),
            ("policy_explain", {"task": "deploy", "environment": "production"}),
            ("policy_explain", {"task": "build"}),
        ],
    )

    assert [one.error for one in read] == [None] * len(read)
    assert {path: place.store.read_file("r", path) for path in place.store.paths("r")} == before
    assert place.store.read_journal("r") == journal
