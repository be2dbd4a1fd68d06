"""A run's folder as one tar file, for somebody who verifies it elsewhere."""

import io
import tarfile
from pathlib import Path

from babysitter.model.errors import RefusedError
from babysitter.model.values import sha256_hex
from babysitter.service.views import View
from babysitter.service.wiring import Workspace

_DERIVED = ("state/", "mail/")


class Exported(View, frozen=True, kw_only=True):
    """The tar file that was written."""

    run_id: str
    path: str
    files: int
    sha256: str


def export_run(workspace: Workspace, run_id: str, target: Path) -> Exported:
    """Write a run's files, all but what is derived, to a tar file. No time of this machine is in it.

    Raises:
        RefusedError: the target exists, or can't be written.
    """
    data, files = run_archive(workspace, run_id)
    try:
        with target.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise RefusedError(
            f"{target} can't be written: {error.strerror}.", hint="Name another --output."
        ) from None
    return Exported(run_id=run_id, path=str(target), files=files, sha256=sha256_hex(data))


def run_archive(workspace: Workspace, run_id: str, *, bytes_max: int | None = None) -> tuple[bytes, int]:
    """Return that tar file's bytes, and how many files are in it.

    Raises:
        RefusedError: its files together are larger than ``bytes_max``; tasks may have printed a lot.
    """
    store = workspace.store
    paths = [path for path in store.paths(run_id) if not path.startswith(_DERIVED)]
    if bytes_max is not None:
        size = sum(store.read_piece(run_id, path, offset=0, bytes_max=0).size for path in paths)
        if size > bytes_max:
            raise RefusedError(
                f"run {run_id} has {size} bytes, and {bytes_max} are handed out at once.",
                hint=f"On the server's machine: babysitter journal export {run_id}",
            )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in paths:
            content = store.read_file(run_id, path)
            entry = tarfile.TarInfo(f"{run_id}/{path}")
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue(), len(paths)
