"""A runner that runs nothing, a resolver of two secrets, and attempts."""

from collections.abc import Callable
from typing import Any

from babysitter.model.effects import Sandbox, TaskKind, TaskSpec
from babysitter.model.errors import SecretError
from babysitter.model.runner import Attempt, Ended, OutputSink, Program, StopToken
from babysitter.model.secret import Secret
from babysitter.model.values import Json

VALUES = {"env:TOKEN": "correct-horse-battery"}


class FakeRunner:
    """Writes what it was told to, and remembers the program."""

    name = "fake"

    def __init__(self, ended: Ended | Exception, stdout: bytes = b"", stderr: bytes = b"") -> None:
        self.ended, self.stdout, self.stderr = ended, stdout, stderr
        self.programs: list[Program] = []

    def profile_sha256(self, sandbox: Sandbox) -> str:
        return "0" * 64

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        self.programs.append(program)
        if isinstance(self.ended, Exception):
            raise self.ended
        stdout.write(self.stdout)
        stderr.write(self.stderr)
        return self.ended


class FakeResolver:
    """Resolves ``VALUES``."""

    def resolve(self, ref: str) -> str:
        if ref not in VALUES:
            raise SecretError(f"{ref} is not set.")
        return VALUES[ref]

    def reveal(self, value: Json) -> Json:
        if isinstance(value, Secret):
            return self.resolve(value.ref)
        if isinstance(value, dict):
            return {key: self.reveal(item) for key, item in value.items()}
        return [self.reveal(item) for item in value] if isinstance(value, list) else value

    def occurs_in(self, text: str) -> str | None:
        return next((ref for ref, value in VALUES.items() if value in text), None)


class FakeSink:
    """Keeps everything, masked by hand."""

    def __init__(self) -> None:
        self.kept = b""

    def write(self, chunk: bytes) -> None:
        self.kept += chunk

    def tail(self, count: int) -> str:
        return self.kept.decode().replace(VALUES["env:TOKEN"], "***")[-count:]


class NeverStopped:
    """A token that nobody sets."""

    def is_set(self) -> bool:
        return False

    def on_set(self, call: Callable[[], None]) -> None:
        """Nobody calls it."""


def attempt(kind: TaskKind, value: Json, **fields: Any) -> Attempt:
    """Return an attempt of a task ``work`` with this input."""
    named: dict[str, Any] = {"task_id": "work", "source": "tasks.py", "qualname": "work"} | fields
    return Attempt(
        effect_id="1-work",
        number=1,
        spec=TaskSpec(kind=kind, **named),
        input=value,
        stdout=FakeSink(),
        stderr=FakeSink(),
        stop=NeverStopped(),
    )


def exited(status: int = 0, result: bytes = b"", **fields: Any) -> Ended:
    """Return the end of a program that exited."""
    parts: dict[str, Any] = {"why": "exit", "status": status, "result": result} | fields
    return Ended(**parts)
