"""Where the gate hands on to the Model Context Protocol: what is noted, and what one caller may have open."""

import json
from pathlib import Path

import anyio
import pytest
from starlette.types import Message

from babysitter.model.errors import RateError
from babysitter.model.lines import Chain
from babysitter.server.exchange import Asked
from babysitter.server.mcp_mount import PER_CALLER_MAX, McpMount
from tests.unit.server.served import HERE, Server, caller

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
TAKES = {"accept": "application/json, text/event-stream"}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.promise("G21")
def test_each_request_is_a_line_of_the_access_log(server: Server) -> None:
    server.client("agent").post("/mcp", json=PING, headers=TAKES)
    server.client().post("/mcp", json=PING, headers=TAKES)
    server.client("viewer").post(f"/mcp/{HERE}", json=PING, headers=TAKES)

    lines = [json.loads(record.data) for record in Chain().read(server.access_lines())]

    assert [(line["route"], line.get("who", ""), line["status"]) for line in lines] == [
        ("mcp", "agent@example.com", 200),
        ("mcp", "", 401),
        ("mcp.workspace", "viewer@example.com", 200),
    ]
    assert lines[2]["workspace"] == HERE


@pytest.mark.promise("G22")
def test_a_sessions_cookie_is_no_credential_here(server: Server) -> None:
    headers = {**TAKES, "origin": "http://localhost:3185", "sec-fetch-site": "same-origin"}

    assert server.client(cookie="viewer").post("/mcp", json=PING, headers=headers).status_code == 401
    assert server.client("viewer").post("/mcp", json=PING, headers=headers).status_code == 200


def asked(server: Server, path: str) -> Asked:
    return Asked(
        hosting=server.hosting,
        entrance=server.premises.entrance,
        caller=caller("agent"),
        method="POST",
        path=path,
        params={},
        query={},
        headers={},
        cookies={},
        body=json.dumps(PING).encode(),
        address="127.0.0.1",
    )


class _Held:
    """Stands for the library: holds every request until it is let go of."""

    def __init__(self) -> None:
        self.go = anyio.Event()

    async def answer(self, *_: object) -> None:
        await self.go.wait()
        raise RuntimeError("what nobody is told")


@pytest.mark.promise("G19")
def test_one_caller_has_only_so_many_calls_open_and_a_defect_is_told_without_its_text(server: Server) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def several() -> None:
        mount, held = McpMount(), _Held()
        mount._over_http = held  # type: ignore[assignment]  # in place of the library
        scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": []}
        async with anyio.create_task_group() as group:
            for _ in range(PER_CALLER_MAX):
                group.start_soon(mount.run, scope, receive, send, asked(server, "/mcp"))
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(RateError):
                await mount.run(scope, receive, send, asked(server, "/mcp"))
            held.go.set()
        # All have ended: there is room again.
        await mount.run(scope, receive, send, asked(server, "/mcp"))

    anyio.run(several)

    starts = [message["status"] for message in sent if message["type"] == "http.response.start"]
    assert starts == [500] * (PER_CALLER_MAX + 1)
    assert b"what nobody" not in b"".join(message.get("body", b"") for message in sent)
