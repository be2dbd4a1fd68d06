"""Ports around performing: starting a program confined, performing an attempt, keeping its output."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from babysitter.model.effects import Denial, Outcome, Sandbox, TaskSpec
from babysitter.model.values import Json


class StopToken(Protocol):
    """Says that the attempt is no longer wanted."""

    def is_set(self) -> bool:
        """True from the moment somebody stops the attempt."""
        ...

    def on_set(self, call: Callable[[], None]) -> None:
        """Have ``call`` called once, from any thread, when the token is set; at once when it is already."""
        ...


class OutputSink(Protocol):
    """Takes what a program writes. Masks, caps and keeps it."""

    def write(self, chunk: bytes) -> None:
        """Keep the chunk, masked; beyond the cap only count it."""
        ...

    def tail(self, count: int) -> str:
        """Return up to ``count`` last characters kept, masked, for error texts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to start.

    argv: the program and its arguments; never a shell string, never a secret.
    env: the whole environment (values in memory only); nothing is inherited.
    input: bytes for file descriptor 3 (None: no descriptor). ``BABYSITTER_INPUT_FD`` names it.
    stdin: bytes for standard input; empty: /dev/null.
    cwd: relative to the workspace.
    result_bytes_max: room for file descriptor 4 (``BABYSITTER_RESULT_FD``; its path in
        ``BABYSITTER_RESULT_FILE``).
    read_only: absolute paths visible besides the system's and the workspace (an interpreter's own files).
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    input: bytes | None = None
    stdin: bytes = b""
    cwd: str = "."
    timeout_s: float | None = None
    result_bytes_max: int = 16 * 1024 * 1024
    read_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended.

    ``why`` is ``exit``, ``signal``, ``timeout`` or ``stopped``; nothing of its group is alive.
    ``usage``: numbers for EFFECT_RESOLVED, such as how much went to which granted host.
    """

    why: str
    status: int
    result: bytes
    denials: tuple[Denial, ...] = ()
    usage: dict[str, float] = field(default_factory=dict)


class Runner(Protocol):
    """Starts programs in the sandbox; the only thing that starts programs at all."""

    name: str
    """``bubblewrap``, ``landlock`` or ``none``: journaled in RUN_CREATED."""

    def profile_sha256(self, sandbox: Sandbox) -> str:
        """Return the digest of the effective profile, for EFFECT_STARTED."""
        ...

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        """Start the program, stream its output, wait; on timeout or stop end its whole process group.

        Raises:
            SandboxError: it cannot be confined as asked.
            MissingToolError: the program is not there.
        """
        ...


class Confinement(Runner, Protocol):
    """A runner that can say what it does, to people who ask before anything runs."""

    def profile(self, sandbox: Sandbox) -> Json:
        """Return the effective profile, whose digest ``profile_sha256`` is."""
        ...

    def check(self, sandbox: Sandbox) -> None:
        """Return when ``run`` would carry out these grants; nothing is made or started.

        Raises:
            SandboxError: it would refuse them.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What a program of this machine answered. ``status``: negative when a signal ended it."""

    status: int
    stdout: bytes
    stderr: bytes


class Programs(Protocol):
    """Starts stock programs of this machine (``ssh-keygen``, ``git``) for the person or operator at work.

    Unconfined, with this process's environment and terminal: never for a task, never for code of a workspace.
    """

    def call(
        self,
        argv: tuple[str, ...],
        *,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = 60.0,
    ) -> Called:
        """Start the program, give it ``stdin``, wait. ``env`` is added to this process's environment.

        Raises:
            MissingToolError: the program is not on this machine.
            ProgramTimeoutError: it did not end in time; it was killed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one effect, as an executor gets it.

    ``input`` may hold ``Secret`` leaves; only executors resolve them.
    """

    effect_id: str
    number: int
    spec: TaskSpec
    input: Json
    stdout: OutputSink
    stderr: OutputSink
    stop: StopToken


class Executor(Protocol):
    """Performs attempts of one kind of task. Called from many threads at once."""

    def perform(self, attempt: Attempt) -> Outcome:
        """Return how it ended. A failing task is an Outcome, not an exception.

        Raises:
            BabysitterError: it could not be tried at all (no sandbox, no program, no secret).
        """
        ...


class SecretSource(Protocol):
    """Gives the values of one scheme of references (``env:``, ``file:`` …)."""

    scheme: str

    def get(self, name: str) -> str | None:
        """Return the value, or None when there is none of that name.

        Raises:
            SecretSourceError: it can't be told, within a bounded time.
        """
        ...


@runtime_checkable
class ManySecrets(SecretSource, Protocol):
    """A source that gives several values for little more than the price of one."""

    def get_many(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the values that there are, by name."""
        ...


class Resolver(Protocol):
    """Resolves references, for executors."""

    def reveal(self, value: Json) -> Json:
        """Return the value with every ``Secret`` leaf replaced by its value, in memory only.

        Raises:
            SecretError: naming the reference that does not resolve.
        """
        ...

    def resolve(self, ref: str) -> str:
        """Return the value of one reference, as ``reveal``."""
        ...

    def occurs_in(self, text: str) -> str | None:
        """Return the reference of a secret whose value, in any known form, occurs in the text.

        None when none does.
        """
        ...
