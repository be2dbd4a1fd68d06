"""What process code can't reach without ctx, what it may, and that swallowing the error is no way out."""

# ruff: noqa: BLE001, ICN001, PTH102, PTH123, PTH208, SIM115, T201 (all that process code may not do is done here)

import builtins
import datetime
import gc
import logging
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from babysitter.authoring.context import Context
from babysitter.authoring.process import process
from babysitter.engine.guard import Guard
from babysitter.model import commands as cmd
from babysitter.model.errors import ForbiddenCallError
from tests.unit.engine.definitions import add
from tests.unit.engine.host import Host

FORBIDDEN: dict[str, tuple[Callable[[], Any], str]] = {
    "time.time": (time.time, "ctx.now()"),
    "time.monotonic": (time.monotonic, "ctx.now()"),
    "time.perf_counter_ns": (time.perf_counter_ns, "ctx.now()"),
    "time.strftime": (lambda: time.strftime("%Y"), "ctx.now()"),
    "time.sleep": (lambda: vars(time)["sleep"](0), "ctx.sleep"),
    "datetime.now": (datetime.datetime.now, "ctx.now()"),
    "datetime.now with a zone": (lambda: datetime.datetime.now(datetime.UTC), "ctx.now()"),
    "date.today": (datetime.date.today, "ctx.now()"),
    "random.random": (random.random, "ctx.random()"),
    "random.randint": (lambda: random.randint(1, 6), "ctx.random()"),
    "random.shuffle": (lambda: random.shuffle([1, 2, 3]), "ctx.random()"),
    "a generator without a seed": (random.Random, "Random(await ctx.random())"),
    "secrets.token_hex": (secrets.token_hex, "ctx.uuid()"),
    "os.urandom": (lambda: os.urandom(8), "ctx.uuid()"),
    "uuid.uuid4": (uuid.uuid4, "ctx.uuid()"),
    "uuid.uuid1": (uuid.uuid1, "ctx.uuid()"),
    "open": (lambda: builtins.open(__file__), "ctx.task"),
    "io.open": (lambda: open(__file__), "ctx.task"),
    "Path.read_text": (lambda: Path(__file__).read_text(encoding="utf-8"), "ctx.task"),
    "Path.exists": (lambda: Path(__file__).exists(), "ctx.task"),
    "os.listdir": (lambda: os.listdir("."), "ctx.task"),
    "os.mkdir": (lambda: os.mkdir("/nonexistent/x"), "ctx.task"),
    "os.putenv": (lambda: os.environ.__setitem__("BABYSITTER_TEST", "x"), "ctx.task"),
    "socket": (socket.socket, "sandbox"),
    "getaddrinfo": (lambda: socket.getaddrinfo("localhost", 80), "sandbox"),
    "subprocess": (lambda: subprocess.run(["true"], check=False), "@shell_task"),
    "os.system": (lambda: os.system("true"), "@shell_task"),
    "a thread": (lambda: threading.Thread(target=print).start(), "ctx.parallel.all"),
    "input": (input, "ctx.breakpoint"),
}


@pytest.fixture
def call_it() -> Callable[[Callable[[], Any]], Host]:
    def drive(call: Callable[[], Any]) -> Host:
        @process
        async def calls(ctx: Context) -> None:
            await ctx.task(add, 1)
            call()
            await ctx.log("went on")

        return Host(calls, answer=lambda _: 2, guard=Guard()).drive()

    return drive


@pytest.mark.parametrize("name", FORBIDDEN)
def test_it_is_refused_and_the_error_names_the_way_of_ctx(name: str, call_it: Callable[..., Host]) -> None:
    call, way = FORBIDDEN[name]

    host = call_it(call)

    assert host.end.error.name == "ForbiddenCallError"
    assert way in host.end.error.message
    assert "test_guard.py:" in host.end.error.message


@pytest.mark.parametrize("name", ["time.time", "open", "uuid.uuid4"])
def test_swallowing_the_error_does_not_help(name: str, call_it: Callable[..., Host]) -> None:
    def swallow() -> None:
        try:
            FORBIDDEN[name][0]()
        except Exception:
            return

    host = call_it(swallow)

    assert [event.type for event in host.journal[-2:]] == ["EFFECT_RESOLVED", "RUN_FAILED"]
    assert isinstance(host.commands[-1], cmd.Fail)
    assert isinstance(host.commands[-1].cause, ForbiddenCallError)


def test_the_error_names_the_library_function_and_the_authors_line(call_it: Callable[..., Host]) -> None:
    def author() -> None:
        uuid.uuid4()

    host = call_it(author)

    line = f"{__file__}:{author.__code__.co_firstlineno + 1}"
    assert f"process code called uuid.uuid4 (posix.urandom), at {line}." in host.end.error.message


def _log() -> None:
    logging.getLogger("babysitter.tests").warning("shown")


def _warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda *_args, **_kwargs: None
        warnings.warn("shown", UserWarning, stacklevel=1)


def _import() -> None:
    sys.modules.pop("colorsys", None)
    sys.modules.pop("this_is_not_there", None)
    import colorsys

    assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0.0)


class Finalized:
    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        time.time()


def _collect() -> None:
    def callback(_phase: str, _info: dict[str, int]) -> None:
        time.perf_counter()

    gc.callbacks.append(callback)
    try:
        Finalized()
        gc.collect()
    finally:
        gc.callbacks.remove(callback)


def _signal() -> None:
    seen: list[float] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(time.time()))
    try:
        signal.raise_signal(signal.SIGUSR1)
        assert seen
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(
    "call",
    [
        lambda: os.environ.get("PATH"),
        lambda: random.Random(7).random(),
        lambda: datetime.datetime.fromisoformat("2026-01-31T00:00:00+00:00").isoformat(),
        lambda: Path("a") / "b",
        lambda: uuid.uuid5(uuid.NAMESPACE_DNS, "x"),
        lambda: print(end=""),
        _log,
        _warn,
        _import,
        _collect,
        _signal,
    ],
    ids="environ seeded datetime path uuid5 print logging warning import collector signal".split(),
)
def test_what_is_deterministic_or_only_shows_something_is_let_through(
    call: Callable[[], Any], call_it: Callable[..., Host]
) -> None:
    assert call_it(call).output is None


def test_a_module_imported_in_the_same_step_is_watched_too(call_it: Callable[..., Host]) -> None:
    kept = sys.modules.pop("random")

    def imports() -> None:
        import random as fresh

        fresh.random()

    try:
        host = call_it(imports)
    finally:
        sys.modules["random"] = kept

    assert host.end.error.name == "ForbiddenCallError"


def test_nothing_is_refused_outside_of_a_step() -> None:
    guard = Guard()

    with pytest.raises(ForbiddenCallError):
        guard.watch(lambda _: time.time(), None)

    assert time.time() > 0
    assert Path(__file__).exists()
    assert isinstance(guard.violation(), ForbiddenCallError)
    assert guard.violation() is None
    assert sys.getprofile() is None


def test_another_thread_is_not_watched() -> None:
    found: list[float] = []
    is_stepping, has_asked = threading.Event(), threading.Event()

    def ask() -> None:
        is_stepping.wait()
        found.append(time.time())
        has_asked.set()

    thread = threading.Thread(target=ask)
    thread.start()

    def step(_: None) -> None:
        is_stepping.set()
        while not has_asked.is_set():
            pass

    Guard().watch(step, None)
    thread.join()

    assert found


def test_a_profiler_that_is_there_stays_and_files_are_still_refused() -> None:
    seen: list[str] = []

    def profiler(_frame: object, event: str, _argument: object) -> None:
        seen.append(event)

    def step(_: None) -> None:
        time.time()
        with pytest.raises(ForbiddenCallError):
            open(__file__)

    sys.setprofile(profiler)
    try:
        Guard().watch(step, None)
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)

    assert "c_call" in seen
    Guard().violation()
