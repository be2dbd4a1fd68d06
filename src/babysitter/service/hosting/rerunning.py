"""Starting again what ran before: the same ENTRY and inputs, in the name of who asks, with today's code."""

import msgspec

from babysitter.journal.layout import INPUTS
from babysitter.model.errors import RefusedError
from babysitter.service.hosting.runs import Start, VisitedRuns
from babysitter.service.hosting.visit import Visit
from babysitter.service.reading import run_created
from babysitter.service.views import RunView

_LOST = (b"[masked:", b'"$masked"', b'"$sealed"')
"""What stands where a credential was that nobody had declared: it can't be turned back."""


def rerun(visit: Visit, run_id: str, workspace: str = "") -> RunView:
    """Create a run of the same ENTRY with the same inputs.

    Raises:
        RefusedError: the inputs held credentials that are kept as masks alone.
        UntrustedProcessError: today's code is none that anybody has trusted.
    """
    hosted = visit.run("run.create", run_id, workspace)
    created = run_created(hosted.workspace.store, run_id)
    data = hosted.queries.read_file(run_id, INPUTS)
    if any(mark in data for mark in _LOST):
        raise RefusedError(
            f"the inputs of {run_id} held credentials, and only their masks are kept.",
            hint="Start it with its inputs: babysitter start ENTRY --inputs FILE",
        )
    secrets = hosted.workspace.secrets(created.secrets)
    try:
        inputs = secrets.masker.unmask(msgspec.json.decode(data))
    finally:
        secrets.vault.close()
    return VisitedRuns(visit).start(Start(entry=created.entry, inputs=inputs, workspace=hosted.id))
