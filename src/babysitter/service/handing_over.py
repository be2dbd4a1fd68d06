"""A folder that somebody can verify elsewhere: runs, log, the script, and no key of anybody.

What is derived, waiting or secret stays: ``state/``, ``mail/``, the log's key, the keys of
runs. The same runs and the same log give the same bytes.
"""

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import IO

from babysitter.journal.layout import JOURNAL
from babysitter.journal.reader import Store
from babysitter.model.errors import NotFoundError, RefusedError
from babysitter.model.values import sha256_hex
from babysitter.service.views import View
from babysitter.service.wiring import Workspace

LEFT_OUT = "left-out"
_NOT_SHOWN = ("state/", "mail/")
_LOG_FILES = ("log.jsonl", "checkpoint", "log.vkey")
_LOG_FOLDERS = ("checkpoints", "policies", "signers", "reviews")
_UNPACKED_BYTES_MAX = 16 * 1024**3
_LOOKS_MAX = 20
"""So often it is tried to find a moment in which nothing is written between the journals and the log."""
_FILES_MAX = 2_000_000
_README = """\
Runs of a Babysitter workspace, and the log that tells of them.

    bash audit.sh .              with bash, coreutils, jq, openssl, ssh-keygen and xxd
    bash audit.sh . TRUST        with a folder of yours: see below
    babysitter audit verify .

Do not take the script from here if you do not trust who made this: it is in Babysitter's documentation,
and has 80 lines. Bring a folder TRUST with what you got from elsewhere, each file optional: allowed_signers
(whose keys count), revoked_keys (of which nothing counts), origins (pages where passkeys may be used),
log.vkey (the log's key), witnesses (keys of witnesses that you believe), tsa-roots.pem (who may vouch for
time stamps), seen/* (checkpoints that witnesses or other auditors have seen). Without it, that is the word
of whoever made this.
"""


class HandedOver(View, frozen=True, kw_only=True):
    """The tar file that was written. ``left_out``: runs that the log tells of and that are not in it."""

    path: str
    runs: int
    files: int
    left_out: tuple[str, ...]
    sha256: str


def hand_over(workspace: Workspace, run_ids: Sequence[str], target: Path) -> HandedOver:
    """Write runs and the log to a tar file.

    Raises:
        RefusedError: the target exists, or can't be written.
    """
    try:
        with target.open("xb") as file:
            files, left_out = pack(workspace, run_ids, file)
    except OSError as error:
        raise RefusedError(
            f"{target} can't be written: {error.strerror}.", hint="Name another --output."
        ) from None
    return HandedOver(
        path=str(target),
        runs=len(run_ids),
        files=files,
        left_out=left_out,
        sha256=sha256_hex(target.read_bytes()),
    )


def pack(workspace: Workspace, run_ids: Sequence[str], file: IO[bytes]) -> tuple[int, tuple[str, ...]]:
    """Write that tar file, with one of its files in memory at a time; return how many, and runs left out.

    Runs may go on meanwhile: of each journal that part is written which the log, as it is written, tells of.
    """
    left_out = tuple(run_id for run_id in workspace.store.run_ids() if run_id not in run_ids)
    lengths, log = _at_one_moment(workspace, run_ids)
    files = dict(_files(workspace, lengths))
    files.update((path, partial(bytes, content)) for path, content in log.items())
    files["README.txt"] = _README.encode
    files["audit.sh"] = audit_script
    if left_out:
        files[LEFT_OUT] = "".join(f"{run_id}\n" for run_id in left_out).encode
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(files):
            content = files[path]()
            entry = tarfile.TarInfo(f"audit/{path}")
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return len(files), left_out


def _at_one_moment(workspace: Workspace, run_ids: Sequence[str]) -> tuple[dict[str, int], dict[str, bytes]]:
    """Return how long each journal is, and the log's files, with nothing written between.

    Where something always is, as they were at the last look: then a verification may find that the log
    tells of more than a journal that moves, or less.
    """
    store = workspace.store
    lengths, log = {run_id: store.journal_size(run_id) for run_id in run_ids}, dict[str, bytes]()
    for _ in range(_LOOKS_MAX):
        log = dict(_log_files(workspace.log_folder))
        before, lengths = lengths, {run_id: store.journal_size(run_id) for run_id in run_ids}
        if before == lengths:
            break
    return lengths, log


def _files(workspace: Workspace, lengths: Mapping[str, int]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Give each file's name, and what reads it."""
    store = workspace.store
    for run_id, length in lengths.items():
        for name in store.paths(run_id):
            if name == JOURNAL:
                yield f"runs/{run_id}/{name}", partial(_beginning, store, run_id, length)
            elif not name.startswith(_NOT_SHOWN):
                yield f"runs/{run_id}/{name}", partial(store.read_file, run_id, name)


def _beginning(store: Store, run_id: str, length: int) -> bytes:
    return store.read_piece(run_id, JOURNAL, offset=0, bytes_max=length).data


def _log_files(log: Path) -> Iterator[tuple[str, bytes]]:
    paths = [log / name for name in _LOG_FILES]
    for folder in _LOG_FOLDERS:
        paths += sorted((log / folder).iterdir()) if (log / folder).is_dir() else []
    for path in paths:
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield f"log/{path.relative_to(log).as_posix()}", path.read_bytes()


def audit_script() -> bytes:
    """Return docs/how-to/audit.sh, which audits with stock tools alone; the package has a link to it."""
    return resources.files("babysitter").joinpath("audit.sh").read_bytes()


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack what was handed over, believing nothing of it; return the folder with ``runs`` and ``log``.

    Raises:
        RefusedError: it is no such archive, or holds what could leave the folder.
        NotFoundError: there is no such file.
    """
    if not archive.is_file():
        raise NotFoundError(f"there is no file {archive}.", hint="Name what 'babysitter audit export' wrote.")
    try:
        with tarfile.open(archive, mode="r:") as tar:
            for count, entry in enumerate(tar):
                _check_entry(entry, count)
                tar.extract(entry, folder, filter="data", set_attrs=False)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise RefusedError(f"{archive} is no archive of runs: {error}.", hint="Ask for it again.") from None
    top = folder / "audit"
    return top if top.is_dir() else folder


def _check_entry(entry: tarfile.TarInfo, count: int) -> None:
    parts = Path(entry.name).parts
    if (
        not (entry.isreg() or entry.isdir())
        or entry.name.startswith("/")
        or ".." in parts
        or "\\" in entry.name
    ):
        raise RefusedError(f"{entry.name!r} is no plain file below it.", hint="Look at who made this.")
    if entry.size > _UNPACKED_BYTES_MAX or count > _FILES_MAX:
        raise RefusedError("it unpacks to more than anybody needs.", hint="Look at who made this.")
