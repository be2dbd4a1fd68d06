"""Replaying a journal against today's code, changing nothing: for an author's CI."""

from contextlib import closing

import msgspec

from babysitter.engine.guard import Guard
from babysitter.engine.machine import Machine
from babysitter.journal.reader import history, read_records
from babysitter.service.entries import load_process
from babysitter.service.reading import run_created
from babysitter.service.views import View
from babysitter.service.wiring import Secrets, Workspace


class Replayed(View, frozen=True, kw_only=True):
    """A replay that agreed. ``same_code``: the code's digest is that of RUN_CREATED."""

    run_id: str
    events: int
    same_code: bool


def replay_run(workspace: Workspace, run_id: str) -> Replayed:
    """Replay a run's events through today's code.

    Raises:
        NondeterminismError: the code does something else than the journal has.
    """
    store = workspace.store
    created = run_created(store, run_id)
    loaded = load_process(created.entry, workspace.root)
    secrets = Secrets(created.secrets, workspace.place)
    inputs = secrets.masker.unmask(msgspec.json.decode(store.read_file(run_id, "inputs.json")))
    machine = Machine(loaded.process, run_id, inputs=inputs, matcher=secrets.sight, guard=Guard())
    count = 0
    with closing(machine):
        for event in history(read_records(store, run_id, torn_tail_ok=True), store, run_id, secrets.masker):
            machine.receive(event)
            count += 1
    return Replayed(run_id=run_id, events=count, same_code=loaded.digest == created.process_digest)
