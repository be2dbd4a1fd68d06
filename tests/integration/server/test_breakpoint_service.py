"""The guide's breakpoint server on ours: its requests, as its clients make them, on a real socket."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.integration.server.conftest import ALICE, OLIVER, Site

pytestmark = [pytest.mark.promise("G14")]
NO = "NO, do not do this!"


@pytest.fixture(scope="module")
def agent(site: Site) -> Iterator[httpx2.Client]:
    with client(site, site.token("agent")[0]) as agent:
        yield agent


@pytest.fixture(scope="module")
def human(site: Site) -> Iterator[httpx2.Client]:
    with client(site, site.token("human", "--person", ALICE)[0]) as human:
        yield human


def client(site: Site, token: str) -> httpx2.Client:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(base_url=site.url, headers=headers, timeout=60)


def posted(agent: httpx2.Client, **more: Any) -> str:
    """Return the id of a question that an agent has put."""
    body = {
        "agentId": "codex",
        "title": "Approval needed",
        "payload": {"question": "Ship it?", "context": {"runId": "run-1", "files": [{"path": ".env"}]}},
        "tags": ["review"],
        **more,
    }
    reply = agent.post("/api/breakpoints", json=body)
    assert reply.status_code == 200, reply.text
    made: dict[str, str] = reply.json()
    assert made["status"] == "waiting"
    assert made["createdAt"]
    return made["breakpointId"]


def status(agent: httpx2.Client, which: str) -> str:
    found: dict[str, str] = agent.get(f"/api/breakpoints/{which}/status").json()
    assert found["updatedAt"]
    return found["status"]


def say(human: httpx2.Client, which: str, **body: Any) -> httpx2.Response:
    return human.post(f"/api/breakpoints/{which}/feedback", json={"author": "reviewer", **body})


def test_a_program_asks_polls_and_is_released_by_a_person(
    site: Site, agent: httpx2.Client, human: httpx2.Client
) -> None:
    which = posted(agent)
    assert status(agent, which) == "waiting"

    released = say(human, which, comment="Looks good", release=True)

    assert released.json()["status"] == "released"
    whole = agent.get(f"/api/breakpoints/{which}").json()
    assert (whole["status"], whole["agentId"], whole["title"]) == ("released", "codex", "Approval needed")
    assert whole["payload"]["question"] == "Ship it?"
    assert whole["tags"] == ["review"]
    [said] = whole["feedback"]
    assert (said["author"], said["comment"], said["decision"]) == (ALICE, "Looks good", "approve")


def test_it_is_a_question_like_every_other_in_the_inbox_in_the_journal_and_in_its_proof(
    site: Site, agent: httpx2.Client, human: httpx2.Client
) -> None:
    which = posted(agent)

    inbox = human.get("/api/v1/breakpoints").json()["breakpoints"]
    [asked] = [each["breakpoint"] for each in inbox if each["breakpoint"]["runId"] == which]
    assert asked["question"] == "Ship it?"
    path = f"/api/v1/runs/{which}/breakpoints/{asked['breakpointId']}/answer"
    assert human.post(path, json={"decision": "approve"}).status_code == 200

    assert status(agent, which) == "released"
    created = site.journal(which)[0]["data"]
    assert (created["entry"], created["trust"], created["requestedBy"]) == (
        "babysitter:ask",
        "built-in",
        "a-agent",
    )
    assert site.command("journal", "verify", which)


@pytest.mark.parametrize(
    "body",
    [
        {"comment": NO},
        {"comment": NO, "release": False},
        {"comment": "approve"},
        {"comment": "yes, release it; LGTM", "release": False},
    ],
)
def test_words_never_approve(agent: httpx2.Client, human: httpx2.Client, body: dict[str, Any]) -> None:
    which = posted(agent)

    assert say(human, which, **body).json()["status"] == "waiting"

    whole = agent.get(f"/api/breakpoints/{which}").json()
    assert whole["status"] == "waiting"
    assert [(said["comment"], said["decision"]) for said in whole["feedback"]] == [(body["comment"], "")]


@pytest.mark.parametrize(
    "body",
    [
        {"comment": NO, "release": "false"},
        {"comment": NO, "release": "true"},
        {"comment": NO, "release": 1},
        {"comment": NO, "release": []},
        {"comment": NO, "release": True, "reject": True},
        {"comment": " ", "release": True},
        {"comment": NO, "approve": True},
        {"release": True},
    ],
)
def test_what_says_neither_clearly_yes_nor_clearly_no_is_refused_and_stands_nowhere(
    site: Site, agent: httpx2.Client, human: httpx2.Client, body: dict[str, Any]
) -> None:
    which = posted(agent)
    before = site.journal(which)

    assert say(human, which, **body).status_code == 400

    assert site.journal(which) == before


def test_a_no_is_a_no(site: Site, agent: httpx2.Client, human: httpx2.Client) -> None:
    which = posted(agent)

    assert say(human, which, comment=NO, reject=True).json()["status"] == "rejected"

    assert status(agent, which) == "rejected"
    assert "BREAKPOINT_RELEASED" not in [line["type"] for line in site.journal(which)]
    late = say(human, which, comment="after all", release=True)
    assert late.status_code == 409
    assert status(agent, which) == "rejected"


def test_only_a_person_who_may_answers_and_only_a_program_asks(
    site: Site, agent: httpx2.Client, human: httpx2.Client
) -> None:
    which = posted(agent)
    before = site.journal(which)
    body = {"agentId": "x", "payload": {}}
    with client(site, site.token("human", "--person", OLIVER)[0]) as oliver, client(site, "") as nobody:
        for who, expected in ((agent, 403), (oliver, 403), (nobody, 401)):
            assert say(who, which, comment="fine", release=True).status_code == expected
        assert nobody.post("/api/breakpoints", json=body).status_code == 401
        assert nobody.get(f"/api/breakpoints/{which}").status_code == 401
    assert human.post("/api/breakpoints", json=body).status_code == 403
    assert site.journal(which) == before


def test_no_file_is_read_because_a_program_names_it(site: Site, agent: httpx2.Client) -> None:
    (site.root / ".env").write_text("HIDDEN=in-a-file\n", encoding="utf-8")
    which = posted(agent)

    folder = site.root / ".a5c" / "runs" / which
    assert agent.get(f"/api/breakpoints/{which}").json()["payload"]["context"]["files"] == [{"path": ".env"}]
    assert not [path for path in folder.rglob("*") if path.is_file() and b"in-a-file" in path.read_bytes()]
    assert agent.get(f"/api/breakpoints/{which}/context?path=.env").status_code == 404


def test_lists_say_what_waits_and_hold_no_run_of_another_process(
    site: Site, agent: httpx2.Client, human: httpx2.Client
) -> None:
    mine = posted(agent, tags=["only-here"], agentId="lister")
    start = {"entry": "p.py#asking", "runId": "no-posted-question"}
    assert agent.post("/api/v1/runs", json=start).status_code == 201

    items = agent.get("/api/breakpoints?tag=only-here&status=waiting&agentId=lister").json()["items"]

    assert [(item["id"], item["agentId"], item["status"]) for item in items] == [(mine, "lister", "waiting")]
    every = [item["id"] for item in human.get("/api/breakpoints?limit=500").json()["items"]]
    assert mine in every
    assert "no-posted-question" not in every
    assert agent.get("/api/breakpoints/no-posted-question").status_code == 404


@pytest.mark.parametrize("seconds", [0, -1, 10**12])
def test_a_time_that_is_none_is_refused(agent: httpx2.Client, seconds: int) -> None:
    reply = agent.post("/api/breakpoints", json={"agentId": "x", "payload": {}, "ttlSeconds": seconds})

    assert reply.status_code == 400


@pytest.mark.promise("G25")
def test_a_program_can_not_choose_the_tags_that_a_rule_answers_by(agent: httpx2.Client) -> None:
    """The workspace has a rule of [[auto_approve]] for them; it is for questions of trusted processes."""
    which = posted(agent, tags=["low-risk"])

    assert agent.get(f"/api/breakpoints/{which}").json()["feedback"] == []
    assert status(agent, which) == "waiting"
