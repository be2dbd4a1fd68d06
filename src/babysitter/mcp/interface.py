"""Who calls a tool, on which workspace, and by whose hands: what whoever serves the tools has to say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from babysitter.model.values import Json
from babysitter.service.given_answers import GivenAnswer
from babysitter.service.harness import Iteration
from babysitter.service.views import EventView, RunView
from babysitter.service.wiring import Workspace

ANSWER = "breakpoint.answer"
"""The action of answering a breakpoint. A caller without a person never has it, whatever ``may`` says."""


class Caller(Protocol):
    """Who calls, as far as a credential has shown it. Nothing that a client says of itself counts."""

    @property
    def person(self) -> str | None:
        """Who it is, where the credential is a person's own; None for a program, an agent, anybody else."""
        ...

    def may(self, action: str, workspace: str) -> bool:
        """Tell whether the caller may do this in that workspace. Actions: docs/reference/mcp.md."""
        ...


@dataclass(frozen=True, slots=True)
class LocalAgent:
    """See Caller: whoever started this program as a child, with the rights of the account, and no person."""

    person: None = None

    def may(self, action: str, workspace: str) -> bool:
        """See Caller. All that the account could do by commands, but never answer."""
        del workspace
        return action != ANSWER


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of an effect that was handed out: a value, or an error by name and message."""

    value: Json = None
    error: tuple[str, str] | None = None
    stdout: str | None = None
    stderr: str | None = None


class Told(Protocol):
    """What became of a message to a run; no lines while it is queued for the driver."""

    @property
    def request_id(self) -> str:
        """Under which id it was sent."""
        ...

    @property
    def lines(self) -> tuple[EventView, ...]:
        """The lines that came of it."""
        ...


class Driven(Protocol):
    """A run that is being driven while a call waits for it."""

    run_id: str
    failure: BaseException | None

    @property
    def has_left(self) -> bool:
        """True once the run has ended, waits, or can't go on (``failure``)."""
        ...

    def wait_for_news(self, seen: int, timeout_s: float) -> int:
        """Return how much news there was so far: at once when more than was seen, or when it has left."""
        ...

    def stop(self) -> None:
        """The client has cancelled its call."""
        ...

    def close(self) -> None:
        """Nobody waits here any longer."""
        ...


class Hands(Protocol):
    """What changes runs, in the name of whoever the tools work for."""

    def start(self, entry: str, inputs: Json, run_id: str | None, *, drive: bool) -> str:
        """Create a run, driven by Babysitter or performed by the caller; return its id."""
        ...

    def hand_out(self, run_id: str) -> Iteration:
        """Move a run that the caller performs as far as it goes, and hand out what may start."""
        ...

    def drive(self, run_id: str) -> Driven:
        """Have a run driven."""
        ...

    def post(self, run_id: str, effect_id: str, outcome: Outcome) -> Told:
        """Give an effect that was handed out its outcome."""
        ...

    def answer(self, run_id: str, breakpoint_id: str, given: GivenAnswer) -> Told:
        """Bring a person's answer into a run."""
        ...

    def shown(self, run: RunView) -> RunView:
        """Return a run as the caller may see it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The workspace that the tools work on.

    name: what ``Caller.may`` is asked about.
    open: gives the workspace for one call of a caller, with its settings as they are then.
    hands: what changes its runs; None: this program itself, which drives them in threads of its own.
    acts_as: in whose name; empty: the local account's.
    """

    name: str
    open: Callable[[Caller], Workspace]
    hands: Hands | None = None
    acts_as: str = ""
