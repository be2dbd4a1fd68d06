"""What is small to send and would be large to hold: refused or shown in part, while others are served.

The server is a process of its own that may have so many addresses; its peak is read from outside.
"""

import gzip
import resource
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from babysitter.journal.layout import shown_file_path
from babysitter.server.pages.atlas_article import RENDERED_CHARS_MAX
from babysitter.testing.trusting import trust_as_it_is
from tests.integration.server.process import SETTINGS, account, client, made, serving, token

pytestmark = [pytest.mark.promise("G20"), pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]
ADDRESSES_MAX = 3_000_000_000
GROWTH_KB_MAX = 256 * 1024
PAGE_BYTES_MAX = 6_000_000
PATIENCE_S = 60.0
MB = 1_000_000
FLOW = """\
from typing import Any

from babysitter import Context, process, shell_task, task


@task(inline=True)
def give(value: Any) -> Any:
    return value


@shell_task
def prints(code: str) -> list[str]:
    return ["python3", "-c", code]


@process
async def echo(inputs: Any, ctx: Context) -> Any:
    return await ctx.task(give, inputs)


@process
async def asks(inputs: dict[str, Any], ctx: Context) -> bool:
    return (await ctx.breakpoint("Look", title="Look", context=inputs["c"], files=inputs["files"])).approved


@process
async def loud(inputs: str, ctx: Context) -> int:
    return len((await ctx.task(prints, inputs)).stdout)
"""


def picture(side: int) -> bytes:
    """Return a PNG of so many points a side, of a few bytes: whoever decodes it wants their square."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


ARTEFACTS = {
    "bomb.zip": b"PK\x03\x04" + b"\0" * 100 + zlib.compress(b"\0" * 50 * MB, 9),
    "bomb.tar.gz": gzip.compress(b"\0" * 50 * MB),
    "bomb.png": picture(60_000),
    "bomb.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "bomb.html": b"<!doctype html><script>alert(1)</script>",
    "bomb.json": b"[" * 100_000,
}
WIDE = b"[" * 60 + b"0," * 400_000 + b"0" + b"]" * 60
DOCUMENTS = {
    "brackets": "[" * RENDERED_CHARS_MAX,
    "table": "|a" * 15_000 + "|\n" + "|-" * 15_000 + "|\n" + "|\n" * 5_000,
    "list": "".join("  " * min(depth, 150) + "- a\n" for depth in range(600)),
    "quotes": ">" * (RENDERED_CHARS_MAX - 10) + " a",
    "line": "<a href='" * 110_000,
    "links": "[a](" * 24_000,
}


@dataclass(frozen=True)
class Target:
    """A server that is attacked. ``agent``, ``person``: its clients."""

    agent: httpx2.Client
    person: httpx2.Client
    pid: int

    def growth_kb(self, attack: Callable[[], object]) -> int:
        """Return by how much the server's memory grew at its highest; others are served meanwhile."""
        before = self._memory("VmRSS")
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")
        over, seen = threading.Event(), []

        def others() -> None:
            while not over.is_set():
                seen.append(self.person.get("/api/v1/health").status_code)

        watching = threading.Thread(target=others)
        watching.start()
        try:
            attack()
        finally:
            over.set()
            watching.join(PATIENCE_S)
        assert set(seen) == {200}
        assert self.person.get("/api/v1/runs").status_code == 200
        return self._memory("VmHWM") - before

    def start(self, entry: str, run_id: str, inputs: bytes) -> httpx2.Response:
        body = b'{"entry":"flow.py#%s","runId":"%s","inputs":%s}' % (entry.encode(), run_id.encode(), inputs)
        return self.post("/api/v1/runs", body)

    def post(self, path: str, body: bytes, **headers: str) -> httpx2.Response:
        given = {"content-type": "application/json", **headers}
        return self.agent.post(path, content=body, headers=given, timeout=PATIENCE_S)

    def until(self, run_id: str, *states: str) -> dict[str, Any]:
        """Return what a run is once it is that; the server's own waits set the pace."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            found: dict[str, Any] = self.agent.get(f"/api/v1/runs/{run_id}").json()
            if found["run"]["status"] in states or found.get("problem"):
                return found
            assert time.monotonic() < until_s, found

    def page(self, path: str) -> httpx2.Response:
        return self.person.get(path, headers={"accept": "text/html"}, timeout=PATIENCE_S)

    def _memory(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    root = made(
        tmp_path_factory.mktemp("bombs") / "shop", SETTINGS + "[server]\nrequests_per_minute = 1000000\n"
    )
    (root / "flow.py").write_text(FLOW, encoding="utf-8")
    trust_as_it_is(root, "flow.py")
    (root / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (root / "docs" / f"{name}.md").write_text(text, encoding="utf-8")
    for name, data in ARTEFACTS.items():
        (root / name).write_bytes(data)
    tokens = token(root, "agent"), token(root, "human", person=account())
    with serving(root) as (url, child):
        resource.prlimit(child.pid, resource.RLIMIT_AS, (ADDRESSES_MAX, ADDRESSES_MAX))
        with client(url, tokens[0]) as agent, client(url, tokens[1]) as person:
            yield Target(agent, person, child.pid)


def inputs(data: bytes) -> bytes:
    return b'{"entry":"flow.py#echo","inputs":' + data + b"}"


REFUSED = {
    "arrays without an end": b"[" * MB,
    "arrays in arrays": inputs(b"[" * 50_000 + b"]" * 50_000),
    "objects in objects": inputs(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "deeper than is kept": inputs(b"[" * 65 + b"]" * 65),
    "an integer of a million digits": inputs(b"9" * MB),
    "an integer of 5,000 digits": inputs(b"9" * 5000),
    "a number beyond numbers": inputs(b"1e400"),
    "an exponent of a million digits": inputs(b"1e" + b"9" * MB),
    "no number": inputs(b"NaN"),
    "half of a pair": inputs(b'"' + b"\\ud800" * 100_000 + b'"'),
    "no UTF-8": inputs(b'"\xff\xfe"'),
    "UTF-16": '{"entry":"flow.py"}'.encode("utf-16"),
    "members that nobody knows": b"{" + b",".join(b'"k%d":0' % n for n in range(80_000)) + b"}",
    "one member twice": b'{"entry":"flow.py#loud","entry":"flow.py#echo","inputs":1}',
    "one member twice, inside": inputs(b'{"a":[{"b":1,"c":2,"b":3}]}'),
    "one member 50,000 times": b"{" + b'"entry":"flow.py",' * 50_000 + b'"inputs":1}',
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_that_would_blow_up_is_refused(target: Target, name: str) -> None:
    replies: list[httpx2.Response] = []

    growth_kb = target.growth_kb(lambda: replies.append(target.post("/api/v1/runs", REFUSED[name])))

    assert replies[0].status_code == 400
    assert replies[0].json()["error"]["code"] in ("usage", "usage.value")
    assert len(replies[0].content) < 2000
    assert growth_kb < GROWTH_KB_MAX


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "x"])
def test_a_packed_body_is_not_unpacked(target: Target, encoding: str) -> None:
    """A kilobyte of gzip is a gigabyte of JSON."""
    body = gzip.compress(gzip.compress(b"[" + b" " * 50 * MB + b"]"))

    reply = target.post("/api/v1/runs", body, **{"content-encoding": encoding})

    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "usage.encoding")
    assert target.post("/api/v1/runs", b"{}", **{"content-encoding": "Identity"}).status_code == 400


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/xml"]
)
def test_no_other_kind_of_body_is_read(target: Target, kind: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 15_000

    reply = target.post("/api/v1/runs", body, **{"content-type": kind})

    assert (reply.status_code, reply.json()["error"]["message"]) == (400, "the body is not JSON.")


GREEDY = {
    "400,000 numbers 60 levels down": WIDE,
    "300,000 lists": b"[" + b"[]," * 300_000 + b"0]",
    "300,000 objects": b"[" + b"{}," * 300_000 + b"0]",
    "80,000 names": b"{" + b",".join(b'"k%d":0' % n for n in range(80_000)) + b"}",
    "a line of 900,000 characters": b'"' + b"<" * 900_000 + b'"',
    "200,000 characters that hide": b'"' + "\u202e".encode() * 200_000 + b'"',
    "30,000 numbers 60 levels down": b"[" * 60 + b"0," * 30_000 + b"0" + b"]" * 60,
}


@pytest.mark.parametrize("name", GREEDY)
def test_what_is_taken_is_shown_in_part(target: Target, name: str) -> None:
    """Over several lines a value of 60 levels takes a hundred times its bytes."""
    run_id = f"greedy-{list(GREEDY).index(name)}"
    pages: list[httpx2.Response] = []

    def attack() -> None:
        assert target.start("echo", run_id, GREEDY[name]).status_code == 201
        assert target.until(run_id, "completed")["run"]["status"] == "completed"
        places = ("", "/events", "/tasks/1-give")
        pages.extend(target.page(f"/runs/{run_id}{place}") for place in places)
        pages.append(target.page(f"/atlas/run:{run_id}"))

    growth_kb = target.growth_kb(attack)

    assert [page.status_code for page in pages] == [200, 200, 200, 200]
    assert max(len(page.content) for page in pages) < MB
    assert growth_kb < GROWTH_KB_MAX


def test_a_question_that_nobody_could_read_is_not_asked_and_says_so(target: Target) -> None:
    value = b"[" * 60 + b"0," * 30_000 + b"0" + b"]" * 60

    def attack() -> None:
        target.start("asks", "unreadable", b'{"files":[],"c":{"x":' + value + b"}}")
        assert "take" in target.until("unreadable", "waiting", "failed")["problem"]
        assert target.page("/inbox").status_code == 200

    assert target.growth_kb(attack) < GROWTH_KB_MAX


def test_artefacts_are_given_as_they_are_and_opened_by_nobody(target: Target) -> None:
    names = list(ARTEFACTS)
    listed = ",".join(f'"{name}"' for name in names)

    def attack() -> None:
        target.start("asks", "artefacts", f'{{"files":[{listed}],"c":{{}}}}'.encode())
        [asked] = target.until("artefacts", "waiting")["breakpoints"]
        where = f"/api/v1/runs/artefacts/breakpoints/{asked['breakpointId']}"
        shown = target.page(f"/inbox/artefacts/{asked['breakpointId']}")
        assert shown.status_code == 200
        assert len(shown.content) < PAGE_BYTES_MAX
        assert b"<script>alert" not in shown.content
        for number, name in enumerate(names, 1):
            kept = shown_file_path(asked["breakpointId"], number)
            given = target.person.get(f"{where}/files/{kept}")
            assert given.content == ARTEFACTS[name]
            assert given.headers["content-disposition"].startswith("attachment")
            assert given.headers["content-type"] == "application/octet-stream"
            assert given.headers["x-content-type-options"] == "nosniff"

    assert target.growth_kb(attack) < GROWTH_KB_MAX


PRINTED = {
    "300 MB of lines": "import sys\nfor _ in range(300): sys.stdout.write('y' * 999_999 + '\\n')",
    "a gzip of 300 MB": (
        "import gzip, sys\nsys.stdout.buffer.write(gzip.compress(bytes(300_000_000)))\nsys.stdout.flush()"
    ),
}


@pytest.mark.parametrize("name", PRINTED)
def test_of_what_a_program_prints_the_end_is_read(target: Target, name: str) -> None:
    """What is kept of it has a bound, and of that a page reads the end."""
    run_id = f"loud-{list(PRINTED).index(name)}"
    target.start("loud", run_id, httpx2.Response(200, json=PRINTED[name]).content)
    assert target.until(run_id, "completed")["run"]["status"] == "completed"
    seen: list[int] = []

    def look() -> None:
        seen.append(len(target.page(f"/runs/{run_id}/tasks/1-prints").content))
        told = target.person.get(f"/api/v1/runs/{run_id}/tasks/1-prints/stdout").json()
        seen.append(len(told["text"]))

    assert target.growth_kb(look) < 64 * 1024
    assert max(seen) < 2 * MB


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_hard_to_render_holds_nobody_up(target: Target, name: str) -> None:
    pages: list[httpx2.Response] = []

    growth_kb = target.growth_kb(lambda: pages.append(target.page(f"/atlas/document:docs-{name}")))

    assert pages[0].status_code == 200
    assert len(pages[0].content) < PAGE_BYTES_MAX
    assert growth_kb < GROWTH_KB_MAX


def test_the_server_is_the_same_process_after_all_this(target: Target) -> None:
    """None of the tests before ended it."""
    alive = subprocess.run(["kill", "-0", str(target.pid)], check=False)

    assert alive.returncode == 0
    assert target.agent.get("/api/v1/health").status_code == 200
