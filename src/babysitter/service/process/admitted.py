"""Why code may run: what admission answers, and what it is told about where it is asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from babysitter.config import in_ci, pinned_signers, user_state
from babysitter.service.process.closure import Sources

Method = Literal["signed", "local", "allowed-untrusted", "built-in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Why code may run. ``by``: whose word it is; ``statements``: SHA-256 of each that counted."""

    method: Method
    by: tuple[str, ...]
    statements: tuple[str, ...] = ()


class Admission(Protocol):
    """Says whether code may run. ``WorkspaceAdmission`` is the real one; a test kit trusts all."""

    def admit(self, sources: Sources, *, allow_untrusted: bool = False) -> Admitted:
        """Return why this code may run.

        Raises:
            UntrustedProcessError: it may not.
            RefusedError: ``allow_untrusted`` where nobody is at the terminal.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where it is asked: on whose machine, and how.

    state: the folder of what this account decided here. user: the account. in_ci: nobody is at the terminal.
    pinned_signers: the digest of the files of signers, where the environment names it.
    """

    state: Path
    user: str
    in_ci: bool
    pinned_signers: str | None = None


def surroundings(user: str) -> Surroundings:
    """Return those of this program, on this machine."""
    return Surroundings(state=user_state(), user=user, in_ci=in_ci(), pinned_signers=pinned_signers())
