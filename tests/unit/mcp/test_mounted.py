"""The same server mounted over HTTP: each request is answered for the caller of that very request."""

from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from babysitter.mcp.interface import Caller, Desk
from babysitter.mcp.server import make_server
from babysitter.model import events as ev
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.mcp.callers import AGENT, WORKSPACE, Got, Token, got
from tests.unit.service.runs import create, of_type, resume, workspace

URL = "http://127.0.0.1:3185/mcp"
TOKENS = {"Bearer of-an-agent": AGENT, "Bearer of-alice": Token(person="alice")}


def by_its_token(request: Any) -> Caller:
    return TOKENS[request.headers["authorization"]]


async def as_each(place: FakeWorkspace, mode: str) -> tuple[list[str], Got, list[str], Got]:
    """Return what an agent and a person see and get, with the two sessions open beside each other."""
    server = make_server(Desk(name=WORKSPACE, open=lambda _caller: place), by_its_token)
    app = server.streamable_http_app()
    answer = {"breakpoint": "r/1", "decision": "approve"}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), headers={"authorization": "Bearer of-an-agent"}
        ) as one,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), headers={"authorization": "Bearer of-alice"}
        ) as other,
        Client(streamable_http_client(URL, http_client=one), mode=mode) as agent,
        Client(streamable_http_client(URL, http_client=other), mode=mode) as person,
    ):
        return (
            [tool.name for tool in (await agent.list_tools()).tools],
            got(await agent.call_tool("breakpoint_answer", answer)),
            [tool.name for tool in (await person.list_tools()).tools],
            got(await person.call_tool("breakpoint_answer", answer)),
        )


def test_a_persons_token_answers_and_an_agents_beside_it_does_not() -> None:
    for mode in ("auto", "legacy"):
        place = workspace()
        create(place, "asking", None)
        resume(place)

        agents, refused, persons, answered = anyio.run(as_each, place, mode)

        assert "breakpoint_answer" not in agents
        assert refused.error is not None
        assert refused.error["code"] == "usage.not_found"
        assert "breakpoint_answer" in persons
        assert answered.value["decision"] == "approve"
        assert [said.approver for said in of_type(place, ev.BreakpointResponded)] == ["alice"]
