"""Who looks for credentials in what comes into the history: the search for undeclared ones, as everywhere."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from babysitter.config import load_place
from babysitter.model.findings import Finding

if TYPE_CHECKING:
    from babysitter.scanners.credentials import CredentialScanner


class FindCredentials(Protocol):
    """Looks for credentials."""

    def __call__(self, data: bytes, path: str) -> Sequence[Finding]:
        """Return the credentials in a file's bytes, without those that the team allows.

        Raises:
            BabysitterError: it could not look; then nobody knows.
        """
        ...


def find_credentials(root: Path) -> FindCredentials:
    """Return what looks for credentials, with the workspace's rules and what it allows, made when called."""

    @cache
    def scanner() -> "CredentialScanner":
        from babysitter.service.detecting import credential_scanner  # noqa: PLC0415 (git waits for us)

        return credential_scanner(load_place(root))

    return lambda data, path: scanner().scan_text(path, data)
