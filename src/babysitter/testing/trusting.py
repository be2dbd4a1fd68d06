"""Trust for tests that run real commands: what a person would say at a terminal, said by a test."""

from pathlib import Path

from babysitter.service.process_trust import Trusting
from babysitter.service.wiring import open_workspace


def trust_as_it_is(root: Path, *entries: str) -> None:
    """Have this account trust processes of a workspace as their files are now; bandit is not asked.

    Kept where ``$XDG_STATE_HOME`` says: point it at a folder of the tests' own, and unset ``CI``.
    """
    trusting = Trusting(open_workspace(root))
    for entry in entries:
        trusting.trust(entry, with_bandit=False)
