"""A server as an operator starts it: a process of its own, two workspaces, a socket, and tokens."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from babysitter.testing.trusting import trust_as_it_is

ALICE, OLIVER = "alice@example.com", "oliver@example.com"
SETTINGS = f"""
[workspace]
id = "shop"
[access]
approvers = ["{ALICE}"]
operators = ["{OLIVER}"]
[server]
workspaces = ["lab"]
[[auto_approve]]
id = "habit"
tags = ["low-risk"]
"""
OTHERS_SETTINGS = f"""
[workspace]
id = "lab"
[access]
approvers = ["{ALICE}"]
"""
PROCESSES = """\
from babysitter import Context, process, shell_task, task


@task(inline=True)
def double(n: int) -> int:
    return 2 * n


@shell_task
def by_hand(text: str) -> list[str]:
    return ["printf", "%s", text]


@process
async def quick(inputs: dict[str, int], ctx: Context) -> int:
    return await ctx.task(double, inputs["n"])


@process
async def handed(ctx: Context) -> str:
    return (await ctx.task(by_hand, "hi")).stdout


@process
async def asking(ctx: Context) -> bool:
    return (await ctx.breakpoint("Go on?", "Going on")).approved
"""


@dataclass(frozen=True)
class Site:
    """A server that runs. ``root``: its home workspace."""

    root: Path
    url: str

    def command(self, *words: str) -> Any:
        """Return what a command of the account prints as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "babysitter", *words, "--json"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return json.loads(done.stdout)

    def token(self, kind: str, *words: str) -> tuple[str, str]:
        """Return a new token and its id."""
        made = self.command("token", "create", "--kind", kind, "--name", f"a-{kind}", *words)
        return made["text"], made["token"]["id"]

    def journal(self, run_id: str) -> list[dict[str, Any]]:
        """Return the lines of a run of the home workspace."""
        path = self.root / ".a5c" / "runs" / run_id / "journal" / "journal.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site") / "shop"
    for folder, settings in ((root, SETTINGS), (root / "lab", OTHERS_SETTINGS)):
        folder.mkdir()
        (folder / "babysitter.toml").write_text(settings, encoding="utf-8")
        (folder / "p.py").write_text(PROCESSES, encoding="utf-8")
        trust_as_it_is(folder, "p.py")
    server = subprocess.Popen(
        [sys.executable, "-m", "babysitter", "serve", "--port", "0", "--json"],
        cwd=root,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield Site(root=root, url=json.loads(server.stdout.readline())["url"])
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        server.stdout.close()
