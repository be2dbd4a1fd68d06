"""Perform inline tasks: call a trusted function in our own process. No sandbox, and so no secrets."""

from collections.abc import Callable

from babysitter.executors.python_child import describe
from babysitter.model.effects import Outcome
from babysitter.model.events import ErrorInfo
from babysitter.model.values import Json


def call_inline(function: Callable[[Json], Json], value: Json) -> Outcome:
    """Return what the function gives for the input, or its error under its own name."""
    try:
        return Outcome(value=function(value))
    except Exception as error:  # noqa: BLE001 (author code may raise anything; what it raises is the outcome)
        return Outcome(error=ErrorInfo(**describe(error)))
