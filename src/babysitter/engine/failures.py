"""How a run fails: an author's exception as it is journaled, and the errors for breaking a rule."""

from types import CoroutineType, TracebackType
from typing import Final

from babysitter.authoring.steps import Driven, Place, Value, shown_place
from babysitter.engine.guard import is_library
from babysitter.model.errors import ForeignAwaitError, TaskError, UnawaitedCallError
from babysitter.model.events import ErrorInfo

_NO_LOOP: Final = ("no running event loop", "no current event loop")
_FOREIGN_HINT: Final = (
    "Process code awaits only what ctx gives: "
    "ctx.sleep for asyncio.sleep, ctx.parallel.all for asyncio.gather, "
    "ctx.parallel.map with limit= for a semaphore, ctx.task for anything that reaches the world."
)


def error_info(error: BaseException) -> ErrorInfo:
    """Return an exception as it is journaled: its class, its text, and the data of a task's error."""
    data = error.data if isinstance(error, TaskError) else None
    return ErrorInfo(name=type(error).__name__, message=_text(error), data=data)


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as second:  # noqa: BLE001 (an author's __str__ may raise anything; the run must end)
        text = f"(its text can't be had: {type(second).__name__})"
    return text.encode(errors="replace").decode()


def from_the_author(error: BaseException) -> BaseException:
    """Return the error with a traceback that begins in the author's code.

    Our own frames hold the error: left in, the two would keep each other, and all that
    the author's frames hold, until garbage is collected.
    """
    trace = error.__traceback__
    while trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith(
        "babysitter.engine."
    ):
        trace = trace.tb_next
    return error.with_traceback(trace)


def as_the_author_should_see(error: BaseException) -> BaseException:
    """Return the error, or the one that explains it where asyncio was used in process code."""
    if isinstance(error, RuntimeError) and any(text in str(error) for text in _NO_LOOP):
        line = _line_of(error.__traceback__)
        explained = ForeignAwaitError(f"process code used asyncio, at {line}.", hint=_FOREIGN_HINT, line=line)
        explained.__cause__ = error
        return explained
    return error


def foreign_await(yielded: Value, driven: Driven) -> ForeignAwaitError:
    """Return the error for awaiting something that is not of ctx."""
    line = _suspended_line(driven)
    what = "nothing (a bare yield)" if yielded is None else f"a {type(yielded).__name__}"
    return ForeignAwaitError(
        f"process code awaited {what} that is not of ctx, at {line}.", hint=_FOREIGN_HINT, line=line
    )


def _suspended_line(driven: Driven) -> str:
    """Return the innermost line of the author's at which a coroutine is suspended."""
    line = ""
    inner: Value = driven
    while isinstance(inner, CoroutineType):
        frame = inner.cr_frame
        if frame is not None and not (line and is_library(frame.f_code.co_filename)):
            line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        inner = inner.cr_await
    return line


def _line_of(trace: TracebackType | None) -> str:
    """Return the innermost line of the author's that an error passed."""
    line = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if not (line and is_library(code.co_filename)):
            line = f"{code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return line


def unawaited(place: Place) -> UnawaitedCallError:
    """Return the error for a call on ctx that was made and dropped."""
    line = shown_place(place)
    return UnawaitedCallError(
        f"a call on ctx was made at {line} and never awaited.", hint="Write `await` before it.", line=line
    )
