"""What a worker is to the parts that bring things to it: arrivals, children and waiting."""

from typing import Protocol

from babysitter.journal.writer import JournalWriter
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.clock import Clock, Dice
from babysitter.service.gates import Gates
from babysitter.service.journaling import Journalist
from babysitter.service.patience import Face
from babysitter.service.performing import Floor
from babysitter.service.state import RunState


class Driving(Protocol):
    """A run that is being driven. ``service.worker.Worker`` is the real one."""

    run_id: str
    user: str
    state: RunState
    writer: JournalWriter
    journalist: Journalist
    floor: Floor
    face: Face
    clock: Clock
    dice: Dice
    gates: Gates
    calls: dict[str, cmd.Command]

    def note(self, event: ev.Event, command: cmd.Command | None = None) -> None:
        """Put an event in the journal, and let state and process see it as a reader of the journal would."""
        ...

    def make_ready(self, effect_id: str) -> None:
        """Have an effect considered for starting."""
        ...

    def resolve_refused(self, effect_id: str, message: str, *, rule: str, name: str = ...) -> None:
        """Journal the outcome of an effect that is not performed."""
        ...

    def show_task(self, event: ev.Event) -> None:
        """Write the files by which a person sees a task."""
        ...

    def is_over_budget(self) -> bool:
        """Tell whether a budget is used up, and journal it when it is."""
        ...
