"""The demo: Babysitter releases Babysitter to an index on this machine, with you as the approver.

    make demo

It makes a key for you, with which you sign your answer over exactly what you are shown.
On a terminal you are asked first. Where there is none, ``--answer approve`` signs with
that key, and the comment says so. At the end the run is audited with stock tools alone,
and three attempts to lie about it are caught. Kill it whenever you like and run it again:
it goes on where it was.
"""

import argparse
import ctypes
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from attacks import ATTACKS
from index_server import serve

from babysitter.model.errors import UntrustedProcessError
from babysitter.service.process.closure import read_sources
from babysitter.service.queries import Queries
from babysitter.service.wiring import open_workspace

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / ".demo"
INDEX = DEMO / "index"
KEY = DEMO / "you"
TRUST = DEMO / "auditor"
PERSON = "you@demo.example"
PROCESS = "examples/release.py"
AUDIT = ROOT / "docs" / "how-to" / "audit.sh"
WAITS, REFUSED = 3, 4
DRIVER_ENDS_S = 30.0
GUIDE_TOOLS = ("jq", "grep")
AUDIT_TOOLS = ("bash", "jq", "openssl", "ssh-keygen", "xxd")
TOKEN = "RELEASE_INDEX_TOKEN"  # noqa: S105 (the variable's name)
GUIDE = (
    "cat .a5c/runs/{run}/journal/journal.jsonl | jq -c '[.seq, .type]' | tail -n 5",
    """jq -c 'select(.type=="BREAKPOINT_RELEASED")' .a5c/runs/*/journal/journal.jsonl""",
    r"""grep -c -i "password\|secret\|key\|token" .a5c/runs/{run}/journal/journal.jsonl""",
)
"""The security guide's own lines, made short for the screen."""


def main() -> int:
    """Run the demo; return an exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--answer", choices=["approve", "reject"], help="the answer where there is no terminal"
    )
    parser.add_argument("--port", type=int, default=0, help="the index's port (default: a free one)")
    options = parser.parse_args()

    os.chdir(ROOT)
    os.environ[TOKEN] = secrets.token_urlsafe(24)
    say_what_is_missing()
    if not make_key() or not trust_the_process():
        return REFUSED
    workspace = open_workspace(ROOT)
    queries = Queries(workspace)
    unfinished = released_runs(queries, only_open=True)[:1]
    status = go_on(unfinished[0], queries, options.port) if unfinished else REFUSED
    if status == REFUSED:
        status = begin(options.port)
    run_id = released_runs(queries)[0]
    while status == WAITS and (options.answer or sys.stdin.isatty()):
        if not sign_answers(run_id, queries, options.answer):
            break
        status = babysitter("resume", run_id)
    if status != 0:
        say(f"The release did not complete (exit status {status}). Go on with: make demo")
        return status
    status = show_proof(run_id, queries)
    say_how_to_serve()
    return status


def make_key() -> bool:
    """Make a key to sign with, and the file that says whose it is; tell whether there is one."""
    if not KEY.exists():
        if shutil.which("ssh-keygen") is None:
            say("ssh-keygen is not installed here, and an approval of production is signed. Install OpenSSH.")
            return False
        DEMO.mkdir(exist_ok=True)
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", PERSON, "-f", str(KEY)]
        subprocess.run(make, check=True)
        say(f"Made a key for you: {KEY.relative_to(ROOT)}. Your own would do: babysitter key add YOU KEY.pub")
    public = KEY.with_name(KEY.name + ".pub").read_text(encoding="utf-8")
    (DEMO / "allowed_signers").write_text(f'{PERSON} namespaces="babysitter-*" {public}', encoding="utf-8")
    return True


def trust_the_process() -> bool:
    """Have the release reviewed, and trusted as it is now with the key; tell whether it may run."""
    try:
        open_workspace(ROOT).admission.admit(read_sources(PROCESS, ROOT))
    except UntrustedProcessError:
        say("\nNo code runs that nobody has reviewed. What the release is, and what it may do:")
        babysitter("process", "review", PROCESS, "--no-bandit")
        say("\nYour word for it, signed with your key:")
        if babysitter("process", "trust", PROCESS, "--no-bandit", "--key", str(KEY)) != 0:
            return False
    return refuses_a_planted_credential()


def refuses_a_planted_credential() -> bool:
    """Plant a credential in a copy of the release; tell whether trust is refused, as it must be."""
    planted = DEMO / "planted.py"
    token = "ghp_" + secrets.token_hex(18)
    planted.write_text(
        (ROOT / PROCESS).read_text(encoding="utf-8") + f'\nTOKEN = "{token}"\n', encoding="utf-8"
    )
    say("\nA credential, planted in a copy of the release:")
    name = planted.relative_to(ROOT).as_posix()
    status = babysitter("process", "trust", name, "--no-bandit", "--key", str(KEY))
    planted.unlink()
    if status != REFUSED:
        say("It was not refused.")
    return status == REFUSED


def sign_answers(run_id: str, queries: Queries, answer: str | None) -> bool:
    """Have the open questions answered with the key: by you, or as ``answer`` says; tell if they were."""
    for waiting in queries.status(run_id).breakpoints:
        name = f"{run_id}/{waiting.breakpoint_id}"
        decision, how = answer or "approve", []
        if sys.stdin.isatty() and answer is None:
            say(f"\nYour answer to {waiting.title or waiting.breakpoint_id} is signed with your key.")
        else:
            say(f"No person: --answer {decision} signs with the key that this demo made, and says so.")
            how = ["--yes", "--comment", f"given by make demo --answer {decision}, not by a person"]
        if babysitter(decision, name, "--key", str(KEY), *how) != 0:
            return False
    return True


def begin(port: int) -> int:
    """Start a new release to an empty index; return the exit status."""
    shutil.rmtree(INDEX, ignore_errors=True)
    return babysitter("start", PROCESS, "--input", f"index={open_index(port)}")


def go_on(run_id: str, queries: Queries, port: int) -> int:
    """Resume a release that was cut off, with the index at the address it knows; return the exit status."""
    say(f"Going on with run {run_id}, which was cut off.")
    until_s = time.monotonic() + DRIVER_ENDS_S
    while queries.status(run_id).held_by is not None and time.monotonic() < until_s:
        # Somebody drives it from another terminal, or a driver that lost its demo is about to end.
        time.sleep(0.1)
    found = re.search(rb"http://127\.0\.0\.1:(\d+)", queries.read_file(run_id, "inputs.json"))
    try:
        open_index(int(found[1]) if found else port)
    except OSError:
        say("Its index can't have the same address again, so this is a new release.")
        return REFUSED
    status = babysitter("resume", run_id)
    if status == REFUSED:
        say("It can't go on (the reason stands above), so this is a new release.")
    return status


def open_index(port: int) -> str:
    """Serve the index from a thread of this process; return its address."""
    server = serve(INDEX, os.environ[TOKEN], port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def released_runs(queries: Queries, *, only_open: bool = False) -> list[str]:
    """Return the ids of the release's runs, newest first."""
    return [
        view.run_id
        for view in queries.runs()
        if view.process_id == "release" and (view.status in ("running", "waiting") or not only_open)
    ]


def say_what_is_missing() -> None:
    """Name the programs that the guide's lines want and this machine lacks."""
    for tool in GUIDE_TOOLS:
        if shutil.which(tool) is None:
            say(f"{tool} is not installed here: the lines of the guide that use it will be left out.")


def show_proof(run_id: str, queries: Queries) -> int:
    """Verify the journal, run the guide's lines on it, audit it with stock tools, and try to lie."""
    say("\nThe journal, verified:")
    if babysitter("journal", "verify", run_id) != 0:
        return 1
    missing = [tool for tool in GUIDE_TOOLS if shutil.which(tool) is None]
    for line in GUIDE:
        command = line.format(run=run_id)
        say(f"$ {command}")
        if any(f"{tool} " in command for tool in missing):
            say(f"  (left out: {' and '.join(missing)} is not installed here)")
            continue
        sys.stdout.flush()
        subprocess.run(["sh", "-c", command], cwd=ROOT, check=False)
    token = os.environ[TOKEN].encode()
    leaked = [file for file in (ROOT / ".a5c").rglob("*") if file.is_file() and token in file.read_bytes()]
    if leaked:
        say(f"The token stands in {leaked[0]}")
        return 1
    say("The token that published it is nowhere under .a5c.")
    if show_audit(run_id) != 0:
        return 1
    say(f"Everything is in {queries.location(run_id)}; look with: .venv/bin/babysitter run show {run_id}")
    return 0


def show_audit(run_id: str) -> int:
    """Audit without Babysitter, as somebody who trusts nobody here; then three lies, which must be caught."""
    missing = [tool for tool in AUDIT_TOOLS if shutil.which(tool) is None]
    if missing:
        say(f"The audit is left out: {', '.join(missing)} is not installed here.")
        return 0
    bring_trust()
    say("\nThe same, audited with bash, jq, openssl and ssh-keygen alone:")
    say(f"$ {AUDIT.relative_to(ROOT)} .a5c {TRUST.relative_to(ROOT)}")
    if audit(ROOT / ".a5c") != 0:
        return 1
    for number, (what, attack) in enumerate(ATTACKS, start=1):
        copy = DEMO / f"attacked-{number}"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(ROOT / ".a5c", copy)
        attack(run_id, copy)
        say(f"\nA lie: {what}.")
        if audit(copy) != 1:
            say("It was not caught.")
            return 1
    return 0


def say_how_to_serve() -> None:
    """Say how to see all of it in a browser."""
    program = os.path.relpath(Path(sys.executable).with_name("babysitter"), ROOT)
    say(f"\nSee it in a browser, and answer with a passkey: {program} serve")


def bring_trust() -> None:
    """Put together what an auditor brings: whose keys count, the log's key, and a checkpoint seen earlier."""
    (TRUST / "seen").mkdir(parents=True, exist_ok=True)
    shutil.copy(DEMO / "allowed_signers", TRUST)
    shutil.copy(ROOT / ".a5c" / "log" / "log.vkey", TRUST)
    # Here the auditor looked for themselves; a witness (docs/how-to/run-a-witness.md) would do it always.
    shutil.copy(ROOT / ".a5c" / "log" / "checkpoint", TRUST / "seen" / "today")


def audit(folder: Path) -> int:
    """Run the script on a folder; return its exit status."""
    sys.stdout.flush()
    return subprocess.run(["bash", str(AUDIT), str(folder), str(TRUST)], check=False).returncode


def babysitter(*arguments: str) -> int:
    """Run a command of Babysitter, on this terminal."""
    sys.stdout.flush()
    program = [sys.executable, "-m", "babysitter", *arguments]
    return subprocess.run(program, cwd=ROOT, check=False, preexec_fn=end_with_the_demo).returncode


def end_with_the_demo() -> None:
    """Have the kernel kill a driver whose demo is killed: its index is gone, so the next demo goes on."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def say(text: str) -> None:
    """Print a line of the demo's own."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
