"""``security_tests(…)``: a task that runs the workspace's security tests and holds them against what changed.

Its result is a ``SecurityReport``; ``ctx.breakpoint(findings=report)`` hands the categories that count to the
rules. A runner that is missing or failed, and a change that nobody measures, leave none that counts.
"""

from collections.abc import Iterable
from typing import Unpack

from babysitter.authoring.fixed_task import FixedTask
from babysitter.authoring.task_options import TaskOptions, task_spec
from babysitter.model.changes import RUN, SINCE
from babysitter.model.errors import InvalidValueError
from babysitter.model.security_tests import SecurityReport
from babysitter.model.values import Json

TASK_ID = "security-tests"
"""What ``[[sandbox.tasks]]`` calls it, as for the command."""


def security_tests(
    *, since: str = RUN, python: str = "", arguments: Iterable[str] = (), **options: Unpack[TaskOptions]
) -> FixedTask[SecurityReport]:
    """Make a task that runs the tests of authentication, authorization, input validation and error handling.

    since: what the changes are counted from: ``run``, or a commit, as ``"main.."``.
    python: the interpreter with pytest, relative to the workspace; none: its virtual environment's.
    arguments: more for pytest.
    options: as those of any task.

    Raises:
        InvalidValueError: ``since`` names no commit or does not end at the workspace, or a text is none.
    """
    if not isinstance(since, str) or not (since == RUN or (SINCE.fullmatch(since) and since.endswith(".."))):
        raise InvalidValueError(
            f"security_tests: since is {since!r}, which names no changes of the workspace.",
            hint='Leave it out (since the run began), or name a commit: since="main..".',
            path="since",
        )
    more = list(arguments)
    if isinstance(arguments, str) or not all(isinstance(each, str) for each in (*more, python)):
        raise InvalidValueError(
            "security_tests: python is a path, and arguments are a list of texts.",
            hint='Write arguments=["-k", "login"].',
            path="arguments",
        )
    # Tests may be run again: what they change is in a sandbox that is thrown away.
    said: TaskOptions = {"id": TASK_ID, "idempotent": True, **options}
    asked: dict[str, Json] = {"since": since, "python": python, "arguments": more}
    return FixedTask(_tests, task_spec(_tests, "tests", said), SecurityReport, asked)


def _tests() -> SecurityReport:
    """Stand for what the executor does: there is nothing to call outside of a run."""
    raise NotImplementedError("tests are run by a run: await ctx.task(security_tests(…))")
