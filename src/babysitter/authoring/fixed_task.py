"""A task whose arguments are said where it is made, as those of ``security_scan`` and ``security_tests``."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from babysitter.authoring.tasks import Task
from babysitter.model.effects import TaskSpec
from babysitter.model.errors import InvalidValueError
from babysitter.model.values import Json

R = TypeVar("R")


class FixedTask(Task[[], R]):
    """See the module. ``stand_in``: what a call outside of a run calls; it is made with ``asked``."""

    def __init__(
        self, stand_in: Callable[[], R], spec: TaskSpec, returns: type[R], asked: Mapping[str, Json]
    ) -> None:
        super().__init__(stand_in, spec, returns)
        self._input = dict(asked)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Json:
        """See Task.bind."""
        if args or kwargs:
            raise InvalidValueError(
                f"{self.spec.task_id} takes no arguments.",
                hint=f"Say {', '.join(self._input)} where the task is made.",
                path=self.spec.task_id,
            )
        return self._input
