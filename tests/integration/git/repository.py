"""A git repository of a test, and a stand-in for what finds credentials."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.model.findings import Finding, Span, fingerprint_of
from babysitter.service.git.hooks import Hooks
from babysitter.service.git.repository import Repository

CREDENTIAL = "the-one-credential-of-these-tests"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_ALLOW_PROTOCOL": "file",
    "LANG": "C.UTF-8",
}


def find(data: bytes, path: str) -> list[Finding]:
    """Find the one credential that these tests know."""
    found = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if CREDENTIAL.encode() in line:
            found.append(
                Finding(
                    tool="test",
                    rule="the-one",
                    category="credential",
                    severity="critical",
                    path=path,
                    message="a credential",
                    fingerprint=fingerprint_of("test", "the-one", path, "x"),
                    span=Span(line=number),
                )
            )
    return found


class Repo:
    """A repository on disk."""

    def __init__(self, root: Path, environment: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.environment = {**ENVIRONMENT, "HOME": str(root.parent), **(environment or {})}

    @classmethod
    def make(cls, root: Path, *options: str) -> "Repo":
        root.mkdir(parents=True, exist_ok=True)
        made = cls(root)
        made.git("init", "--quiet", "--initial-branch=main", *options)
        return made

    def git(self, *words: str, stdin: str = "") -> str:
        done = self.tried(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def tried(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["git", *words],
            cwd=self.root,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def write(self, path: str, text: str | bytes = "x\n", *, mode: int = 0o644) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        file.chmod(mode)
        return file

    def staged(self, path: str, text: str | bytes = "x\n") -> Path:
        file = self.write(path, text)
        self.git("--literal-pathspecs", "add", "--force", "--", path)
        return file

    def commit(self, path: str = "", text: str | bytes = "x\n", message: str = "m") -> str:
        if path:
            self.staged(path, text)
        self.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def asked(self) -> Repository:
        return Repository(programs=LocalPrograms(), folder=self.root)

    def hooks(self, *, python: str = sys.executable, package: str = "") -> Hooks:
        import babysitter

        main = package or str(Path(babysitter.__file__).with_name("__main__.py"))
        return Hooks(repository=self.asked(), python=python, package=main)
