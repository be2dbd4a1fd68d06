"""Stock programs for tests: each call is answered by a function, and kept.

    programs = FakePrograms(lambda call: answered("v1.2"))

Fulfils ``model.runner.Programs``. What is asked of it is in ``calls``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from babysitter.model.errors import MissingToolError
from babysitter.model.runner import Called


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was asked to start. ``env``: what is added to this process's environment."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None


class FakePrograms:
    """Answers by ``answer``, which may raise as the real one does."""

    def __init__(self, answer: Callable[[Call], Called]) -> None:
        self._answer = answer
        self.calls: list[Call] = []

    def call(
        self,
        argv: tuple[str, ...],
        *,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = 60.0,
    ) -> Called:
        """See model.runner.Programs."""
        call = Call(argv=argv, stdin=stdin, cwd=cwd, env=env or {}, timeout_s=timeout_s)
        self.calls.append(call)
        return self._answer(call)


def answered(stdout: str | bytes = b"", *, status: int = 0, stderr: str = "") -> Called:
    """Return what a program answered."""
    out = stdout if isinstance(stdout, bytes) else stdout.encode()
    return Called(status=status, stdout=out, stderr=stderr.encode())


def missing(call: Call) -> Called:
    """Answer as a machine that has no such program.

    Raises:
        MissingToolError: always.
    """
    raise MissingToolError(f"{call.argv[0]} is not on this machine.", hint="Install it.")
