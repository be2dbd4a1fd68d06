"""The tools of a local agent, as they are listed, for people who want to see them."""

from typing import Any

from babysitter.mcp.interface import LocalAgent
from babysitter.mcp.tools import tools_for


def tools_of_an_agent() -> list[dict[str, Any]]:
    """Return what ``tools/list`` gives over standard input and output."""
    tools = tools_for(LocalAgent(), "")
    return [tool.listed().model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
