"""Attempts to get out. Each is also made without a sandbox, where it must succeed: else it proves nothing."""

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from babysitter.executors.sandbox.limits import Limits
from babysitter.executors.sandbox.system import home_directory
from babysitter.model.effects import Sandbox
from tests.integration.sandbox.conftest import CONFINING, STOLEN, Trial, make_runner

pytestmark = pytest.mark.promise("G05")

READ = "import sys; print('got', open({path!r}).read())"
ATTACKS = {
    "read a file beside the workspace": READ.format(path="../outside"),
    "read the shadow file": READ.format(path="/etc/shadow"),
    "read the run data of another run": READ.format(path=".a5c/runs/other/inputs.json"),
    "read it by an absolute path": READ.format(path="{workspace}/.a5c/runs/other/inputs.json"),
    "read it through the root of a process": READ.format(path="/proc/self/root{workspace}/../outside"),
    "read a file in the home directory": READ.format(path="{home_file}"),
    "read the environment of a process outside": (
        "import glob\n"
        "for name in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: text = open(name).read()\n"
        "    except OSError: continue\n"
        "    if 'STEAL_ME' in text: print('got', text)\n"
    ),
    "write into the workspace without a grant": "open('new', 'w').write('x'); print('got out')",
    "change a file without a grant": "open('src/readme', 'r+').write('x'); print('got out')",
    "truncate a file without a grant": "import os; os.truncate('src/readme', 0); print('got out')",
    "write into the system": "open('/usr/lib/new-{unique}', 'w').write('x'); print('got out')",
    "write into the root": "open('/new-{unique}', 'w').write('x'); print('got out')",
    "connect to this machine": (
        "import socket; socket.create_connection(('127.0.0.1', {port}), timeout=5); print('got a connection')"
    ),
    "connect to this machine by its name": (
        "import socket; socket.create_connection(('localhost', {port}), timeout=5); print('got a connection')"
    ),
    "connect to an abstract socket": (
        "import socket; socket.socket(socket.AF_UNIX).connect('\\0{abstract}'); print('got a connection')"
    ),
    "connect to a daemon's socket": (
        "import socket; socket.socket(socket.AF_UNIX).connect({socket!r}); print('got a connection')"
    ),
    "stop a process outside": "import os; os.kill({victim}, 19); os.kill({victim}, 18); print('got it')",
    "signal the parent": "import os; os.kill({parent}, 0); print('got it')",
    "trace a process outside": (
        "import ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.ptrace(16, {victim}, 0, 0) == 0, ctypes.get_errno()\n"
        "print('got it')"
    ),
    "read the memory of a process outside": "open('/proc/{victim}/mem', 'rb').close(); print('got it')",
    "read a disk": (
        "import glob, os, stat\n"
        "disks = [p for p in glob.glob('/dev/*') if stat.S_ISBLK(os.stat(p).st_mode)]\n"
        "assert disks, 'none'\n"
        "open(disks[0], 'rb').read(1); print('got a disk')"
    ),
    "read the kernel's log": "open('/dev/kmsg', 'rb', buffering=0).close(); print('got it')",
    "make a device": (
        "import os, tempfile\n"
        "path = os.path.join(tempfile.mkdtemp(), 'disk')\n"
        "os.mknod(path, 0o600 | 0o060000, os.makedev(254, 0)); print('got a device')"
    ),
}

ATTEMPT = """
import json, os, subprocess, sys
printed = {}
for name, code in json.load(os.fdopen(3)).items():
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    printed[name] = done.stdout + done.stderr[-200:].replace("got", "g-t")
print(json.dumps(printed))
"""


@pytest.fixture
def facts(workspace: Path, victim: subprocess.Popen[bytes]) -> Iterator[dict[str, object]]:
    """What the attacks need to know, and the things that they are after."""
    unique = f"babysitter-{os.getpid()}-{victim.pid}"
    # An account of a service may have no home.
    home = home_directory() if os.access(home_directory(), os.W_OK) else workspace.parent
    with (
        tempfile.NamedTemporaryFile("w", dir=home, prefix="babysitter-test-") as home_file,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as daemon,
        tempfile.TemporaryDirectory() as folder,
    ):
        daemon.bind(f"{folder}/s")
        daemon.listen()
        home_file.write(STOLEN)
        home_file.flush()
        abstract.bind(f"\0{unique}")
        abstract.listen()
        yield {
            "workspace": str(workspace),
            "home_file": home_file.name,
            "victim": victim.pid,
            "port": server.getsockname()[1],
            "abstract": unique,
            "socket": f"{folder}/s",
            "unique": unique,
            "parent": os.getpid(),
        }
    for made in ("/usr/lib/new-", "/new-"):
        Path(made + unique).unlink(missing_ok=True)


def attempt_all(trial: Trial, facts: dict[str, object]) -> dict[str, str]:
    """Make each attack in a process of its own inside one sandbox, and return what each printed."""
    attacks = {name: code.format(**facts) for name, code in ATTACKS.items()}
    trial.python(ATTEMPT, input=json.dumps(attacks).encode())
    printed: dict[str, str] = json.loads(trial.out)
    return printed


def test_nothing_gets_out(trial: Trial, facts: dict[str, object]) -> None:
    printed = attempt_all(trial, facts)

    assert {name: text for name, text in printed.items() if "got" in text} == {}
    assert printed.keys() == ATTACKS.keys()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can do less than these attacks need")
def test_without_a_sandbox_each_attack_succeeds(
    workspace: Path, limits: Limits, facts: dict[str, object]
) -> None:
    printed = attempt_all(Trial(make_runner("none", workspace, limits)), facts)

    assert {name: text for name, text in printed.items() if "got" not in text} == {}


def test_what_is_written_outside_of_the_workspace_is_not_there_afterwards(
    trial: Trial, workspace: Path
) -> None:
    trial.run("sh", "-c", "echo x > ../new; mkdir ../folder; echo x > ../outside; rm -f ../outside")

    assert sorted(path.name for path in workspace.parent.iterdir()) == ["outside", "work"]
    assert (workspace.parent / "outside").read_text() == STOLEN


@pytest.mark.parametrize("name", CONFINING)
def test_a_network_grant_reaches_this_machine(
    name: str, workspace: Path, limits: Limits, facts: dict[str, object]
) -> None:
    trial = Trial(make_runner(name, workspace, limits))

    trial.python(ATTACKS["connect to this machine"].format(**facts), sandbox=Sandbox(network=("loopback",)))

    assert trial.out == "got a connection\n", trial.err


def test_a_name_is_not_resolved_over_the_network(trial: Trial) -> None:
    trial.python("import socket; socket.getaddrinfo('example.org', 80); print('resolved')")

    assert trial.out == ""
    assert "gaierror" in trial.err or "PermissionError" in trial.err


def test_the_environment_is_cleared(any_trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_PARENT", STOLEN)

    any_trial.run("env", env={"DECLARED": "yes"}, input=b"{}")

    names = {line.partition("=")[0] for line in any_trial.out.splitlines()}
    ours = {"BABYSITTER_INPUT_FD", "BABYSITTER_RESULT_FD", "BABYSITTER_RESULT_FILE"}
    assert names - {"PWD"} == {"DECLARED", "HOME", "LANG", "PATH", "TMPDIR"} | ours


def test_home_is_empty_and_can_be_written(any_trial: Trial) -> None:
    any_trial.run("sh", "-c", 'ls -A "$HOME" && echo x > "$HOME/x" && cat "$HOME/x"')

    assert any_trial.out == "x\n", any_trial.err


def test_there_is_no_terminal_to_type_into(any_trial: Trial) -> None:
    """TIOCSTI needs a controlling terminal or root's capability; a program of its own session has neither."""
    any_trial.python("print('tried', flush=True)\nopen('/dev/tty', 'w'); print('got a terminal')")

    assert any_trial.out == "tried\n"
    assert "Errno 6" in any_trial.err or "Permission" in any_trial.err


def test_no_privilege_is_held_or_gained(trial: Trial) -> None:
    trial.run("grep", "-E", "^(CapPrm|CapEff|CapInh|NoNewPrivs)", "/proc/self/status")

    found = dict(line.split(":\t") for line in trial.out.splitlines())
    assert found.pop("NoNewPrivs") == "1"
    assert {name: int(value, 16) for name, value in found.items()} == {"CapInh": 0, "CapPrm": 0, "CapEff": 0}


def test_a_namespace_of_its_own_does_not_uncover_run_data(trial: Trial, workspace: Path) -> None:
    hidden = workspace / ".a5c"
    trial.run(
        "unshare",
        "-Urm",
        "sh",
        "-c",
        f"umount {hidden}; mount --bind / /mnt; cat {hidden}/runs/other/inputs.json",
    )

    assert STOLEN not in trial.out


def test_only_the_five_descriptors_are_open(any_trial: Trial) -> None:
    leaked = os.open("/", os.O_RDONLY)
    os.set_inheritable(leaked, True)

    any_trial.python("import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])")

    os.close(leaked)
    assert any_trial.out == "[0, 1, 2, 3, 4]\n"


def test_a_preloaded_library_does_not_act_on_the_sandbox_itself(bubblewrapped: Trial) -> None:
    """Each program that the loader starts complains once: the task's own does, bubblewrap does not."""
    bubblewrapped.run("true", env={"LD_PRELOAD": "/nowhere/evil.so"})

    assert bubblewrapped.err.count("cannot be preloaded") == 1


def test_no_value_stands_in_a_process_list(any_trial: Trial) -> None:
    value = "correct-horse-battery-staple"
    seen: list[bytes] = []

    def look(chunk: bytes) -> None:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(file.read_bytes())
            except OSError:
                continue

    any_trial.stdout.on_write = look
    any_trial.run(
        "sh", "-c", "echo ready; cat", env={"TOKEN": value}, input=value.encode(), stdin=value.encode()
    )

    assert any_trial.out == f"ready\n{value}"
    assert seen
    assert not [line for line in seen if value.encode() in line]
