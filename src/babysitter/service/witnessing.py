"""Having the log's checkpoints seen by others, as the settings name them.

A witness that is away stops nothing: what it has not seen is said by ``doctor`` and by
verification. The next leaf, or ``babysitter log witness``, brings it up to date.
"""

from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model.evidence_settings import LogTable


class Witnessing:
    """Sends checkpoints to the witnesses of one workspace."""

    def __init__(self, settings: LogTable, log: WorkspaceLog) -> None:
        self._settings = settings
        self._log = log

    def after_a_leaf(self) -> None:
        """Have the newest checkpoint seen; a witness that is away is left for later."""
        if not self._settings.witnesses:
            return
