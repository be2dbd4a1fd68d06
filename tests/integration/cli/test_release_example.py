"""The release example's last steps, small: publishing wants the right token, and takes a file once."""

import hashlib
import shutil
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Shell
from tests.test_docs import ROOT

sys.path.insert(0, str(ROOT / "examples"))
from index_server import serve

TOKEN = "right-token-for-this-index"
PUBLISH_ONLY = """\
from release import publish

from babysitter import Context, process, secret


@process
async def publish_only(inputs: dict[str, str], ctx: Context) -> str:
    token = secret("env:RELEASE_INDEX_TOKEN")
    done = await ctx.task(publish, inputs["index"], "demo-1.0-py3-none-any.whl", inputs["sha256"], token)
    return done.url
"""
WHEEL = b"not really a wheel"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    server = serve(tmp_path / "index", TOKEN)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def address(index: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{index.server_address[1]}"


def put(index: ThreadingHTTPServer, name: str, data: bytes, token: str = TOKEN, digest: str = "") -> int:
    request = urllib.request.Request(
        f"{address(index)}/upload/{name}",
        data=data,
        method="PUT",
        headers={"Authorization": f"Bearer {token}", "X-SHA256": digest or hashlib.sha256(data).hexdigest()},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


@pytest.mark.parametrize(
    ("name", "data", "more", "status"),
    [
        ("demo-1.0-py3-none-any.whl", WHEEL, {}, 201),
        ("demo-1.0-py3-none-any.whl", WHEEL, {"token": "wrong"}, 401),
        ("demo-1.0-py3-none-any.whl", WHEEL, {"token": "g\u00fcnther"}, 401),
        ("demo-1.0-py3-none-any.whl", WHEEL, {"digest": "0" * 64}, 400),
        ("../escape-1.0-py3-none-any.whl", WHEEL, {}, 400),
        ("escape.txt", WHEEL, {}, 400),
        ("demo-1.0-py3-none-any.whl", b"", {}, 413),
    ],
)
def test_the_index_takes_what_is_right_and_nothing_else(
    index: ThreadingHTTPServer, tmp_path: Path, name: str, data: bytes, more: dict[str, str], status: int
) -> None:
    more = {key: value.encode().decode("latin-1") for key, value in more.items()}

    assert put(index, name, data, **more) == status

    kept = [path.name for path in tmp_path.rglob("*.whl")]
    assert kept == (["demo-1.0-py3-none-any.whl"] if status == 201 else [])


def test_the_same_file_twice_is_fine_and_another_one_is_not(index: ThreadingHTTPServer) -> None:
    name = "demo-1.0-py3-none-any.whl"

    assert [put(index, name, WHEEL), put(index, name, WHEEL), put(index, name, b"other")] == [201, 201, 409]


@pytest.fixture
def publishing(shell: Shell) -> Shell:
    shutil.copy(ROOT / "examples/release.py", shell.root)
    (shell.root / "only.py").write_text(PUBLISH_ONLY, encoding="utf-8")
    shell.trust("only.py")
    (shell.root / "demo-1.0-py3-none-any.whl").write_bytes(WHEEL)
    shell.environment["DIGEST"] = hashlib.sha256(WHEEL).hexdigest()
    return shell


def published(shell: Shell, index: ThreadingHTTPServer, token: str) -> tuple[int, str]:
    """Publish as the demo does, with an approval, and return status and summary."""
    inputs = ["--input", f"index={address(index)}", "--input", f"sha256={shell.environment['DIGEST']}"]
    env = {"RELEASE_INDEX_TOKEN": token}
    started = shell("start", "only.py", *inputs, "--run-id", "r", env=env)
    assert started.returncode == 3, started.stdout + started.stderr
    assert shell("approve", "r", env=env).returncode == 0
    ended = shell("resume", "r", env=env)
    return ended.returncode, ended.stdout


def test_publishing_with_the_right_token_succeeds(
    publishing: Shell, index: ThreadingHTTPServer, tmp_path: Path
) -> None:
    status, summary = published(publishing, index, TOKEN)

    assert status == 0, summary
    assert [path.name for path in (tmp_path / "index").iterdir()] == ["demo-1.0-py3-none-any.whl"]
    files = [path for path in publishing.root.rglob("*") if path.is_file()]
    assert [path.name for path in files if TOKEN.encode() in path.read_bytes()] == []


@pytest.mark.promise("G10")
def test_publishing_with_a_wrong_token_fails(
    publishing: Shell, index: ThreadingHTTPServer, tmp_path: Path
) -> None:
    status, summary = published(publishing, index, "a-wrong-token-altogether")

    assert status == 1
    assert "the index answered 401" in summary
    assert list((tmp_path / "index").iterdir()) == []
