"""Looking for credentials that nobody declared: in texts, files, trees, git history and run data."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import structs

from babysitter._version import __version__
from babysitter.model.errors import RefusedError
from babysitter.model.findings import Finding, Scan, in_order
from babysitter.scanners.credentials import CredentialScanner
from babysitter.scanners.git_history import GitHistory
from babysitter.scanners.known import baseline_of, read_baseline
from babysitter.scanners.trees import TreeScan
from babysitter.service.detecting import credential_scanner
from babysitter.service.wiring import Workspace


def _scanner(workspace: Workspace | None) -> CredentialScanner:
    return credential_scanner(workspace.place if workspace is not None else None)


def scan_text(name: str, text: str | bytes, workspace: Workspace | None = None) -> list[Finding]:
    """Return the credentials in a text that is called ``name``."""
    return _scanner(workspace).scan_text(name, text)


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
    scan = TreeScan(_scanner(workspace), exclude=exclude, progress=progress)
    for path in paths:
        scan.add(path, root=root or Path())
    return scan.result(version=__version__)


def scan_history(
    workspace: Workspace,
    folder: Path,
    commits: str,
    progress: Callable[[int, str], None] | None = None,
) -> Scan:
    """Return the credentials in every version of a file that a range of commits brought.

    Raises:
        MissingToolError, RefusedError, UsageError: git is not there, or knows no such commits here.
    """
    history = GitHistory(workspace.programs, str(folder), commits)
    scan = TreeScan(_scanner(workspace), progress=progress)
    versions = history.versions()
    for version, content in history.contents(versions):
        before = len(scan.findings)
        scan.add_stream(version.path, io.BytesIO(content))
        if len(scan.findings) > before:
            commit = history.commit_of(version)
            scan.findings[before:] = [_in_commit(found, commit) for found in scan.findings[before:]]
    return scan.result(version=__version__)


def _in_commit(found: Finding, commit: str) -> Finding:
    if not commit:
        return found
    message = f"{found.message.rstrip('.')}, since commit {commit[:12]}."
    return structs.replace(
        found, message=message, fix=f"{found.fix} Taking it out of the files is not enough."
    )


def scan_runs(
    workspace: Workspace, run_ids: Sequence[str], progress: Callable[[int, str], None] | None = None
) -> Scan:
    """Return the credentials in all that is kept of runs. Paths begin with the run's id.

    Raises:
        NotFoundError: there is no such run.
    """
    scan = TreeScan(_scanner(workspace), progress=progress)
    store = workspace.store
    for run_id in run_ids:
        for path in store.paths(run_id):
            scan.add_stream(f"{run_id}/{path}", io.BytesIO(store.read_file(run_id, path)))
    return scan.result(version=__version__)


def scan_stdin(stream: BinaryIO, workspace: Workspace | None = None) -> Scan:
    """Return the credentials in what can be read from a stream."""
    scan = TreeScan(_scanner(workspace))
    scan.add_stream("<stdin>", stream)
    return scan.result(version=__version__)


def together(scans: Sequence[Scan]) -> Scan:
    """Return scans of one tool as one: what it examined in all, and its first failure if any."""
    runs = [run for scan in scans for run in scan.tools]
    failed = next((run for run in runs if run.state != "passed"), None)
    run = structs.replace(failed or runs[0], examined=sum(run.examined for run in runs))
    return Scan(tools=(run,), findings=in_order(found for scan in scans for found in scan.findings))


def against_baseline(scan: Scan, known: Path | None, written: Path | None) -> Scan:
    """Return the scan with what the baseline knows set apart; write the new one first, of all that was found.

    Raises:
        InvalidValueError: the baseline is none.
        RefusedError: it can't be read, or the new one can't be written.
    """
    try:
        if written is not None:
            written.write_bytes(baseline_of(scan))
        if known is None:
            return scan
        prints, digest = read_baseline(known.read_bytes(), str(known))
    except OSError as error:
        raise RefusedError(
            f"the baseline {error.filename} can't be used: {error.strerror}.",
            hint="Make one with --write-baseline FILE.",
        ) from None
    new = [found for found in scan.findings if found.fingerprint not in prints]
    old = [found for found in scan.findings if found.fingerprint in prints]
    return structs.replace(scan, findings=tuple(new), known=tuple(old), baseline_sha256=digest)
