"""What each tool takes. Every text has a length, every number a range, every list a size.

The JSON schema that clients see is made from these types; a call is checked against the same.
"""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from babysitter.model.errors import InvalidValueError
from babysitter.model.values import Json, check_json

ARGUMENTS_BYTES_MAX = 4 * 1024 * 1024
EVENTS_MAX = 500
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]+$"


def _name(description: str, longest: int = 300) -> Meta:
    return Meta(min_length=1, max_length=longest, pattern=_NO_CONTROLS, description=description)


Run = Annotated[str, _name("A run's id, a beginning of it that no other has, or last.")]
Task = Annotated[str, _name("The effect's id, as run_iterate and task_list give it.")]
Breakpoint = Annotated[str, _name("RUN/BREAKPOINT; each may be a beginning that no other has.", 600)]
Text = Annotated[str, Meta(max_length=64 * 1024)]
Output = Annotated[str, Meta(max_length=ARGUMENTS_BYTES_MAX)]
Seconds = Annotated[
    float, Meta(ge=1, le=300, description="With drive: when to answer although the run goes on.")
]
Drive = Annotated[
    bool,
    Meta(
        description="Babysitter performs the effects itself, in its sandbox, until the run ends or waits. "
        "Without: effects are handed out to you."
    ),
]


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Arguments of a tool."""


class StartRun(Arguments, frozen=True, kw_only=True):
    """A process, and what it begins with."""

    entry: Annotated[
        str, _name("path/to/file.py#name or package.module:name, inside of the workspace.", 1024)
    ]
    inputs: Annotated[Json, Meta(description="What the process gets; any JSON.")] = None
    run_id: Annotated[str, _name("The run's id; a new one where it is left out.")] | None = None
    drive: Drive = False
    seconds: Seconds = 30.0


class IterateRun(Arguments, frozen=True, kw_only=True):
    """A run to move on."""

    run_id: Run
    drive: Drive = False
    seconds: Seconds = 30.0


class OneRun(Arguments, frozen=True, kw_only=True):
    """A run."""

    run_id: Run


class EventsOfRun(Arguments, frozen=True, kw_only=True):
    """A part of a run's journal."""

    run_id: Run
    after: Annotated[int, Meta(ge=0, description="Only lines after this seq.")] = 0
    types: Annotated[
        tuple[Annotated[str, _name("A type such as EFFECT_RESOLVED.", 64)], ...], Meta(max_length=64)
    ] = ()
    limit: Annotated[int, Meta(ge=1, le=EVENTS_MAX)] = 100


class TasksOfRun(Arguments, frozen=True, kw_only=True):
    """A run's tasks."""

    run_id: Run
    pending: Annotated[bool, Meta(description="Only those without an outcome.")] = False


class OneTask(Arguments, frozen=True, kw_only=True):
    """A task of a run."""

    run_id: Run
    effect_id: Task


class Failure(Arguments, frozen=True, kw_only=True):
    """Why a task failed."""

    message: Text
    name: Annotated[str, _name("The failure's name, as a process catches it.", 200)] = "Error"


class PostTask(Arguments, frozen=True, kw_only=True):
    """The outcome of a task that was handed out: either ``value`` or ``error``."""

    run_id: Run
    effect_id: Task
    value: Annotated[Json | UnsetType, Meta(description="The result; any JSON, null too.")] = UNSET
    error: Failure | None = None
    stdout: Output | None = None
    stderr: Output | None = None


class BreakpointsOfRun(Arguments, frozen=True, kw_only=True):
    """Whose breakpoints: a run's, decided ones too; left out: all that wait for a person."""

    run_id: Run | None = None


class OneBreakpoint(Arguments, frozen=True, kw_only=True):
    """A breakpoint."""

    breakpoint: Breakpoint


class AnswerBreakpoint(Arguments, frozen=True, kw_only=True):
    """A person's answer. ``statement`` and ``signature`` come together, made by the person's own key."""

    breakpoint: Breakpoint
    decision: Literal["approve", "reject", "defer"]
    comment: Text = ""
    statement: Text = ""
    signature: Text = ""
    on_behalf_of: Annotated[str, _name("Whose place is taken, by delegation.")] | None = None
    break_glass: bool = False


class Verify(Arguments, frozen=True, kw_only=True):
    """What to verify."""

    run_id: Annotated[str, _name("Only this run; left out: all, and that none is missing.")] | None = None


class ScanPaths(Arguments, frozen=True, kw_only=True):
    """What to look at."""

    paths: Annotated[
        tuple[Annotated[str, _name("A file or folder of the workspace.", 4096)], ...],
        Meta(min_length=1, max_length=100),
    ] = (".",)
    exclude: Annotated[
        tuple[Annotated[str, _name("A name or relative path to leave out; may have * and ?.")], ...],
        Meta(max_length=100),
    ] = ()


class Explain(Arguments, frozen=True, kw_only=True):
    """A breakpoint that is open, or else what a task would be."""

    breakpoint: Breakpoint | None = None
    task: Annotated[str, _name("What if this task were asked for?")] | None = None
    process: Annotated[str, Meta(max_length=300)] = ""
    environment: Annotated[str, Meta(max_length=300)] | None = None
    critical: bool = False
    tags: Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(max_length=64)] = ()


A = TypeVar("A", bound=Arguments)


def read_arguments(kind: type[A], given: object) -> A:
    """Return what a client gave as what the tool takes.

    Raises:
        InvalidValueError: it is not that, is too much, or is no JSON that survives a round trip.
    """
    check_json(given, where="arguments")
    if len(msgspec.json.encode(given)) > ARGUMENTS_BYTES_MAX:
        raise InvalidValueError(
            f"the arguments have more than {ARGUMENTS_BYTES_MAX // 1024 // 1024} MiB.", hint="Give less."
        )
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise InvalidValueError(
            f"the arguments are wrong: {error}.", hint="See the tool's inputSchema."
        ) from None
