"""The audit page and the API say what is due and what is held, or plainly that no rule is set."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from babysitter.model.errors import SettingsError
from babysitter.model.retention_settings import RetentionHold, RetentionRule, RetentionTable
from babysitter.model.rules import Policy
from babysitter.service.hosting.retention import RetentionPlan
from babysitter.service.runs import RunService
from babysitter.testing.clocks import FakeClock
from babysitter.testing.sample_run import RUN_ID, write_sample_run
from tests.unit.server.served import Server

PAGE = {"accept": "text/html"}
OLD_NS = 1_500_000_000 * 1_000_000_000
RULE = RetentionRule(id="old-runs", processes=("*",), after_days=30, action="delete")
HOLD = RetentionHold(id="case-7", runs=(RUN_ID,), reason="<b>a lawsuit</b>", by="ada@example.com")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """Return a server with a run that ended in 2017, and one that waits for an answer."""
    served = Server(tmp_path)
    write_sample_run(served.place.store, FakeClock(OLD_NS))
    RunService(served.place).start("processes.py#asking", None, run_id="asks")
    for hosted in served.hosting.all.values():
        hosted.catalogue.look()
    return served


def say(server: Server, *rules: RetentionRule, holds: tuple[RetentionHold, ...] = ()) -> None:
    """Have the settings of the workspace say these rules."""
    place = server.place.place
    settings = replace(place.settings, retention=RetentionTable(rules=rules, holds=holds))
    server.place.place = replace(place, settings=settings)


def section(server: Server) -> str:
    """Return the section of the audit page, as an auditor gets it."""
    reply = server.client("auditor").get("/audit", headers=PAGE)
    assert reply.status_code == 200, reply.text
    return reply.text.partition('aria-labelledby="retention"')[2].partition("</section>")[0]


def plan(server: Server, query: str = "") -> RetentionPlan:
    reply = server.client("auditor").get(f"/api/v1/retention{query}")
    assert reply.status_code == 200, reply.text
    return msgspec.json.decode(reply.content, type=RetentionPlan)


@pytest.mark.promise("G26")
def test_without_a_rule_the_page_says_so_and_leads_to_how_rules_are_written(server: Server) -> None:
    shown = section(server)

    assert "No rule is set: no run is ever due" in shown
    assert 'href="/atlas/page:docs-reference-retention?workspace=here"' in shown
    led = server.client("auditor").get("/atlas/page:docs-reference-retention?workspace=here", headers=PAGE)
    assert led.status_code == 200
    assert plan(server).rules == ()


def test_what_is_due_is_shown_with_its_rule_its_time_and_its_size(server: Server) -> None:
    say(server, RULE)

    shown, given = section(server), plan(server)

    assert "1 run is due" in shown
    assert f'href="/runs/{RUN_ID}"' in shown
    assert "old-runs" in shown
    (due,) = given.due
    assert (due.run_id, due.rule, due.due_since[:10]) == (RUN_ID, "old-runs", "2017-08-13")
    assert due.bytes == server.place.store.size(RUN_ID)
    assert 'datetime="2017-08-13' in shown
    assert (given.due_total, given.unended, given.workspace) == (1, 1, "here")


def test_what_is_held_is_shown_with_who_and_why_and_nothing_of_it_is_markup(server: Server) -> None:
    say(server, RULE, holds=(HOLD, replace(HOLD, id="slip", runs=("nowhere",))))

    shown, given = section(server), plan(server)

    assert "No run is due" in shown
    assert "&lt;b&gt;a lawsuit&lt;/b&gt;" in shown
    assert "ada@example.com, hold case-7" in shown
    assert "Hold slip names what is no run here: nowhere" in shown
    assert [(held.run_id, held.reason) for held in given.held] == [(RUN_ID, "<b>a lawsuit</b>")]


def test_settings_that_are_wrong_now_hide_nothing_else_and_name_no_file_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path)
    write_sample_run(server.place.store, FakeClock(OLD_NS))

    def wrong() -> Policy:
        raise SettingsError("/srv/x/babysitter.toml, line 7, retention.rules: no.", hint="Mend it.", line=7)

    monkeypatch.setattr(server.place, "policy_now", wrong)

    reply = server.client("auditor").get("/audit", headers=PAGE)

    assert "can&#39;t be used now (line 7)" in reply.text
    assert "/srv/x" not in reply.text
    assert "What is proven of each run" in reply.text


@pytest.mark.parametrize("query", ["?limit=0", "?limit=201", "?skip=-1", "?skip=x"])
def test_numbers_that_are_none_are_refused(server: Server, query: str) -> None:
    reply = server.client("auditor").get(f"/api/v1/retention{query}")

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "usage")


@pytest.mark.promise("G19")
def test_who_does_not_audit_is_told_of_no_run(server: Server) -> None:
    say(server, RULE)

    for role in ("agent", "viewer", "approver", "operator"):
        reply = server.client(role).get("/api/v1/retention")
        assert (reply.status_code, RUN_ID in reply.text) == (403, False)
