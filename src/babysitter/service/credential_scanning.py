"""Looking for credentials that nobody declared: in texts, files, trees, git history and run data."""

from collections.abc import Callable, Sequence
from pathlib import Path

from babysitter._version import __version__
from babysitter.model.findings import Finding, Scan
from babysitter.scanners.credentials import CredentialScanner
from babysitter.scanners.trees import TreeScan
from babysitter.service.detecting import credential_search
from babysitter.service.wiring import Workspace


def scanner_of(workspace: Workspace | None = None) -> CredentialScanner:
    """Return a scanner with a workspace's rules and what it allows; without one, with ours alone.

    Raises:
        SettingsError: a file of rules can't be used.
    """
    allowed = workspace.place.settings.secrets.allow if workspace is not None else ()
    return CredentialScanner(
        credential_search(workspace.place if workspace is not None else None),
        allowed=allowed,
        version=__version__,
    )


def scan_text(name: str, text: str | bytes, workspace: Workspace | None = None) -> list[Finding]:
    """Return the credentials in a text that is called ``name``."""
    return scanner_of(workspace).scan_text(name, text)


def scan_tree(
    paths: Sequence[Path],
    workspace: Workspace | None = None,
    *,
    root: Path | None = None,
    exclude: tuple[str, ...] = (),
    progress: Callable[[int, str], None] | None = None,
) -> Scan:
    """Return the credentials in files and folders. Names are relative to ``root``, else to here.

    Raises:
        SettingsError: a file of rules can't be used.
        DetectionError: the search failed.
    """
    scan = TreeScan(scanner_of(workspace), exclude=exclude, progress=progress)
    for path in paths:
        scan.add(path, root=root or Path())
    return scan.result(version=__version__)
