"""Writing the derived files of a run again: ``state/state.json`` and the files under ``tasks/``."""

from babysitter.journal.derived import derived_files
from babysitter.journal.writer import JournalWriter
from babysitter.model.values import encode_json
from babysitter.service.reading import run_created
from babysitter.service.state import RunState
from babysitter.service.wiring import Secrets, Workspace


def rebuild(workspace: Workspace, run_id: str) -> int:
    """Write every derived file of a run from its journal; return how many.

    Raises:
        RunLockedError: somebody drives it.
    """
    masker = Secrets(run_created(workspace.store, run_id).secrets, workspace.place).masker
    writer, records = JournalWriter.open(workspace.store, run_id, workspace.holder(), masker, workspace.clock)
    written = 0
    try:
        state = RunState()
        for record in records:
            event = record.event()
            state.apply(event, seq=record.seq, recorded_at=record.recorded_at)
            for path, value in derived_files(event):
                # The values come from the journal, where they are masked: they go to disk as they are.
                writer.lease.put_derived(path, encode_json(value))
                written += 1
        writer.lease.put_derived("state/state.json", encode_json(state.summary()))
    finally:
        writer.close()
    return written + 1
