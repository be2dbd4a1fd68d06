"""Definitions of work: ``@task``, ``@shell_task``, ``@node_task``.

A task is data (its ``TaskSpec``) and a typed door: what goes in is bound by the
function's signature and checked before anything is journaled, what comes out is
read as its annotation says. Calling a task outside of a run calls the plain
function, so that it can be tested as any other.

Performing is the executors' work; of this module they use ``Task.perform``.
Reference: docs/reference/authoring.md.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

import msgspec

from babysitter.authoring.arguments import Parameters, Reader, holds_secret, to_json
from babysitter.authoring.steps import Value
from babysitter.authoring.task_options import TaskOptions, check_importable, task_spec
from babysitter.model.commands import CoveredCall
from babysitter.model.effects import Sandbox, TaskSpec
from babysitter.model.errors import InvalidValueError, SecretError, TaskError, UsageError
from babysitter.model.secret import Secret
from babysitter.model.values import Json

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class ShellResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a program gave. stdout and stderr are text, masked, their ends only when they are long."""

    exit_code: int
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """What a shell task runs, when argv alone does not say it.

    env: variables for this program; a ``Secret`` is resolved where it runs.
    stdin: text for standard input. cwd: relative to the workspace.
    """

    argv: Sequence[str]
    env: Mapping[str, str | Secret] = field(default_factory=dict)
    stdin: str | Secret = ""
    cwd: str = "."


ShellCall = Sequence[str] | Program


class Task(Generic[P, R_co]):
    """A definition of work that ``ctx.task`` can ask for: arguments ``P``, result ``R_co``."""

    def __init__(self, function: Callable[P, Any], spec: TaskSpec, returns: Value = None) -> None:
        self.function: Callable[..., Any] = function
        self.spec = spec
        self._parameters = Parameters(function, spec.task_id, gets_secrets=spec.kind != "inline")
        self._returns = returns
        self.inline_function = self.perform if spec.kind == "inline" else None
        self._result: Reader | None = None
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__
        self.__wrapped__ = function

    def call(self, *args: P.args, **kwargs: P.kwargs) -> CoveredCall:
        """Return the call as data, for ``ctx.breakpoint(approves=[…])``: exactly these arguments."""
        return CoveredCall(spec=self.spec, input=self.bind(args, kwargs))

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Json:
        """Return the call's input as checked JSON, in the form of model.commands.RequestEffect.

        Raises:
            InvalidValueError: the arguments do not fit the signature, its annotations, or JSON.
            SecretError: a secret would reach an inline task or an argv.
        """
        values = self._parameters.to_json(self._parameters.arguments(args, kwargs))
        if self.spec.kind == "shell":
            return _program_input(self.spec, self.function(*args, **kwargs))
        return values

    def decode(self, value: Json) -> R_co:
        """Return a result as the type that the task names.

        Raises:
            TaskError: it is not of that type.
        """
        reader = self._result or self._read_result()
        try:
            result: R_co = reader.read(value)
            return result
        except msgspec.ValidationError as error:
            raise TaskError(
                "ResultTypeError", f"the result is not what the task says: {error}", task_id=self.spec.task_id
            ) from None

    def perform(self, value: Json) -> Json:
        """Call the function, to its end if it is ``async``, and return its result; both ways as JSON.

        Raises:
            InvalidValueError: the result is not JSON, or holds a secret.
        """
        result = self._parameters.call(value)
        if inspect.iscoroutine(result):
            import asyncio  # noqa: PLC0415 (30 ms to import, needed by async tasks only)

            result = asyncio.run(result)
        where = f"the result of {self.spec.task_id}"
        plain = to_json(result, where)
        if holds_secret(plain):
            raise InvalidValueError(
                f"{where} holds a secret.", hint="Return what the caller needs to know.", path=where
            )
        return plain

    def takes_secrets(self) -> bool:
        """Tell whether a parameter is annotated as a secret."""
        return self._parameters.takes_secrets()

    def _read_result(self) -> Reader:
        hint = self._returns
        if hint is None:
            hint = self._parameters.annotations().get("return", Any)
        self._result = reader = Reader(hint)
        return reader

    def __repr__(self) -> str:
        return f"<{self.spec.kind} task {self.spec.task_id}>"


class FunctionTask(Task[P, R_co]):
    """A task whose work is its function. Calling it calls the function."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function, as a test of it does."""
        return cast("R_co", self.function(*args, **kwargs))


class ShellTask(Task[P, R_co]):
    """A task whose function says what to run. Calling it gives that."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> ShellCall | str:
        """Return what the task would run."""
        return cast("ShellCall | str", self.function(*args, **kwargs))


def _program_input(spec: TaskSpec, made: Value) -> Json:
    """Return the input of a shell task from what its function returned."""
    shell = spec.options.get("shell")
    program = made if isinstance(made, Program) else Program(argv=made)
    argv: Any = program.argv
    if isinstance(argv, str):
        if not shell:
            raise InvalidValueError(
                f"{spec.task_id} returned a string; a program is started from a list of arguments.",
                hint='Return a list, as ["make", target], or name a shell: @shell_task(shell="sh").',
                path="argv",
            )
        argv = [shell, "-c", argv]
    if not isinstance(argv, list | tuple) or not argv:
        raise InvalidValueError(
            f"{spec.task_id} returned {type(argv).__name__}, which is no program.",
            hint="Return a list of strings that is not empty, or a Program.",
            path="argv",
        )
    for index, part in enumerate(argv):
        _check_argument(spec.task_id, index, part)
    found: dict[str, Any] = {"argv": list(argv)}
    if program.env:
        found["env"] = dict(program.env)
    if program.stdin:
        found["stdin"] = program.stdin
    if program.cwd != ".":
        found["cwd"] = program.cwd
    return to_json(found, f"the program of {spec.task_id}")


def _check_argument(task_id: str, index: int, part: Value) -> None:
    if isinstance(part, Secret):
        raise SecretError(
            f"{part!r} stands in argument {index} of the program that {task_id} starts, "
            "where every user of the machine can read it.",
            hint="Return Program(argv, env={NAME: secret}) and let the program read the variable.",
        )
    if not isinstance(part, str) or "\0" in part:
        raise InvalidValueError(
            f"argument {index} of the program that {task_id} starts is {part!r}, which is no argument.",
            hint="Use strings; write numbers as str(number).",
            path=f"argv[{index}]",
        )


class TaskDecorator(Protocol):
    """Makes a task of a function, plain or ``async``."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> FunctionTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> FunctionTask[P, R]: ...


class ShellDecorator(Protocol[R_co]):
    """Makes a shell task of a function that says what to run."""

    def __call__(self, function: Callable[P, ShellCall | str], /) -> ShellTask[P, R_co]:
        """Return the task."""
        ...


@overload
def task(function: Callable[P, Coroutine[Any, Any, R]], /) -> FunctionTask[P, R]: ...
@overload
def task(function: Callable[P, R], /) -> FunctionTask[P, R]: ...
@overload
def task(*, inline: bool = ..., **options: Unpack[TaskOptions]) -> TaskDecorator: ...
def task(
    function: Callable[..., Any] | None = None, /, *, inline: bool = False, **options: Unpack[TaskOptions]
) -> Value:
    """Make a task of a Python function. It runs in a sandboxed process of its own; with ``inline``, in ours.

    Raises:
        UsageError: the options contradict each other, or the function can't be reached from another process.
    """

    def decorate(function: Callable[..., Any]) -> FunctionTask[..., Any]:
        made: FunctionTask[..., Any] = FunctionTask(
            function, task_spec(function, "inline" if inline else "python", options)
        )
        if inline:
            _check_inline(made)
        else:
            check_importable(function)
        return made

    return decorate if function is None else decorate(function)


@overload
def shell_task(function: Callable[P, ShellCall], /) -> ShellTask[P, ShellResult]: ...
@overload
def shell_task(
    *, returns: type[T], shell: str = ..., ok_statuses: Iterable[int] = ..., **options: Unpack[TaskOptions]
) -> ShellDecorator[T]: ...
@overload
def shell_task(
    *, shell: str = ..., ok_statuses: Iterable[int] = ..., **options: Unpack[TaskOptions]
) -> ShellDecorator[ShellResult]: ...
def shell_task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    returns: Value = None,
    shell: str = "",
    ok_statuses: Iterable[int] = (0,),
    **options: Unpack[TaskOptions],
) -> Value:
    """Make a task of a function that returns the argv of a program, or a ``Program``.

    returns: the program prints JSON of this type, which is the result; otherwise it is a ``ShellResult``.
    shell: the function returns a command line for this shell, for example ``"sh"``.
    ok_statuses: the exit statuses that are no failure.
    """
    kind_options = {"output": "text" if returns is None else "json", "okStatuses": list(ok_statuses)}
    if shell:
        kind_options["shell"] = shell

    def decorate(function: Callable[..., Any]) -> ShellTask[..., Any]:
        spec = task_spec(function, "shell", options, kind_options)
        return ShellTask(function, spec, ShellResult if returns is None else returns)

    return decorate if function is None else decorate(function)


def node_task(script: str, **options: Unpack[TaskOptions]) -> TaskDecorator:
    """Make a task of a Node script; the function is a stub that gives arguments and result their types.

    script: a path relative to the workspace.
    """

    def decorate(function: Callable[..., Any]) -> FunctionTask[..., Any]:
        return FunctionTask(function, task_spec(function, "node", options, {"script": script}))

    return cast("TaskDecorator", decorate)


def _check_inline(made: Task[..., Any]) -> None:
    spec = made.spec
    refused = ""
    if spec.environment == "production" or spec.critical:
        refused = "is production or critical"
    elif spec.sandbox != Sandbox():
        refused = "asks for a sandbox"
    elif made.takes_secrets():
        refused = "takes a secret"
    if refused:
        raise UsageError(
            f"the task {spec.task_id} runs inline and {refused}.",
            hint="Leave out inline=True: then it runs in its sandbox, approved where that is needed.",
        )
