"""``mcp``: serve the workspace's tools to a coding agent over standard input and output."""

import sys
from pathlib import Path

import click

from babysitter.cli.render import table
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show


@click.command(epilog="Example: claude mcp add babysitter -- babysitter mcp")
@click.option("--tools", "only_tools", is_flag=True, help="Print the tools that an agent gets, and leave.")
@json_option
@runs_dir_option
def mcp(*, only_tools: bool, as_json: bool, runs_dir: str | None) -> None:
    """Serve this workspace to a coding agent, by the Model Context Protocol on standard input and output.

    Ends when the client hangs up. No tool approves anything: people answer breakpoints, elsewhere.
    """
    if as_json and not only_tools:
        raise click.UsageError("--json needs --tools: standard output is the protocol's.")
    # The SDK takes a second to import.
    if only_tools:
        from babysitter.mcp.listing import tools_of_an_agent  # noqa: PLC0415

        tools = tools_of_an_agent()
        rows = [(tool["name"], tool["title"]) for tool in tools]
        show({"tools": tools}, as_json=as_json, text=lambda: table(rows, ("TOOL", "DOES")))
        return
    from babysitter.mcp.stdio import serve_stdio  # noqa: PLC0415

    if sys.stdin is not None and sys.stdin.isatty():
        click.echo("This speaks MCP on standard input and output: a coding agent starts it.", err=True)
    leave(serve_stdio(Path.cwd(), runs_dir=runs_dir))
