"""MCP over HTTP, with the SDK's own client on a real socket: what a token may, and what it never does."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from babysitter.testing.trusting import trust_as_it_is
from tests.integration.server.conftest import ALICE, OLIVER, PROCESSES, Site

pytestmark = [pytest.mark.promise("G19")]
T = TypeVar("T")
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
TAKES = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def session(
    site: Site,
    token: str,
    does: Callable[[Client], Awaitable[T]],
    *,
    path: str = "/mcp",
    mode: str = "auto",
) -> T:
    """Return what is done in one session of the SDK's client."""

    async def run() -> T:
        async with (
            httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60) as http,
            Client(streamable_http_client(f"{site.url}{path}", http_client=http), mode=mode) as client,
        ):
            return await does(client)

    return anyio.run(run)


def value(result: CallToolResult) -> Any:
    [content] = result.content
    assert content.type == "text"
    assert not result.is_error, content.text
    assert json.loads(content.text) == result.structured_content
    return result.structured_content


def error(result: CallToolResult) -> dict[str, str]:
    [content] = result.content
    assert content.type == "text"
    assert result.is_error
    told: dict[str, str] = json.loads(content.text)["error"]
    return told


def call(site: Site, token: str, name: str, *, path: str = "/mcp", **arguments: Any) -> CallToolResult:
    return session(site, token, lambda client: client.call_tool(name, arguments), path=path)


def posted(site: Site, headers: dict[str, str], path: str = "/mcp") -> httpx2.Response:
    return httpx2.post(f"{site.url}{path}", headers={**TAKES, **headers}, json=PING, timeout=30)


@pytest.fixture(scope="module")
def agent(site: Site) -> str:
    return site.token("agent")[0]


@pytest.fixture(scope="module")
def alice(site: Site) -> str:
    return site.token("human", "--person", ALICE)[0]


def asking(site: Site, agent: str, run_id: str) -> str:
    """Return the breakpoint that a new run waits for; the server drives it there."""
    waits = value(call(site, agent, "run_start", entry="p.py#asking", runId=run_id, drive=True, seconds=60))
    assert waits["run"]["status"] == "waiting"
    [asked] = waits["run"]["breakpoints"]
    return f"{run_id}/{asked['breakpointId']}"


@pytest.mark.promise("G14")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_agents_token_never_answers_and_a_persons_does(
    site: Site, agent: str, alice: str, mode: str
) -> None:
    run_id = f"answered-{mode}"
    which = asking(site, agent, run_id)
    before = site.journal(run_id)
    answer = {"breakpoint": which, "decision": "approve", "comment": "fine"}

    async def tries(client: Client) -> tuple[list[str], CallToolResult]:
        names = [tool.name for tool in (await client.list_tools()).tools]
        return names, await client.call_tool("breakpoint_answer", answer)

    names, refused = session(site, agent, tries, mode=mode)
    assert "breakpoint_answer" not in names
    assert error(refused)["code"] == "usage.not_found"
    assert site.journal(run_id) == before

    names, answered = session(site, alice, tries, mode=mode)
    assert "breakpoint_answer" in names
    assert value(answered)["lines"][-1]["type"] == "BREAKPOINT_RELEASED"
    [said] = [line for line in site.journal(run_id) if line["type"] == "BREAKPOINT_RESPONDED"]
    assert (said["data"]["approver"], said["data"]["method"]) == (ALICE, "token")


def test_the_server_drives_what_was_started_and_says_who_asked_for_it(site: Site, agent: str) -> None:
    ended = value(
        call(site, agent, "run_start", entry="p.py#quick", inputs={"n": 21}, runId="driven", drive=True)
    )

    assert (ended["run"]["status"], ended["run"]["output"]) == ("completed", 42)
    assert (ended["run"]["requestedBy"], ended["run"]["location"]) == ("a-agent", "")
    assert value(call(site, agent, "run_status", runId="driven"))["location"] == ""


def test_a_client_performs_a_run_that_the_server_leaves_to_it(site: Site, agent: str) -> None:
    async def performs(client: Client) -> tuple[Any, CallToolResult, Any]:
        first = value(await client.call_tool("run_start", {"entry": "p.py#handed", "runId": "by-hand"}))
        driven = await client.call_tool("run_iterate", {"runId": "by-hand", "drive": True})
        outcome = {"exitCode": 0, "stdout": "by hand", "stderr": ""}
        [effect] = first["effects"]
        await client.call_tool(
            "task_post", {"runId": "by-hand", "effectId": effect["effectId"], "value": outcome, "stdout": "o"}
        )
        return first, driven, value(await client.call_tool("run_iterate", {"runId": "by-hand"}))

    first, driven, last = session(site, agent, performs)

    assert first["run"]["status"] == "running"
    assert "performed by its client" in error(driven)["message"]
    assert last["effects"] == []
    assert (last["run"]["status"], last["run"]["output"]) == ("completed", "by hand")
    started = value(call(site, agent, "run_events", runId="by-hand"))["events"]
    assert [each["data"]["worker"] for each in started if each["type"] == "EFFECT_STARTED"] == [
        "harness:a-agent"
    ]


def test_a_run_that_is_the_servers_is_not_handed_out(site: Site, agent: str) -> None:
    asking(site, agent, "theirs")

    assert error(call(site, agent, "run_iterate", runId="theirs"))["code"] == "usage"
    assert value(call(site, agent, "run_iterate", runId="theirs", drive=True))["run"]["status"] == "waiting"


def test_a_run_that_can_not_go_on_says_why(site: Site, agent: str) -> None:
    code = site.root / "changing.py"
    code.write_text(PROCESSES, encoding="utf-8")
    trust_as_it_is(site.root, "changing.py")
    value(call(site, agent, "run_start", entry="changing.py#asking", runId="changed", drive=True))

    code.write_text(PROCESSES + "# changed\n", encoding="utf-8")

    assert "changed" in error(call(site, agent, "run_iterate", runId="changed", drive=True))["message"]


def test_a_token_that_was_revoked_is_refused_at_the_next_request(site: Site) -> None:
    token, token_id = site.token("agent")
    headers = {"authorization": f"Bearer {token}"}
    assert posted(site, headers).status_code == 200

    site.command("token", "revoke", token_id)

    refused = posted(site, headers)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "refused.credential"


def test_a_workspace_that_is_none_of_the_tokens_is_not_there(site: Site, alice: str) -> None:
    labs, shops = site.token("agent", "--workspace", "lab")[0], site.token("agent", "--workspace", "shop")[0]

    async def names(client: Client) -> list[str]:
        return [tool.name for tool in (await client.list_tools()).tools]

    for path in ("/mcp/lab", "/mcp?workspace=lab"):
        assert "run_start" in session(site, labs, names, path=path)
        assert posted(site, {"authorization": f"Bearer {shops}"}, path).status_code == 404
    for path in ("/mcp", "/mcp/shop", "/mcp/nowhere"):
        assert posted(site, {"authorization": f"Bearer {labs}"}, path).status_code == 404
    # A run of one workspace is none of the other, by whichever name it is asked for.
    asking(site, shops, "shops-run")
    assert error(call(site, labs, "run_status", path="/mcp/lab", runId="shops-run"))["code"].startswith(
        "usage"
    )
    lost = call(
        site, alice, "breakpoint_answer", path="/mcp/lab", breakpoint="shops-run/1", decision="approve"
    )
    assert error(lost)["code"].startswith("usage")


def test_scopes_and_roles_take_tools_away(site: Site) -> None:
    scoped = site.token("agent", "--scope", "run.read")[0]
    operator = site.token("human", "--person", OLIVER)[0]

    async def names(client: Client) -> set[str]:
        return {tool.name for tool in (await client.list_tools()).tools}

    assert session(site, scoped, names) == {"run_status", "run_events"}
    assert "breakpoint_answer" not in session(site, operator, names)
    assert error(call(site, scoped, "breakpoint_list"))["code"] == "usage.not_found"


def test_who_may_only_create_leaves_no_run_that_nobody_moves(site: Site) -> None:
    creates = site.token("agent", "--scope", "run.create", "--scope", "run.read")[0]

    refused = call(site, creates, "run_start", entry="p.py#handed", runId="left-behind")

    assert error(refused)["code"] == "refused.role"
    assert not (site.root / ".a5c" / "runs" / "left-behind").exists()


@pytest.mark.promise("G22")
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"host": "evil.example"}, 421, "refused.host"),
        ({"origin": "https://evil.example"}, 403, "refused.cross_site"),
        ({"origin": "null"}, 403, "refused.cross_site"),
        ({"sec-fetch-site": "cross-site"}, 403, "refused.cross_site"),
    ],
)
def test_a_page_of_elsewhere_calls_no_tool_even_with_a_token(
    site: Site, agent: str, headers: dict[str, str], status: int, code: str
) -> None:
    refused = posted(site, {"authorization": f"Bearer {agent}", **headers})

    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)


@pytest.mark.promise("G22")
def test_a_sessions_cookie_counts_for_nothing_here(site: Site, alice: str) -> None:
    cookie = {"cookie": f"__Host-babysitter={alice}"}

    assert posted(site, cookie).status_code == 403
    ours = posted(site, {**cookie, "origin": site.url})
    assert (ours.status_code, ours.json()["error"]["code"]) == (401, "refused.credential")
    assert ours.headers["www-authenticate"] == "Bearer"


def test_other_methods_and_large_bodies_are_the_gates_to_refuse(site: Site, agent: str) -> None:
    headers = {**TAKES, "authorization": f"Bearer {agent}"}
    large = json.dumps({**PING, "params": {"_meta": {"x": "y" * 1024 * 1024}}}).encode()

    assert httpx2.get(f"{site.url}/mcp", headers=headers).status_code == 405
    assert httpx2.delete(f"{site.url}/mcp", headers=headers).status_code == 405
    assert httpx2.post(f"{site.url}/mcp", headers=headers, content=large).status_code == 413
    for body in (b"{", b"\xff", b"[]", b"[" * 100_000, b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}'):
        reply = httpx2.post(f"{site.url}/mcp", headers=headers, content=body, timeout=30)
        assert reply.status_code < 500
        assert "Traceback" not in reply.text
        assert reply.headers["x-content-type-options"] == "nosniff"


def test_a_server_that_nobody_asks_so_has_not_imported_the_library() -> None:
    imports = "import sys, babysitter.cli.serve, babysitter.server.serving as serving"
    program = f"{imports}; serving.McpMount(); print('mcp' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout == "False\n"
