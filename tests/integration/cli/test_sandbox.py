"""``sandbox explain``, ``sandbox try``, and a run whose task reaches one host, as a person calls them."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.integration.cli.conftest import Shell
from tests.integration.cli.terminal import Terminal
from tests.integration.sandbox.web import web

pytestmark = [pytest.mark.promise("G05"), pytest.mark.linux]

PROCESS = """
from babysitter import Context, Sandbox, process, shell_task

@shell_task(sandbox=Sandbox(network=("127.0.0.1:{port}",), write=("dist/",)), timeout=60)
def fetch(url: str, other: str) -> list[str]:
    return ["sh", "-c", "curl -sS $0; curl -s $1", url, other]

@shell_task(sandbox=Sandbox(network=("example.com",)))
def wrong() -> list[str]:
    return ["true"]

@process
async def run(inputs: dict[str, str], ctx: Context) -> str:
    return (await ctx.task(fetch, inputs["url"], inputs["other"])).stdout
"""


@pytest.fixture
def ours(shell: Shell) -> Shell:
    (shell.root / "s.py").write_text(PROCESS.format(port=9))
    shell.trust("s.py")
    return shell


def test_explain_says_what_a_task_may_do_and_makes_nothing(ours: Shell) -> None:
    ended = ours("sandbox", "explain", "s.py#fetch")

    assert ended.returncode == 0, ended.stderr
    for said in ("127.0.0.1:9, by its address", "dist/", "4096 MiB", "SHA-256", "60 s"):
        assert said in ended.stdout
    assert not (ours.root / "dist").exists()


def test_explain_says_that_a_grant_would_be_refused_and_how_to_write_it(ours: Shell) -> None:
    ended = ours("sandbox", "explain", "s.py#wrong")
    as_json = ours("sandbox", "explain", "s.py#wrong", "--json")

    assert ended.returncode == as_json.returncode == 4
    assert "Refused:" in ended.stdout
    assert "names no host and port" in json.loads(as_json.stdout)["refusal"]


@pytest.mark.promise("G07")
def test_code_that_nobody_has_trusted_is_not_loaded_to_be_explained(ours: Shell) -> None:
    with (ours.root / "s.py").open("a") as file:
        file.write("open('ran', 'w').close()\n")

    explained = ours("sandbox", "explain", "s.py#fetch")
    tried = ours("sandbox", "try", "--like", "s.py#fetch", "true")

    assert explained.returncode == tried.returncode == 4
    assert "nobody has trusted" in explained.stderr
    assert not (ours.root / "ran").exists()


@pytest.mark.needs("curl")
def test_a_run_journals_what_was_denied_what_was_reached_and_under_which_profile(ours: Shell) -> None:
    with web() as port, web() as other:
        (ours.root / "s.py").write_text(PROCESS.format(port=port))
        ours.trust("s.py")
        ended = ours(
            *("start", "s.py", "--run-id", "r1", "--input", f"url=http://127.0.0.1:{port}/"),
            *("--input", f"other=http://127.0.0.1:{other}/"),
        )
        explained = json.loads(ours("sandbox", "explain", "s.py#fetch", "--json").stdout)

    assert ended.returncode == 0, ended.stderr
    events = [json.loads(line) for line in ours.journal("r1").splitlines()]
    by_type = {event["type"]: event["data"] for event in events}
    assert by_type["EFFECT_STARTED"]["sandboxSha256"] == explained["sandboxSha256"]
    denied = by_type["SANDBOX_DENIED"]
    assert (denied["rule"], denied["where"]) == ("network.host", f"127.0.0.1:{other}")
    usage = by_type["EFFECT_RESOLVED"]["usage"]
    assert usage[f"network 127.0.0.1:{port} connections"] == 1
    assert "hello from 127.0.0.1" in by_type["RUN_COMPLETED"]["output"]
    assert ours("journal", "verify", "r1").returncode == 0


@pytest.mark.needs("curl")
def test_try_shows_output_and_denials_and_leaves_as_the_command_did(ours: Shell) -> None:
    with web() as port:
        url = f"http://127.0.0.1:{port}/"
        done = ours("sandbox", "try", "--network", f"127.0.0.1:{port}", "--", "curl", "-sS", url)
        denied = ours("sandbox", "try", "--network", "127.0.0.1:1", "--", "curl", "-sS", "--fail", url)
        alone = ours("sandbox", "try", "curl", "-sS", url)

    assert (done.returncode, done.stdout, done.stderr) == (0, "hello from 127.0.0.1\n", "")
    assert denied.returncode == 22
    assert f"denied  a connection to a host that is not granted: 127.0.0.1:{port}" in denied.stderr
    assert alone.returncode == 7


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--", "sh", "-c", "exit 3"), 3),
        (("sh", "-c", "kill -KILL $$"), 128 + signal.SIGKILL),
        (("--timeout", "0.1", "sleep", "60"), 124),
        (("--network", "example.com", "true"), 4),
        (("no-such-program",), 4),
        ((), 2),
    ],
)
def test_the_status_of_try(ours: Shell, words: tuple[str, ...], status: int) -> None:
    assert ours("sandbox", "try", *words).returncode == status


def test_try_as_json_is_one_object_whatever_the_command_is_called_with(ours: Shell) -> None:
    ended = ours(
        "sandbox", "try", "--json", "--write", "out/", "--", "sh", "-c", "echo x > out/x; echo y >&2"
    )
    error = ours("sandbox", "try", "--", "no-such-program", "--json")

    found = json.loads(ended.stdout)
    assert (found["status"], found["stdout"], found["stderr"]) == (0, "", "y\n")
    assert (ours.root / "out/x").read_text() == "x\n"
    assert error.stdout == ""


def test_try_takes_the_sandbox_of_a_task_and_the_variables_that_are_named(ours: Shell) -> None:
    ended = ours(
        *("sandbox", "try", "--like", "s.py#fetch", "--env", "MINE", "--"),
        *("sh", "-c", "echo $MINE $OTHER > dist/x; cat dist/x; echo $HTTP_PROXY"),
        env={"MINE": "yes", "OTHER": "no"},
    )

    assert ended.stdout == "yes\nhttp://127.0.0.1:3128\n", ended.stderr


def test_try_on_a_terminal_shows_no_control_characters(
    ours: Shell, terminal: Callable[..., Terminal]
) -> None:
    screen = terminal("sandbox", "try", "--", "printf", "a\\033[31mb\\nlast")

    screen.wait_for("last")
    assert "\x1b[31m" not in screen.seen


def test_try_that_is_interrupted_ends_the_command(ours: Shell) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "babysitter", "sandbox", "try", "--", "sh", "-c", "echo begun; sleep 600"],
        cwd=ours.root,
        env=ours.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"begun\n"

    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)

    assert running.returncode == 130
    assert b"ended  stopped" in errors
