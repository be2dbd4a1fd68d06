"""Looking for credentials for a program: only inside the workspace, no more findings than fit."""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import structs

from babysitter.model.errors import InvalidIdError
from babysitter.model.findings import Scan
from babysitter.service.credential_scanning import scan_tree
from babysitter.service.wiring import Workspace

FINDINGS_MAX = 200


def scan_confined(
    workspace: Workspace, paths: Sequence[str], exclude: tuple[str, ...], progress: Callable[[], None]
) -> Scan:
    """Return the credentials below these paths, the worst findings first.

    Args:
        workspace: whose files.
        paths: relative to its root.
        exclude: names and relative paths that are left out.
        progress: called before each file; what it raises ends the scan.

    Raises:
        InvalidIdError: a path leads out of the workspace, or nothing is there.
    """
    found = scan_tree(
        [confined(workspace.root, path) for path in paths],
        workspace,
        root=workspace.root,
        exclude=exclude,
        progress=lambda _count, _name: progress(),
    )
    left_out = len(found.findings) - FINDINGS_MAX
    if left_out <= 0:
        return found
    note = f"{left_out} more findings are left out here; see them with: babysitter scan"
    return structs.replace(found, findings=found.findings[:FINDINGS_MAX], notes=(*found.notes, note))


def confined(root: Path, text: str) -> Path:
    """Return a path of the workspace, with every link on the way followed.

    Raises:
        InvalidIdError: it lies outside, or nothing is there; which of both is not said.
    """
    base = root.resolve()
    try:
        path = (base / text).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        path = None
    if path is None or not path.is_relative_to(base):
        raise InvalidIdError(
            f"the workspace has no {text[:200]!a}.", hint="Name files and folders relative to its root."
        )
    return path
