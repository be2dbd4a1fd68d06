"""An honest workspace: people with keys, a rule, two runs that were approved, one that waits, a witness."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from babysitter.service.auditing import AuditReport, audit_folder
from babysitter.testing.trusting import trust_as_it_is
from tests.integration.audit.forging import Forger, seen_by_a_witness

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "docs" / "how-to" / "audit.sh"
PEOPLE = ("alice@example.com", "bob@example.com", "eve@example.com")
SETTINGS = """\
[people]
"alice@example.com" = { accounts = ["%s"] }
[roles]
release-managers = ["alice@example.com", "bob@example.com"]
[[approvals]]
id = "production"
when = { environment = "production" }
roles = ["release-managers"]
approval_expires = "4h"
"""
PROCESS = '''\
"""Deploys to two places, each of which needs a yes."""

from babysitter import Context, process, task


@task(environment="production")
def deploy(where: str) -> str:
    return f"deployed {where}"


@process
async def release(inputs: list[str], ctx: Context) -> list[str]:
    """What an author keeps may look like our own references to files, and is none."""
    await ctx.log("built", path="dist/nothing.whl", sha256="00", ref={"path": "nowhere", "sha256": "00"})
    await ctx.artifact("plan.md", "deploy, then look")
    return [await ctx.task(deploy, where) for where in inputs]
'''


@dataclass(frozen=True)
class Workspace:
    """The workspace. ``keys``: where the people's private keys are; ``trust``: the auditor's folder."""

    root: Path
    keys: Path
    trust: Path

    @property
    def data(self) -> Path:
        """Its run data."""
        return self.root / ".a5c"

    @property
    def forger(self) -> Forger:
        """An operator of it who lies."""
        return Forger(self.data)

    def babysitter(self, *arguments: str, status: int = 0) -> str:
        """Run a command in it."""
        done = subprocess.run(
            [sys.executable, "-m", "babysitter", *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def key(self, person: str) -> str:
        """Return a person's key file."""
        return str(self.keys / person.partition("@")[0])

    def approve(self, breakpoint_id: str, person: str = "bob@example.com") -> None:
        """Have somebody approve."""
        self.babysitter("approve", breakpoint_id, "--key", self.key(person), "--comment", "fine")

    def copied_to(self, folder: Path) -> "Workspace":
        """Return a copy that may be attacked."""
        shutil.copytree(self.root.parent, folder, symlinks=True)
        copy = Workspace(folder / "workspace", folder / "keys", folder / "trust")
        # What an account trusts is about a folder, and this is another one.
        trust_as_it_is(copy.root, "deploy.py")
        return copy


def _account() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace that no test changes."""
    top = tmp_path_factory.mktemp("audit") / "all"
    place = Workspace(top / "workspace", top / "keys", top / "trust")
    for folder in (place.root, place.keys, place.trust):
        folder.mkdir(parents=True)
    signers = []
    for person in PEOPLE:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", place.key(person)], check=True
        )
        public = Path(place.key(person) + ".pub").read_text()
        signers.append(f'{person} namespaces="babysitter-*" {public}')
    (place.root / "babysitter.toml").write_text(SETTINGS % _account())
    (place.root / "deploy.py").write_text(PROCESS)
    (place.root / "allowed_signers").write_text("".join(signers))
    trust_as_it_is(place.root, "deploy.py")
    (place.trust / "allowed_signers").write_text("".join(signers))
    place.babysitter(
        "start", "deploy.py", "--inputs", _inputs(place, "one", ["here"]), "--run-id", "one", status=3
    )
    place.approve("one/3-gate-deploy")
    place.babysitter("resume", "one")
    place.babysitter(
        "start",
        "deploy.py",
        "--inputs",
        _inputs(place, "two", ["here", "there"]),
        "--run-id",
        "two",
        status=3,
    )
    place.approve("two/3-gate-deploy")
    place.babysitter("resume", "two", status=3)
    place.approve("two/4-gate-deploy")
    place.babysitter("resume", "two")
    place.babysitter(
        "start", "deploy.py", "--inputs", _inputs(place, "open", ["here"]), "--run-id", "open", status=3
    )
    shutil.copy(place.data / "log" / "log.vkey", place.trust / "log.vkey")
    seen_by_a_witness(place.data, place.trust, time_s=int(time.time()))
    return place


def _inputs(place: Workspace, name: str, value: list[str]) -> str:
    path = place.root.parent / f"{name}.json"
    path.write_text(json.dumps(value))
    return str(path)


@pytest.fixture
def place(honest: Workspace, tmp_path: Path) -> Workspace:
    """A copy to be attacked."""
    return honest.copied_to(tmp_path / "copy")


@dataclass(frozen=True)
class Verdicts:
    """What both verifiers say of a folder."""

    script_status: int
    script: str
    ours: AuditReport

    @property
    def findings(self) -> str:
        """Our findings, a line each."""
        return "\n".join(f"{found.code} {found.where}: {found.text}" for found in self.ours.findings)


Judge = Callable[..., Verdicts]


@pytest.fixture
def judged() -> Judge:
    """Have both verifiers look at a workspace."""

    def judge(place: Workspace, *, trusting: bool = False) -> Verdicts:
        """``trusting``: the auditor brings nothing of their own."""
        trust = None if trusting else place.trust
        arguments = [str(place.data), *([str(trust)] if trust is not None else [])]
        done = subprocess.run(
            ["bash", str(SCRIPT), *arguments], check=False, capture_output=True, text=True, timeout=120
        )
        assert done.stderr == "", done.stderr
        return Verdicts(done.returncode, done.stdout, audit_folder(place.data, trust))

    return judge
