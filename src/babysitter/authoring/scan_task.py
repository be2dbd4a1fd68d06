"""``security_scan(…)``: a task that has scanners look at the workspace.

Its result is a ``Scan``; ``ctx.breakpoint(findings=scan)`` hands its counts to the rules. A scan in which a
tool was missing, offline or failed counts nothing, so that no rule takes it for a clean one.
"""

from collections.abc import Iterable
from typing import Unpack

from babysitter.authoring.fixed_task import FixedTask
from babysitter.authoring.task_options import TaskOptions, task_spec
from babysitter.model.errors import InvalidValueError
from babysitter.model.findings import Scan
from babysitter.model.values import Json


def security_scan(
    *, tools: Iterable[str] = (), paths: Iterable[str] = (), **options: Unpack[TaskOptions]
) -> FixedTask[Scan]:
    """Make a task that scans the workspace.

    tools: which scanners, as ``["bandit", "semgrep"]``; none: those of ``[scan] tools``.
    paths: what they look at, relative to the workspace; none: all of it.
    options: as those of any task. A scanner that asks a service needs ``sandbox=Sandbox(network=("*",))``.

    Raises:
        InvalidValueError: a name or a path is no text.
    """
    # A scan changes nothing, so one of which nobody knows how it ended is simply made again.
    said: TaskOptions = {"id": "security_scan", "idempotent": True, **options}
    asked: dict[str, Json] = {"tools": _texts(tools, "tools"), "paths": _texts(paths, "paths")}
    return FixedTask(_scan, task_spec(_scan, "scan", said), Scan, asked)


def _scan() -> Scan:
    """Stand for what the executor does: there is nothing to call outside of a run."""
    raise NotImplementedError("a scan is performed by a run: await ctx.task(security_scan(…))")


def _texts(values: Iterable[str], where: str) -> list[str]:
    found = list(values)
    if isinstance(values, str) or not all(isinstance(each, str) and each for each in found):
        raise InvalidValueError(
            f"security_scan: {where} is {values!r}, which is no list of names.",
            hint=f'Write {where}=["…"].',
            path=where,
        )
    return found
