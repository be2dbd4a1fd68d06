"""What any task may say about itself, and the ``TaskSpec`` that it makes."""

import inspect
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final, TypedDict

from babysitter.model.effects import RetryPolicy, Sandbox, TaskKind, TaskSpec
from babysitter.model.errors import UsageError

SOURCE_NAME: Final = "__babysitter_source__"
"""A module loaded from a file outside of the import path says here where it is, relative to the workspace."""


class TaskOptions(TypedDict, total=False):
    """What any task may say about itself.

    id: what the journal calls it; the function's name unless given.
    sandbox: what it may do beyond reading the workspace.
    retries: how many times a failed attempt is repeated, or a RetryPolicy.
    timeout: seconds for each attempt.
    idempotent: an attempt whose outcome is unknown after a crash may simply be made again.
    environment, critical: ``"production"`` or True need a person's approval of exactly the call's arguments.
    labels, owner: for rules, and for people who read the journal.
    """

    id: str
    sandbox: Sandbox
    retries: int | RetryPolicy
    timeout: float | timedelta | None
    idempotent: bool
    environment: str | None
    critical: bool
    labels: Iterable[str]
    owner: str | None


def task_spec(
    function: Callable[..., Any],
    kind: TaskKind,
    options: TaskOptions,
    kind_options: dict[str, Any] | None = None,
) -> TaskSpec:
    """Return the spec of a task of that kind.

    Raises:
        UsageError: it is no function, or there is no such option.
    """
    if not inspect.isfunction(function):
        raise UsageError(
            f"{function!r} is not a function.", hint="Put the decorator directly above a function."
        )
    unknown = set(options) - TaskOptions.__annotations__.keys()
    if unknown:
        known = ", ".join(sorted(TaskOptions.__annotations__))
        raise UsageError(
            f"{function.__name__}: no option {', '.join(sorted(unknown))}.", hint=f"There are: {known}."
        )
    retries = options.get("retries", 0)
    timeout = options.get("timeout")
    return TaskSpec(
        task_id=options.get("id") or function.__name__,
        kind=kind,
        source=_source(function),
        qualname=function.__qualname__,
        sandbox=options.get("sandbox", Sandbox()),
        retries=RetryPolicy(attempts=retries + 1) if isinstance(retries, int) else retries,
        timeout_s=timeout.total_seconds() if isinstance(timeout, timedelta) else timeout,
        idempotent=options.get("idempotent", False),
        environment=options.get("environment"),
        critical=options.get("critical", False),
        labels=tuple(options.get("labels", ())),
        owner=options.get("owner"),
        options=kind_options or {},
    )


def _source(function: Callable[..., Any]) -> str:
    """Return where another process finds the function: a module's name, or its file where that can't do."""
    module = function.__globals__
    name = str(module.get("__name__", ""))
    if SOURCE_NAME in module:
        return str(module[SOURCE_NAME])
    return str(module.get("__file__", name)) if name == "__main__" or name.startswith("_process_") else name


def check_importable(function: Callable[..., Any]) -> None:
    """Return when another process can find the function.

    Raises:
        UsageError: it stands inside another function.
    """
    if "<" in function.__qualname__:
        raise UsageError(
            f"the task {function.__qualname__} stands inside a function, where no other process finds it.",
            hint="Move it to the module's top level, or make it inline=True when it is trusted and trivial.",
        )
