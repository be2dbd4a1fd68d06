"""A workspace of two small processes, and the program as a person calls it there."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from babysitter.testing.trusting import trust_as_it_is
from tests.integration.cli.terminal import Terminal

PROCESSES = '''\
"""Processes for the tests of the command line."""

import json

from babysitter import Context, Program, Sandbox, Secret, process, secret, shell_task, task


@task(inline=True)
def double(n: int) -> int:
    return 2 * n


@shell_task
def speak(text: str) -> list[str]:
    return ["printf", "%b", text]


@shell_task
def leak(token: Secret) -> Program:
    return Program(["sh", "-c", 'echo "the token is $T; good bye"'], env={"T": token})


@shell_task
def nap() -> list[str]:
    return ["sh", "-c", "echo napping; sleep 30"]


@process
async def quick(inputs: dict[str, int], ctx: Context) -> int:
    return await ctx.task(double, inputs["n"])


@process
async def fail(ctx: Context) -> None:
    raise ValueError("no\\x1b[31m good")


@process
async def ask(ctx: Context) -> dict[str, object]:
    review = await ctx.breakpoint(
        question="Deploy with production credentials?",
        title="Production Deployment",
        context={"environment": "production", "critical": True},
    )
    return {"approved": review.approved, "feedback": review.feedback, "by": list(review.responded_by)}


@process
async def say(inputs: dict[str, str], ctx: Context) -> str:
    return (await ctx.task(speak, inputs["text"])).stdout


@process
async def spill(ctx: Context) -> str:
    return (await ctx.task(leak, secret("env:SPILL_TOKEN"))).stdout


@process
async def sleepy(ctx: Context) -> None:
    await ctx.task(nap)
'''

Ended = subprocess.CompletedProcess[str]


class Shell:
    """Runs ``babysitter`` in a workspace: its standard input is no terminal, its output is piped."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self.environment = dict(environment)

    def __call__(self, *words: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Ended:
        return subprocess.run(
            [sys.executable, "-m", "babysitter", *words],
            cwd=self.root,
            env={**self.environment, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def sh(self, script: str) -> Ended:
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def trust(self, *entries: str) -> None:
        """Trust processes as their files are now."""
        trust_as_it_is(self.root, *entries)

    def journal(self, run_id: str) -> str:
        return (self.root / ".a5c" / "runs" / run_id / "journal" / "journal.jsonl").read_text("utf-8")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A small environment. Bytecode is kept for the session: each command would compile us anew without."""
    bin_ = Path(sys.executable).parent
    return {
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path_factory.mktemp("home")),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
        "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode")),
    }


@pytest.fixture
def shell(tmp_path: Path, environment: dict[str, str]) -> Shell:
    """A fresh workspace."""
    root = tmp_path / "ws"
    root.mkdir()
    (root / "babysitter.toml").write_text("", encoding="utf-8")
    (root / "p.py").write_text(PROCESSES, encoding="utf-8")
    trust_as_it_is(root, "p.py")
    return Shell(root, environment)


@pytest.fixture
def terminal(shell: Shell) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals in the workspace, 80 columns wide, and closes them at the end."""
    opened: list[Terminal] = []

    def open_(*words: str, env: Mapping[str, str] | None = None) -> Terminal:
        argv = [sys.executable, "-m", "babysitter", *words]
        opened.append(Terminal(argv, shell.root, {**shell.environment, **(env or {})}))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()
