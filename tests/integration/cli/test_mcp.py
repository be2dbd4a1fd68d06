"""``babysitter mcp`` over real standard input and output: with the SDK's own client, and byte by byte."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult

from babysitter.mcp.tools import TOOLS
from tests.integration.cli.conftest import Shell

T = TypeVar("T")
PROCESSES = '''\
"""Prints wherever it can: none of it may reach the protocol."""

import os

from babysitter import Context, process, shell_task, task

print("noise of an import")
os.write(1, b"noise of a descriptor\\n")


@shell_task
def speak(text: str) -> list[str]:
    return ["printf", "%b", text]


@task(inline=True)
def loud(n: int) -> int:
    print("noise of a task")
    return n + 1


@process
async def work(inputs: dict[str, str], ctx: Context) -> list[object]:
    print("noise of a process")
    said = await ctx.task(speak, inputs["text"])
    number = await ctx.task(loud, 1)
    review = await ctx.breakpoint("Good?", "Check")
    return [said.stdout, number, review.approved, list(review.responded_by)]


@shell_task
def nap() -> list[str]:
    return ["sh", "-c", "echo napping; sleep 60"]


@process
async def sleepy(ctx: Context) -> None:
    await ctx.task(nap)
'''


@pytest.fixture
def loud(shell: Shell) -> Shell:
    """A workspace whose process prints at every opportunity."""
    (shell.root / "loud.py").write_text(PROCESSES, encoding="utf-8")
    shell.trust("loud.py")
    return shell


def session(shell: Shell, does: Callable[[Client], Awaitable[T]], *, mode: str = "auto") -> T:
    """Return what is done in one session of the SDK's client with the program."""
    words = ["-m", "babysitter", "mcp"]
    started = StdioServerParameters(command=sys.executable, args=words, cwd=shell.root, env=shell.environment)

    async def run() -> T:
        with open(os.devnull, "w") as nowhere:  # noqa: ASYNC230, PTH123 (a sink)
            async with Client(stdio_client(started, errlog=nowhere), mode=mode) as client:
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


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_agent_performs_a_run_and_a_person_answers_in_between(loud: Shell, mode: str) -> None:
    """Both eras of the protocol: most clients of today speak the older one."""

    async def agent(client: Client) -> Any:
        first = value(
            await client.call_tool(
                "run_start", {"entry": "loud.py#work", "inputs": {"text": "hi"}, "runId": "r"}
            )
        )
        while first["effects"]:
            for effect in first["effects"]:
                outcome = {"exitCode": 0, "stdout": "hi", "stderr": ""} if effect["kind"] == "shell" else 2
                arguments = {"runId": "r", "effectId": effect["effectId"], "value": outcome}
                value(await client.call_tool("task_post", {**arguments, "stdout": "hi"}))
            first = value(await client.call_tool("run_iterate", {"runId": "r"}))
        assert first["run"]["status"] == "waiting"
        [asked] = value(await client.call_tool("breakpoint_list", {}))["breakpoints"]
        refused = await client.call_tool(
            "breakpoint_answer", {"breakpoint": f"r/{asked['breakpointId']}", "decision": "approve"}
        )
        assert error(refused)["code"] == "usage.not_found"
        approved = await anyio.to_thread.run_sync(loud, "approve", f"r/{asked['breakpointId']}")
        assert approved.returncode == 0, approved.stderr
        return value(await client.call_tool("run_iterate", {"runId": "r"}))

    ended = session(loud, agent, mode=mode)

    assert ended["run"]["status"] == "completed"
    assert ended["run"]["output"][:3] == ["hi", 2, True]
    assert loud("journal", "verify", "--all").returncode == 0
    assert loud.journal("r").count("BREAKPOINT_RESPONDED") == 1


def test_a_drive_performs_tells_progress_and_goes_on_after_the_answer(loud: Shell) -> None:
    told: list[tuple[float, str | None]] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        del total
        told.append((progress, message))

    async def agent(client: Client) -> Any:
        arguments = {"entry": "loud.py#work", "inputs": {"text": "hi"}, "runId": "r", "drive": True}
        waits = value(await client.call_tool("run_start", arguments, progress_callback=progress))
        assert waits["run"]["status"] == "waiting"
        assert (await anyio.to_thread.run_sync(loud, "approve", "r")).returncode == 0
        return value(await client.call_tool("run_iterate", {"runId": "r", "drive": True}))

    ended = session(loud, agent)

    assert ended["run"]["output"][:3] == ["hi", 2, True]
    assert told
    assert [now for now, _ in told] == sorted({now for now, _ in told})
    assert loud("journal", "verify", "--all").returncode == 0


def test_results_and_errors_are_those_of_json(loud: Shell) -> None:
    """One object, whichever face gives it."""
    loud("start", "loud.py#work", "--input", "text=hi", "--run-id", "r")
    same: list[tuple[str, dict[str, Any], list[str]]] = [
        ("run_status", {"runId": "r"}, ["run", "status", "r"]),
        ("task_list", {"runId": "r"}, ["task", "list", "r"]),
        ("task_show", {"runId": "r", "effectId": "1-speak"}, ["task", "show", "r", "1-speak"]),
        ("breakpoint_list", {}, ["inbox"]),
        ("breakpoint_list", {"runId": "r"}, ["breakpoint", "list", "r"]),
        ("breakpoint_show", {"breakpoint": "r/3"}, ["breakpoint", "show", "r/3"]),
        ("journal_verify", {}, ["journal", "verify", "--all"]),
        ("scan", {"paths": ["p.py"]}, ["scan", "p.py"]),
        ("policy_explain", {"breakpoint": "r/3"}, ["policy", "explain", "r/3"]),
        ("policy_explain", {"task": "speak"}, ["policy", "explain", "--task", "speak"]),
        ("run_status", {"runId": "gone"}, ["run", "status", "gone"]),
        ("task_show", {"runId": "r", "effectId": "9"}, ["task", "show", "r", "9"]),
        ("run_start", {"entry": "loud.py#gone"}, ["run", "create", "loud.py#gone"]),
        ("run_start", {"entry": "p.py#ask", "runId": "r"}, ["run", "create", "p.py#ask", "--run-id", "r"]),
        ("policy_explain", {"breakpoint": "r/9"}, ["policy", "explain", "r/9"]),
    ]  # fmt: skip

    async def ask(client: Client) -> list[Any]:
        results = [await client.call_tool(name, arguments) for name, arguments, _ in same]
        return [json.loads(getattr(result.content[0], "text", "")) for result in results]

    answers = session(loud, ask)

    for (name, _, words), answer in zip(same, answers, strict=True):
        # The last line: a command lets what a process prints through to its terminal.
        assert json.loads(loud(*words, "--json").stdout.splitlines()[-1]) == answer, name


def test_a_long_call_keeps_no_other_one_waiting_and_leaving_lets_go_of_the_run(loud: Shell) -> None:
    async def agent(client: Client) -> Any:
        async with anyio.create_task_group() as group:
            arguments = {"entry": "loud.py#sleepy", "runId": "r", "drive": True, "seconds": 300}
            group.start_soon(client.call_tool, "run_start", arguments)
            while "EFFECT_STARTED" not in str(await client.call_tool("run_events", {"runId": "r"})):
                await anyio.lowlevel.checkpoint()
            meanwhile = value(await client.call_tool("run_status", {"runId": "r"}))
            again = await client.call_tool("run_iterate", {"runId": "r"})
            soon = value(await client.call_tool("run_iterate", {"runId": "r", "drive": True, "seconds": 1}))
            group.cancel_scope.cancel()
        return meanwhile, error(again), soon

    meanwhile, again, soon = session(loud, agent)

    assert meanwhile["heldBy"] is not None
    assert again["code"] == "refused.locked"
    assert (soon["run"]["status"], soon["effects"]) == ("running", [])
    assert was_cut_off(loud)


def was_cut_off(shell: Shell) -> bool:
    """Tell whether the sleeping run was let go of before it was done, and verifies."""
    now = json.loads(shell("run", "status", "r", "--json").stdout)
    assert (now["heldBy"], now["done"]) == (None, 0), now
    return shell("journal", "verify", "--all").returncode == 0


def start(shell: Shell) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "babysitter", "mcp"],
        cwd=shell.root,
        env=shell.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def request(number: int, method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


HELLO = (
    request(
        0,
        "initialize",
        protocolVersion="2025-06-18",
        capabilities={"elicitation": {}, "sampling": {}},
        clientInfo={"name": "t", "version": "1"},
    )
    + b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
)


def answers(program: "subprocess.Popen[bytes]", sent: bytes, until: int) -> dict[Any, Any]:
    """Send, and return the answers by their ids once that one has come. All that is read must be protocol."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(sent)
    program.stdin.flush()
    found: dict[Any, Any] = {}
    while until not in found:
        line = program.stdout.readline()
        assert line, program.stderr.read() if program.stderr else ""
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        found[message.get("id")] = message
    return found


def ended(program: "subprocess.Popen[bytes]") -> tuple[int, bytes, str]:
    out, err = program.communicate(timeout=60)
    return program.returncode, out, err.decode()


def test_a_client_that_hangs_up_ends_it_with_0_and_nothing_but_protocol_was_said(loud: Shell) -> None:
    with start(loud) as program:
        call_ = {"name": "run_start", "arguments": {"entry": "loud.py#work", "inputs": {"text": "a"}}}
        call_["arguments"] |= {"drive": True}  # type: ignore[operator]
        found = answers(program, HELLO + request(1, "tools/call", **call_), 1)
        status, rest, told = ended(program)

    assert found[1]["result"]["structuredContent"]["run"]["status"] == "waiting"
    assert (status, rest) == (0, b"")
    assert "noise of a process" in told
    assert "noise of a descriptor" in told
    assert "Traceback" not in told


def test_nothing_is_asked_of_the_client_that_it_could_take_for_an_approval(loud: Shell) -> None:
    """A client that offers elicitation and sampling gets neither: it could accept by itself."""
    with start(loud) as program:
        call_ = {"name": "run_start", "arguments": {"entry": "loud.py#work", "inputs": {"text": "a"}}}
        found = answers(program, HELLO + request(1, "tools/list") + request(2, "tools/call", **call_), 2)
        ended(program)

    assert not [message for message in found.values() if "method" in message]
    names = [tool["name"] for tool in found[1]["result"]["tools"]]
    assert names == [tool.name for tool in TOOLS if tool.name != "breakpoint_answer"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_lets_go_of_the_run(loud: Shell, number: int) -> None:
    with start(loud) as program:
        drive = {"entry": "loud.py#sleepy", "runId": "r", "drive": True, "seconds": 1}
        answers(program, HELLO + request(1, "tools/call", name="run_start", arguments=drive), 1)
        assert json.loads(loud("run", "status", "r", "--json").stdout)["heldBy"] is not None
        program.send_signal(number)
        status, _, told = ended(program)

    assert status == 128 + number
    assert "Traceback" not in told
    assert was_cut_off(loud)


def test_a_signal_ends_it_while_the_client_is_silent(shell: Shell) -> None:
    with start(shell) as program:
        answers(program, HELLO, 0)
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=30) == 128 + signal.SIGTERM


def test_a_client_that_cancels_has_the_driver_leave(loud: Shell) -> None:
    drive = {"entry": "loud.py#sleepy", "runId": "r", "drive": True, "seconds": 300}
    look = {"name": "run_status", "arguments": {"runId": "r"}}
    with start(loud) as program:
        answers(
            program,
            HELLO + request(1, "tools/call", name="run_start", arguments=drive) + request(2, "ping"),
            2,
        )
        number, held = 2, None
        while held is None:
            number += 1
            now = answers(program, request(number, "tools/call", **look), number)[number]["result"]
            held = None if now.get("isError") else now["structuredContent"]["heldBy"]
        assert program.stdin is not None
        program.stdin.write(
            b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n'
        )
        while held is not None:
            number += 1
            held = answers(program, request(number, "tools/call", **look), number)[number]["result"][
                "structuredContent"
            ]["heldBy"]
        status, _, _ = ended(program)

    assert status == 0
    assert was_cut_off(loud)


def test_rubbish_is_passed_over_and_the_session_goes_on(shell: Shell) -> None:
    deep = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":' + b"[" * 20000 + b"]" * 20000 + b"}\n"
    nested: Any = 1
    for _ in range(150):
        nested = {"a": nested}
    rubbish = [
        b"\n\n", b"not json\n", b"{}\n", b"[]\n", b'"\xff\xfe"\n', b"\x00\n", deep,
        b'{"jsonrpc":"2.0","id":8,"method":"no/such","params":{}}\n',
        b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":5}}\n',
        request(10, "tools/call", name="run_start", arguments={"entry": "p.py", "inputs": nested}),
        b'{"jsonrpc":"2.0","id":11,"method":"tools/call","params":{"name":"scan","arguments":{"x":NaN}}}\n',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"nothing"}}\n',
    ]  # fmt: skip
    with start(shell) as program:
        found = answers(program, HELLO + b"".join(rubbish) + request(99, "ping"), 99)
        status, _, told = ended(program)

    assert "error" in found[8]
    assert "error" in found[9]
    for number in (10, 11):
        if number in found:
            assert "error" in found[number] or found[number]["result"]["isError"]
    assert status == 0
    assert "Traceback" not in told


def test_the_tools_can_be_looked_at_without_a_client(shell: Shell) -> None:
    listed = json.loads(shell("mcp", "--tools", "--json").stdout)["tools"]

    assert [tool["name"] for tool in listed] == [t.name for t in TOOLS if t.name != "breakpoint_answer"]
    assert all(tool["inputSchema"]["type"] == "object" for tool in listed)
    assert "run_start" in shell("mcp", "--tools").stdout
    assert shell("mcp", "--json").returncode == 2


def test_wrong_settings_are_told_on_standard_error(shell: Shell) -> None:
    (shell.root / "babysitter.toml").write_text("nonsense = 1\n", encoding="utf-8")

    ended_ = shell("mcp")

    assert (ended_.returncode, ended_.stdout) == (2, "")
    assert "nonsense" in ended_.stderr


def test_no_other_command_pays_for_the_library(shell: Shell) -> None:
    shell("start", "p.py#quick", "--input", "n=1", "--run-id", "r")
    for words in (["run", "status", "r"], ["mcp", "--help"], ["start", "p.py#quick", "--input", "n=1"]):
        code = (
            f"import sys; sys.argv=['babysitter',*{words!r}]\n"
            "from babysitter.cli.root import run\n"
            "run(sys.argv[1:])\n"
            "print(*sorted(sys.modules))\n"
        )
        loaded = set(shell.sh(f'{sys.executable} -c "{code}"').stdout.splitlines()[-1].split())

        assert "babysitter.cli.root" in loaded
        assert not loaded & {"mcp", "mcp_types", "pydantic", "anyio", "starlette"}
