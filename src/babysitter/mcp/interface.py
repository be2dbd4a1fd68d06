"""Who calls a tool, and on which workspace: what whoever serves the tools has to say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The workspace that the tools work on.

    name: what ``Caller.may`` is asked about.
    open: gives the workspace for one call of a caller, with its settings as they are then.
    """

    name: str
    open: Callable[[Caller], Workspace]
