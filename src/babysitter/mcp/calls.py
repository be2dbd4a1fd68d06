"""One call of a tool: who calls, on which workspace, and whether the client still waits."""

import threading
from dataclasses import dataclass, field

from babysitter.mcp.drives import Drives
from babysitter.mcp.interface import Caller, Desk, Driven, Hands
from babysitter.mcp.own_hands import OwnHands
from babysitter.model.errors import RefusedError
from babysitter.service.wiring import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a use case of a tool gets besides its arguments. cancelled: the client waits no longer."""

    desk: Desk
    caller: Caller
    drives: Drives
    cancelled: threading.Event = field(default_factory=threading.Event)

    def open(self) -> Workspace:
        """Return the workspace, as it is now."""
        return self.desk.open(self.caller)

    @property
    def hands(self) -> Hands:
        """What changes runs here."""
        return self.desk.hands or OwnHands(workspace=self.desk.name, open=self.open, drives=self.drives)

    def refuse_if_cancelled(self) -> None:
        """Return while the client still waits.

        Raises:
            RefusedError: it does not.
        """
        if self.cancelled.is_set():
            raise RefusedError("the call was cancelled.", hint="Nothing was changed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """A run that is being driven: the call answers with where it stands, when the drive leaves or in time."""

    drive: Driven
    seconds: float
