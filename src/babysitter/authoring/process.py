"""The author's ``@process``: an ``async`` function of its inputs and a ``Context``.

Everything it wants from the world it awaits from the context; everything else is
its own plain Python, and does the same each time it is run over the same journal.

Reference: docs/reference/authoring.md. What drives it: engine/machine.py.
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar, cast, get_type_hints, overload

import msgspec

from babysitter.authoring.arguments import Reader, to_json
from babysitter.authoring.context import Context
from babysitter.authoring.steps import Value
from babysitter.model.errors import InvalidValueError, TaskError, UsageError
from babysitter.model.values import Json

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
I = TypeVar("I")  # noqa: E741 (inputs)


class Process(Generic[I, R_co]):
    """An author's process: what takes inputs ``I`` and gives ``R_co``."""

    def __init__(self, function: Callable[..., Any], process_id: str = "", owner: str | None = None) -> None:
        if not inspect.iscoroutinefunction(function):
            raise UsageError(
                f"{getattr(function, '__qualname__', function)!r} is not an async function.",
                hint="Write it as: @process, and below it: async def name(inputs, ctx).",
            )
        self.function: Callable[..., Coroutine[Any, Any, R_co]] = function
        self.name = function.__name__
        self.process_id = process_id or self.name
        self.owner = owner
        self.source_file = function.__code__.co_filename
        self._takes_inputs = _takes_inputs(function)
        self._inputs: Reader | None = None
        self._output: Reader | None = None
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __call__(self, *args: Value, **kwargs: Value) -> Coroutine[Value, Value, R_co]:
        """Return the function's coroutine: to be awaited by another process as a part of the same run."""
        return self.function(*args, **kwargs)

    def inputs_from(self, value: Json) -> I:
        """Return a run's inputs as the type that the process names.

        Raises:
            InvalidValueError: they are not of that type.
        """
        if not self._takes_inputs:
            if value in (None, {}):
                return cast("I", None)
            raise InvalidValueError(
                f"{self.process_id} takes no inputs.", hint="Leave them out.", path="inputs"
            )
        if self._inputs is None:
            self._read_annotations()
            assert self._inputs is not None, "just set"
        try:
            return cast("I", self._inputs.read(value))
        except msgspec.ValidationError as error:
            raise InvalidValueError(
                f"the inputs of {self.process_id} are not what it takes: {error}.",
                hint="Mend the inputs, or the type that the process names for them.",
                path="inputs",
            ) from None

    def inputs_to(self, inputs: I) -> Json:
        """Return inputs as checked JSON that ``inputs_from`` accepts.

        Raises:
            InvalidValueError: they are not JSON, or not of the type that the process names.
        """
        value = to_json(inputs, f"inputs of {self.process_id}")
        self.inputs_from(value)
        return value

    def output_to(self, result: Value) -> Json:
        """Return what the process returned as checked JSON.

        Raises:
            InvalidValueError: it is not JSON.
        """
        return to_json(result, f"the result of {self.process_id}")

    def output_from(self, value: Json) -> R_co:
        """Return a run's output as the type that the process names.

        Raises:
            TaskError: it is not of that type.
        """
        if self._output is None:
            self._read_annotations()
            assert self._output is not None, "just set"
        try:
            return cast("R_co", self._output.read(value))
        except msgspec.ValidationError as error:
            raise TaskError("ResultTypeError", f"the output is not what the process says: {error}") from None

    def begin(self, inputs: Json, ctx: Context) -> Coroutine[Any, Any, R_co]:
        """Return the process's coroutine for a run, not yet started.

        Raises:
            InvalidValueError: the inputs are not what the process takes.
        """
        read = self.inputs_from(inputs)
        return self.function(read, ctx) if self._takes_inputs else self.function(ctx)

    def _read_annotations(self) -> None:
        try:
            hints = get_type_hints(self.function, include_extras=True)
        except NameError as error:
            raise UsageError(
                f"an annotation of the process {self.name} does not resolve: {error}.",
                hint="Annotate with types that stand in the module, outside of functions.",
            ) from None
        first = next(iter(inspect.signature(self.function).parameters))
        self._inputs = Reader(hints.get(first, Any))
        self._output = Reader(hints.get("return", Any))

    def __repr__(self) -> str:
        return f"<process {self.process_id}>"


def _takes_inputs(function: Callable[..., Any]) -> bool:
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) not in (1, 2) or any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters):
        raise UsageError(
            f"the process {function.__name__}{inspect.signature(function)} takes not (inputs, ctx) or (ctx).",
            hint="Put what it needs into one type for its inputs.",
        )
    if len(parameters) == 2 and parameters[0].annotation in (Context, "Context"):
        raise UsageError(
            f"the process {function.__name__} takes its context first.", hint="Write (inputs, ctx)."
        )
    return len(parameters) == 2


class ProcessDecorator(Protocol):
    """Makes a process of an ``async`` function."""

    @overload
    def __call__(self, function: Callable[[I, Context], Coroutine[Any, Any, R]], /) -> Process[I, R]: ...
    @overload
    def __call__(self, function: Callable[[Context], Coroutine[Any, Any, R]], /) -> Process[None, R]: ...


@overload
def process(function: Callable[[I, Context], Coroutine[Any, Any, R]], /) -> Process[I, R]: ...
@overload
def process(function: Callable[[Context], Coroutine[Any, Any, R]], /) -> Process[None, R]: ...
@overload
def process(*, id: str = ..., owner: str | None = ...) -> ProcessDecorator: ...
def process(
    function: Callable[..., Any] | None = None,
    /,
    *,
    id: str = "",  # noqa: A002 (as the author means it)
    owner: str | None = None,
) -> Value:
    """Make a process of an ``async`` function of ``(inputs, ctx)`` or ``(ctx)``.

    id: what journals call it; the function's name unless given.
    owner: counts as an author of every run of it, where rules say that authors may not approve.

    Raises:
        UsageError: it is not such a function.
    """
    if function is None:
        return lambda function: Process(function, id, owner)
    return Process(function, id, owner)
