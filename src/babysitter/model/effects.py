"""What a task is, what one attempt of it gets, and what comes back."""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct, structs

from babysitter.model.events import ErrorInfo
from babysitter.model.values import Json

TaskKind = Literal["inline", "python", "shell", "node", "scan", "tests"]


class RetryPolicy(Struct, frozen=True, kw_only=True, rename="camel"):
    """How often and how patiently a failed attempt is repeated.

    attempts: tries in all; 1 means no retry.
    delay_s, factor, delay_s_max: the n-th pause is uniform in [0, min(delay_s_max, delay_s * factor**(n-1))).
    """

    attempts: int = 1
    delay_s: float = 1.0
    factor: float = 2.0
    delay_s_max: float = 60.0


class Sandbox(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a task may do beyond nothing: each field is a grant, and the default only reads the workspace.

    read, write: paths, relative to the workspace or absolute; a path ending in ``/`` is a directory made
        when missing.
    network: ``()`` none; hosts with ports, as ``("api.example.com:443",)``, and nothing else (see
        model.network). ``("loopback",)`` for services of this machine, ``("*",)`` for any: both share the
        machine's network, and the first does not hold a task to what it says.
    env: names of environment variables passed through.
    memory_mb, processes, file_mb, tmp_mb: limits of the whole task, of one file, and of its private /tmp.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    memory_mb: int = 4096
    processes: int = 512
    file_mb: int = 1024
    tmp_mb: int = 512

    def __post_init__(self) -> None:
        """Take lists as authors write them, and keep tuples: a profile is compared and hashed."""
        for name in ("read", "write", "network", "env", "devices"):
            if type(getattr(self, name)) is list:
                structs.force_setattr(self, name, tuple(getattr(self, name)))


class TaskSpec(Struct, frozen=True, kw_only=True, rename="camel"):
    """A task as data: all that is needed to perform it, save its input.

    task_id: the function's name unless the author gives another.
    source: the ENTRY-like place of the function, ``path/to/file.py`` relative to the workspace, or
        ``package.module``.
    qualname: the function inside it.
    options: of the kind. shell: ``output`` (``text`` | ``json``), ``okStatuses``; node: ``script``.
    """

    task_id: str
    kind: TaskKind
    source: str
    qualname: str
    sandbox: Sandbox = Sandbox()
    retries: RetryPolicy = RetryPolicy()
    timeout_s: float | None = None
    idempotent: bool = False
    environment: str | None = None
    critical: bool = False
    labels: tuple[str, ...] = ()
    owner: str | None = None
    options: dict[str, Any] = {}


class Denial(Struct, frozen=True, kw_only=True):
    """Something the sandbox refused, as we decided or observed it. Becomes SANDBOX_DENIED."""

    what: str
    rule: str
    where: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """How an attempt ended: with ``error``, or without one and with ``value``."""

    value: Json = None
    error: ErrorInfo | None = None
    denials: tuple[Denial, ...] = ()
    usage: dict[str, float] | None = None


InlineFunction = Callable[..., Any]
