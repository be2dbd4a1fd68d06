"""The Atlas of a hosted workspace: made when somebody first looks, and kept, with what it has read."""

import threading

from babysitter.service.atlas.atlas import Atlas
from babysitter.service.wiring import Workspace


class KeptAtlas:
    """One Atlas, however many ask for it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._atlas: Atlas | None = None

    def of(self, workspace: Workspace) -> Atlas:
        """Return the Atlas; it is that of the workspace which was given first."""
        with self._lock:
            if self._atlas is None:
                self._atlas = Atlas(workspace)
            return self._atlas
