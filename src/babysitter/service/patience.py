"""How long a driver stays, and the face of whoever watches it."""

from dataclasses import dataclass
from typing import Literal, Protocol

from babysitter.service.mail import AnswerMail
from babysitter.service.pending import OpenBreakpoint


@dataclass(slots=True, kw_only=True)
class Patience:
    """How long to drive.

    ``wait``: also for people and far timers. ``stop`` asks to leave; a second time, at once.
    """

    wait: bool = False
    far_timer_s: float = 60.0
    grace_s: float = 10.0
    stopping: bool = False
    hurried: bool = False
    _until_s: float | None = None

    def stop(self) -> None:
        """Leave as soon as what is in flight has ended, or grace is over; asked again: now."""
        self.hurried = self.stopping
        self.stopping = True

    def is_over(self, now_s: float) -> bool:
        """Tell whether a stopping driver should end what is still in flight."""
        if self._until_s is None:
            self._until_s = now_s + self.grace_s
        return self.hurried or now_s >= self._until_s


Follows = Literal["nothing", "masked", "clear"]
"""What of the tasks' live output a face is given. ``clear``: unmasked, for a terminal alone."""


class Face(Protocol):
    """What the worker tells, and asks, the person at the terminal, if there is one."""

    @property
    def follows(self) -> Follows:
        """Which live output is wanted."""
        ...

    def output(self, effect_id: str, stream: str, chunk: bytes) -> None:
        """Show what a task has just written to ``stdout`` or ``stderr``. Called from several threads."""
        ...

    def journaled(self) -> None:
        """More lines are durable: read them from the store and show them."""
        ...

    def can_answer(self) -> bool:
        """Tell whether a person is there to be asked."""
        ...

    def ask(self, run_id: str, questions: list[OpenBreakpoint], timeout_s: float) -> AnswerMail | None:
        """Ask the first question that is not deferred; None when no answer came in that time."""
        ...


class Silence:
    """The face of a run that nobody watches."""

    @property
    def follows(self) -> Follows:
        """See Face."""
        return "nothing"

    def output(self, effect_id: str, stream: str, chunk: bytes) -> None:
        """See Face."""

    def journaled(self) -> None:
        """See Face."""

    def can_answer(self) -> bool:
        """See Face."""
        return False

    def ask(self, run_id: str, questions: list[OpenBreakpoint], timeout_s: float) -> AnswerMail | None:
        """See Face."""
        del run_id, questions, timeout_s
        return None
