"""``babysitter serve`` as a process of its own, in a workspace with a process that people trusted."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from babysitter.service.access.opening import local_tokens
from babysitter.service.access.tokens import TokenWish
from babysitter.service.wiring import open_workspace
from babysitter.testing.trusting import trust_as_it_is

PROCESS = '''\
"""Counts, asks, counts again: every step leaves a trace outside, so that a repeat would show."""

from pathlib import Path

from babysitter import Context, process, task


@task(inline=True)
def leave_trace(place: str, word: str) -> None:
    with Path(place).open("a", encoding="utf-8") as file:
        file.write(word + "\\n")


@process
async def counting(inputs: dict, ctx: Context) -> str:
    for number in range(inputs["steps"]):
        await ctx.task(leave_trace, place=inputs["trace"], word=str(number))
        await ctx.sleep(0.01)
    review = await ctx.breakpoint("Go on?", title="Go on")
    await ctx.task(leave_trace, place=inputs["trace"], word="released")
    return review.feedback or "no word"
'''
SETTINGS = """\
[workspace]
id = "shop"
[sandbox]
mode = "none"
"""
SERVE = [sys.executable, "-m", "babysitter", "serve", "--port", "0", "--json"]
START_S_MAX = 60


def made(root: Path, settings: str = SETTINGS) -> Path:
    """Return a workspace with a trusted process."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "babysitter.toml").write_text(settings, encoding="utf-8")
    (root / "flow.py").write_text(PROCESS, encoding="utf-8")
    trust_as_it_is(root, "flow.py")
    return root


def token(root: Path, kind: str, *, person: str = "") -> str:
    """Return a new token of a workspace's server."""
    return local_tokens(open_workspace(root)).create(TokenWish(kind=kind, name=kind, person=person)).text


def account() -> str:
    """Return the account that runs the tests, which holds every role where the settings name nobody."""
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


@contextmanager
def serving(root: Path, *more: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Give a server's URL and its process."""
    with subprocess.Popen(
        [*SERVE, *more], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            ready, _, _ = select.select([child.stdout], [], [], START_S_MAX)
            line = child.stdout.readline() if ready else ""
            assert line, f"the server did not start: {child.stderr.read() if child.poll() else 'too slow'}"
            yield str(_read(line)["url"]), child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            child.wait(60)


def client(url: str, with_token: str) -> httpx2.Client:
    """Return a client of the server."""
    return httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {with_token}"}, timeout=30)


def _read(line: str) -> dict[str, Any]:
    import json

    found: dict[str, Any] = json.loads(line)
    return found
