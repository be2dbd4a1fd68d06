"""Callers, and the SDK's own client on a server of a fake workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import msgspec
from mcp import Client
from mcp_types import CallToolResult, Tool

from babysitter.mcp.interface import Caller, Desk
from babysitter.mcp.server import make_server
from babysitter.testing.workspace import FakeWorkspace

WORKSPACE = "shop"


@dataclass(frozen=True)
class Token:
    """See Caller. may_do: every action it was given; None: each there is."""

    person: str | None = None
    may_do: frozenset[str] | None = None

    def may(self, action: str, workspace: str) -> bool:
        """See Caller."""
        return workspace == WORKSPACE and (self.may_do is None or action in self.may_do)


AGENT = Token()
"""The worst case: a program's token to which everything was granted, answering too."""


@dataclass(frozen=True)
class Got:
    """What a call gave: ``value`` of a result, or the ``error`` of one that says no."""

    value: Any = None
    error: Mapping[str, Any] | None = None


def call(place: FakeWorkspace, caller: Caller, name: str, **arguments: Any) -> Got:
    """Call one tool and return what it gave."""
    return calls(place, caller, [(name, arguments)])[0]


def calls(place: FakeWorkspace, caller: Caller, wanted: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Got]:
    """Call tools one after another, in one session."""

    async def session() -> list[Got]:
        async with Client(server_for(place, caller)) as client:
            return [got(await client.call_tool(name, dict(arguments))) for name, arguments in wanted]

    return anyio.run(session)


def listed(place: FakeWorkspace, caller: Caller) -> dict[str, Tool]:
    """Return the tools that a caller sees, by name."""

    async def session() -> dict[str, Tool]:
        async with Client(server_for(place, caller)) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    return anyio.run(session)


def server_for(place: FakeWorkspace, caller: Caller) -> Any:
    """Return a server that takes whoever calls for this caller."""
    return make_server(Desk(name=WORKSPACE, open=lambda _caller: place), lambda _request: caller)


def got(result: CallToolResult) -> Got:
    """Return what a result says; its text and its structured content must say the same."""
    [content] = result.content
    assert content.type == "text"
    value = msgspec.json.decode(content.text)
    if result.is_error:
        assert result.structured_content is None, "clients would hold it against the output schema"
        return Got(error=value["error"])
    assert value == result.structured_content
    return Got(value=value)
