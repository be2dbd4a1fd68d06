"""Babysitter runs AI-agent workflows that can be proven.

The author's surface is importable from here and loaded on first use, so that
``babysitter --version`` pays for none of it.
"""

from babysitter._version import __version__

# Type checkers take this name for typing's; importing typing would cost --version 6 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from babysitter.authoring.context import Context, Review
    from babysitter.authoring.process import process
    from babysitter.authoring.scan_task import security_scan
    from babysitter.authoring.tasks import Program, ShellResult, node_task, shell_task, task
    from babysitter.authoring.tests_task import security_tests
    from babysitter.model.effects import RetryPolicy, Sandbox
    from babysitter.model.errors import CancelledRunError, TaskError
    from babysitter.model.findings import Scan
    from babysitter.model.secret import Secret, secret
    from babysitter.model.security_tests import SecurityReport

_HOMES = {
    "CancelledRunError": "babysitter.model.errors",
    "Context": "babysitter.authoring.context",
    "Program": "babysitter.authoring.tasks",
    "RetryPolicy": "babysitter.model.effects",
    "Review": "babysitter.authoring.context",
    "Sandbox": "babysitter.model.effects",
    "Scan": "babysitter.model.findings",
    "Secret": "babysitter.model.secret",
    "SecurityReport": "babysitter.model.security_tests",
    "ShellResult": "babysitter.authoring.tasks",
    "TaskError": "babysitter.model.errors",
    "node_task": "babysitter.authoring.tasks",
    "process": "babysitter.authoring.process",
    "secret": "babysitter.model.secret",
    "security_scan": "babysitter.authoring.scan_task",
    "security_tests": "babysitter.authoring.tests_task",
    "shell_task": "babysitter.authoring.tasks",
    "task": "babysitter.authoring.tasks",
}

__all__ = [
    "CancelledRunError",
    "Context",
    "Program",
    "RetryPolicy",
    "Review",
    "Sandbox",
    "Scan",
    "Secret",
    "SecurityReport",
    "ShellResult",
    "TaskError",
    "__version__",
    "node_task",
    "process",
    "secret",
    "security_scan",
    "security_tests",
    "shell_task",
    "task",
]


def __getattr__(name: str) -> "Any":  # noqa: ANN401 (each name has its own type; TYPE_CHECKING above gives it)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'babysitter' has no attribute {name!r}")
    import importlib  # noqa: PLC0415 (only when a name is first used)

    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value
