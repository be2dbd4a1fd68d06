"""The pages of runs and the audit: what a reader gets, and what they may do with it."""

import io
import re
import tarfile
from pathlib import Path

import pytest

from babysitter.journal.layout import task_file
from babysitter.service.hosting.watched_source import standing_of
from babysitter.service.reading import read_state
from babysitter.service.runs import RunService
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.sample_run import RUN_ID, write_sample_run
from tests.unit.server.served import Server

PAGE = {"accept": "text/html"}
PART = {**PAGE, "hx-request": "true"}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """Return a server with the sample run and one that waits for an answer."""
    served = Server(tmp_path)
    write_sample_run(served.place.store, served.place.clock)
    RunService(served.place).start("processes.py#asking", None, run_id="asks")
    for hosted in served.hosting.all.values():
        hosted.catalogue.look()
    return served


def files(server: Server, run_id: str) -> dict[str, bytes]:
    """Return a run's files, to change them behind the journal's back."""
    store = server.place.store
    assert isinstance(store, MemoryStore)
    return store.runs[run_id].files


def text(server: Server, path: str, role: str = "viewer", **headers: str) -> str:
    """Return a page."""
    reply = server.client(role).get(path, headers={**PAGE, **headers})
    assert reply.status_code == 200, reply.text
    return reply.text


def test_the_list_narrows_down_by_links_that_keep_each_other(server: Server) -> None:
    every = text(server, "/runs")
    some = text(server, "/runs?status=waiting&text=asks")

    assert "2 runs" in every
    assert "1 run that match" in some
    assert f"/runs/{RUN_ID}" not in some
    assert 'href="/runs?status=failed&amp;text=asks"' in some


def test_a_page_of_the_list_leads_to_the_next(server: Server) -> None:
    first = text(server, "/runs?limit=1")
    cursor = first.partition("cursor=")[2].partition('"')[0]

    second = text(server, f"/runs?limit=1&cursor={cursor}")

    assert ("/runs/asks" in first, "/runs/asks" in second) == (True, False)
    assert f'href="/runs/{RUN_ID}"' in second


def test_what_a_run_waits_for_stands_on_top_and_leads_to_the_inbox(server: Server) -> None:
    page = text(server, "/runs/asks")

    assert page.index("Waits for a decision") < page.index("Timeline</h2>")
    assert 'href="/inbox/asks/' in page
    assert "See the question" in page
    assert "Look and decide" in text(server, "/runs/asks", "approver")


def test_only_who_may_is_offered_to_act(server: Server) -> None:
    offered = {
        role: {
            name
            for name in ("cancel", "signal", "rerun")
            if f'id="{name}"' in text(server, "/runs/asks", role)
        }
        for role in ("viewer", "auditor", "agent", "operator")
    }

    assert offered == {
        "viewer": set(),
        "auditor": set(),
        "agent": {"signal", "rerun"},
        "operator": {"cancel", "signal", "rerun"},
    }


def test_a_verification_says_what_is_not_proven_and_is_remembered(server: Server) -> None:
    before = text(server, f"/runs/{RUN_ID}")
    found = text(server, f"/runs/{RUN_ID}/verification", **PART)
    after = text(server, f"/runs/{RUN_ID}")

    assert "has not verified the chain yet" in before
    assert "chain verified" in found
    assert "Not proven by this" in found
    assert "chain verified" in after


def test_a_run_that_does_not_verify_is_not_called_verified(server: Server) -> None:
    files(server, RUN_ID)[task_file("7-report", "result.json")] = b"[]"

    found = text(server, f"/runs/{RUN_ID}/verification", **PART)

    assert "does not verify" in found
    assert "chain verified" not in found


def test_a_step_shows_its_tries_its_error_and_what_the_sandbox_refused(server: Server) -> None:
    pane = text(server, f"/runs/{RUN_ID}/tasks/1-build?attempt=1", **PART)
    whole = text(server, f"/runs/{RUN_ID}/tasks/1-build")

    assert "<html" not in pane
    assert "no rule, key" in pane
    assert "connect 192.0.2.1:443 (rule network)" in pane
    assert "built" in whole
    assert "hunter2" not in pane + whole


def test_a_step_that_is_none_is_not_there(server: Server) -> None:
    assert server.client("viewer").get("/runs/asks/tasks/9-none", headers=PAGE).status_code == 404


def test_lines_are_filtered_by_type_and_paged(server: Server) -> None:
    some = text(server, f"/runs/{RUN_ID}/events?type=EFFECT_STARTED,TIMER_SET")
    later = text(server, f"/runs/{RUN_ID}/events?type=EFFECT_STARTED&begin=2", **PART)

    assert (some.count('<strong class="mono type">EFFECT_STARTED'), some.count(">TIMER_SET<")) == (3, 1)
    assert later.count("<details>") == 1
    assert server.client("viewer").get(f"/runs/{RUN_ID}/events?type=NONE", headers=PAGE).status_code == 400


def test_code_is_shown_only_while_its_digest_is_the_runs(server: Server) -> None:
    ours = text(server, "/runs/asks/source")
    other = text(server, f"/runs/{RUN_ID}/source")

    assert "async def" in ours
    assert "this is the code that the run has" in ours
    assert "there is no file release.py" in other
    assert "async def" not in other


def test_the_code_says_at_which_line_the_run_stands(server: Server) -> None:
    page = text(server, "/runs/asks/source")

    (current,) = re.findall(r'class="code-line current"[^>]*><span class="no">(\d+)</span>([^\n]*)', page)
    assert "await ctx.breakpoint(" in current[1]
    assert f'href="?file=processes.py#L{current[0]}"' in page
    assert f'id="L{current[0]}"' in page
    assert 'href="/inbox/asks/' in page


def test_a_step_leads_to_the_line_that_asked_for_it(server: Server) -> None:
    RunService(server.place).start("processes.py#doubling", 2, run_id="doubles")
    effect = server.hosting.home.queries.tasks("doubles")[0]

    pane = text(server, f"/runs/doubles/tasks/{effect.effect_id}", **PART)

    place = re.search(r'href="/runs/doubles/source\?file=processes.py#L(\d+)">', pane)
    assert place is not None
    assert f'id="L{place[1]}"' in text(server, "/runs/doubles/source")


def test_a_line_that_no_journal_told_is_said_to_be_unknown(server: Server) -> None:
    state = read_state(server.place.store, "asks")
    (unplaced,) = standing_of(state, {})
    (placed,) = standing_of(state, {"1": "processes.py:7"})

    assert (unplaced.file, unplaced.line) == ("", 0)
    assert (placed.file, placed.line) == ("processes.py", 7)


def test_the_tasks_of_a_run_are_listed_in_the_order_in_which_they_were_asked_for(server: Server) -> None:
    listed = server.client("viewer").get(f"/api/v1/runs/{RUN_ID}/tasks").json()["tasks"]

    whole = server.client("viewer").get(f"/api/v1/runs/{RUN_ID}").json()["tasks"]
    assert listed == whole
    assert listed[0]["effectId"] == "1-build"


def test_a_run_can_be_started_again_in_the_callers_name(server: Server) -> None:
    reply = server.client("operator").post("/api/v1/runs/asks/rerun", json={})

    assert reply.status_code == 201
    assert reply.json()["requestedBy"] == "operator@example.com"
    assert reply.json()["entry"] == "processes.py#asking"
    assert reply.json()["runId"] != "asks"


def test_inputs_whose_credentials_are_lost_are_not_given_again(server: Server) -> None:
    files(server, "asks")["inputs.json"] = b'{"key":"[masked:github:0a1b2c3d]"}'

    reply = server.client("operator").post("/api/v1/runs/asks/rerun", json={})

    assert reply.json()["error"]["code"] == "refused"


def test_an_auditor_sees_what_is_proven_and_who_answered(server: Server) -> None:
    overview = text(server, "/audit", "auditor")
    answers = text(server, "/audit/approvals?rule=default", "auditor")
    none = text(server, "/audit/approvals?by=nobody", "auditor")

    assert "2 not looked at" in overview
    assert "fine, not" in answers
    assert "0 answers" in none


def test_an_export_is_the_runs_files_and_nothing_derived(server: Server) -> None:
    reply = server.client("auditor").get(f"/runs/{RUN_ID}/export")

    assert reply.headers["content-disposition"] == f'attachment; filename="{RUN_ID}.tar"'
    with tarfile.open(fileobj=io.BytesIO(reply.content)) as tar:
        names = tar.getnames()
    assert f"{RUN_ID}/journal/journal.jsonl" in names
    assert not any("/state/" in name for name in names)


def test_the_access_log_is_filtered_by_who_and_by_refusal(server: Server) -> None:
    server.client("viewer").get("/audit", headers=PAGE)
    server.client("auditor").get("/audit", headers=PAGE)

    denied = text(server, "/audit/access?denied=yes", "auditor")
    own = text(server, "/audit/access?who=auditor%40example.com", "auditor")

    assert "403 refused.role" in denied
    assert "viewer@example.com" in denied
    assert "viewer@example.com" not in own


def test_a_text_of_others_is_never_markup(server: Server) -> None:
    page = text(server, "/runs?text=%3Cscript%3Ealert(1)%3C/script%3E")

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
