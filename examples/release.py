"""Babysitter releases Babysitter: test, build, try the wheel, ask, publish, install from the index.

    babysitter start examples/release.py --input index=http://127.0.0.1:8765

The index wants a token, which the environment gives as RELEASE_INDEX_TOKEN. It
reaches one task and nothing else: not the journal, not a log, not the process.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from babysitter import (
    Context,
    Program,
    RetryPolicy,
    Sandbox,
    Secret,
    ShellResult,
    process,
    secret,
    shell_task,
    task,
)


class ReleaseInputs(Struct, frozen=True):
    """Where to publish."""

    index: str = "http://127.0.0.1:8765"


@dataclass(frozen=True)
class Wheel:
    """A built wheel: path relative to the workspace, and the version in it."""

    path: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Published:
    """What the index answered."""

    url: str
    status: int


@dataclass(frozen=True)
class Released:
    """What came of the release."""

    done: bool
    version: str
    why: str = ""
    url: str = ""
    installed: str = ""


@shell_task(sandbox=Sandbox(processes=64), timeout=300, idempotent=True)
def run_tests() -> Program:
    """The fast part of the tests, which touch neither disk nor network."""
    argv = ["python", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/model"]
    return Program(argv, env={"HYPOTHESIS_PROFILE": "ci"})


@task(sandbox=Sandbox(write=("dist/",)), timeout=300, idempotent=True)
def build_wheel() -> Wheel:
    """Build the wheel into dist/."""
    for old in Path("dist").glob("*.whl"):
        old.unlink()
    _program("-m", "hatchling", "build", "-t", "wheel", "-d", "dist")
    (path,) = Path("dist").glob("*.whl")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(path=str(path), version=path.name.split("-")[1], sha256=digest)


@task(timeout=300, idempotent=True)
def try_wheel(wheel: str) -> str:
    """Install the wheel in a fresh venv of the sandbox's own /tmp, and ask it for its version."""
    with tempfile.TemporaryDirectory() as folder:
        return _installed_version(folder, "--no-index", wheel)


@shell_task(idempotent=True)
def read_log() -> list[str]:
    """The commits that the notes are written from."""
    return ["git", "log", "--no-decorate", "--max-count=20", "--pretty=format:%h %s"]


@task(inline=True, idempotent=True)
def write_notes(version: str, log: str) -> str:
    """Release notes of a version, from its log."""
    changes = "\n".join(f"- {line.partition(' ')[2]}" for line in log.splitlines())
    return f"# Babysitter {version}\n\n{changes or '- first release'}\n"


@task(
    environment="production",
    critical=True,
    sandbox=Sandbox(network=("loopback",)),
    retries=RetryPolicy(attempts=3, delay_s=0.2),
    timeout=60,
    idempotent=True,
)
def publish(index: str, wheel: str, sha256: str, token: Secret) -> Published:
    """Upload the wheel. The index takes the same file twice, so a try of unknown outcome may be repeated."""
    request = urllib.request.Request(
        f"{index}/upload/{Path(wheel).name}",
        data=Path(wheel).read_bytes(),
        method="PUT",
        headers={"Authorization": f"Bearer {token.reveal()}", "X-SHA256": sha256},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Published(url=json.load(answer)["url"], status=answer.status)
    except urllib.error.HTTPError as refusal:
        raise PermissionError(f"the index answered {refusal.code}: {refusal.read().decode()}") from None


@task(sandbox=Sandbox(network=("loopback",)), timeout=300, idempotent=True)
def install_from_index(index: str, version: str) -> str:
    """Install the release as a user would, and ask it for its version."""
    with tempfile.TemporaryDirectory() as folder:
        return _installed_version(folder, "--index-url", f"{index}/simple/", f"babysitter=={version}")


def _installed_version(folder: str, *what: str) -> str:
    _program("-m", "venv", folder)
    pip = [f"{folder}/bin/python", "-m", "pip", "--isolated", "--disable-pip-version-check", "--quiet"]
    _run([*pip, "install", "--no-deps", "--no-cache-dir", *what])
    return _run([f"{folder}/bin/babysitter", "--version"]).strip().removeprefix("babysitter ")


def _program(*arguments: str) -> str:
    return _run([sys.executable, "-B", *arguments])


def _run(argv: list[str]) -> str:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(argv[:4])} … left with {done.returncode}: {done.stderr.strip()[-800:]}"
        )
    return done.stdout


@process
async def release(inputs: ReleaseInputs, ctx: Context) -> Released:
    """Release this repository to an index."""
    tested, wheel, log = await ctx.parallel.all(
        ctx.task(run_tests), ctx.task(build_wheel), ctx.task(read_log)
    )
    version = await ctx.task(try_wheel, wheel.path)
    notes = await ctx.task(write_notes, version, log.stdout)
    await ctx.artifact("plan.md", _plan(inputs, wheel, tested, notes))

    token = secret("env:RELEASE_INDEX_TOKEN")
    review = await ctx.breakpoint(
        question="Deploy with production credentials?",
        title="Production Deployment",
        context={"environment": "production", "critical": True},
        files=["artifacts/plan.md"],
        approves=[publish.call(inputs.index, wheel.path, wheel.sha256, token)],
    )
    if not review.approved:
        return Released(done=False, version=version, why=review.feedback)

    published = await ctx.task(publish, inputs.index, wheel.path, wheel.sha256, token)
    installed = await ctx.task(install_from_index, inputs.index, version)
    return Released(done=installed == version, version=version, url=published.url, installed=installed)


def _plan(inputs: ReleaseInputs, wheel: Wheel, tested: ShellResult, notes: str) -> str:
    summary = tested.stdout.strip().splitlines()[-1] if tested.stdout.strip() else "no output"
    return (
        f"# Plan\n\n- tests: {summary}\n- wheel: {wheel.path}\n- SHA-256: {wheel.sha256}\n"
        f"- publish to: {inputs.index}\n- then install from there and check the version\n\n{notes}"
    )
