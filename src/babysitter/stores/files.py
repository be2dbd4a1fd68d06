"""Runs as directories of plain files: what an auditor gets, and what ``head`` and ``sha256sum`` can check.

Layout: docs/reference/workspace.md. Invariants, each with a test:
    - a run appears whole and durable, or not at all;
    - one driver at a time: an advisory lock on ``run.json``; who holds it stands in ``state/driver.json``;
    - everything of ours is for its owner alone (0700, 0600), and git never sees it;
    - any ``OSError`` becomes a StoreFailedError.

What a lease does: stores/file_lease.py.
"""

import errno
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from babysitter.model.errors import NotFoundError, RunExistsError
from babysitter.model.ids import RUN_ID, check_run_id
from babysitter.stores.disk import Disk, RealDisk
from babysitter.stores.failures import disk_errors
from babysitter.stores.file_lease import JOURNAL, FileLease, is_driven, mark_released, read_driver
from babysitter.stores.interface import Holder, Piece, piece_begin
from babysitter.stores.paths import check_path
from babysitter.stores.tree import Tree, write_all

_HOME_NAME = ".a5c"
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.ELOOP})
"""What the system says of a name that something has already, be it a run, a file or a symlink."""


class FileStore:
    """The runs below one directory, ``.a5c/runs`` by default."""

    def __init__(self, runs_dir: Path, disk: Disk | None = None) -> None:
        self.runs_dir = Path(os.path.abspath(runs_dir))  # noqa: PTH100 (resolve() would follow the symlinks of a place that the user chose)
        self._runs = str(self.runs_dir)
        self._disk: Disk = disk if disk is not None else RealDisk()
        self._home_is_ready = False

    def create(self, run_id: str, files: Mapping[str, bytes], journal: bytes) -> None:
        """See Store. Built beside its place under a hidden name, synced, and renamed into it."""
        check_run_id(run_id)
        where = str(self.runs_dir / run_id)
        with disk_errors(f"creating run {run_id}", where):
            self._make_home()
            runs_fd = self._disk.open_directory(str(self.runs_dir))
            try:
                self._create(runs_fd, run_id, {**files, JOURNAL: journal})
            finally:
                self._disk.close(runs_fd)

    def lease(self, run_id: str, holder: Holder) -> FileLease:
        """See Store."""
        return FileLease(self._disk, str(self.runs_dir), check_run_id(run_id), holder)

    def holder(self, run_id: str) -> Holder | None:
        """See Store."""
        tree = self._tree(run_id)
        return read_driver(tree).holder if is_driven(tree, run_id) else None

    def run_ids(self) -> list[str]:
        """See Store."""
        with disk_errors("listing the runs", str(self.runs_dir)):
            try:
                fd = self._disk.open_directory(str(self.runs_dir))
            except FileNotFoundError:
                return []
            try:
                entries = self._disk.entries(fd)
            finally:
                self._disk.close(fd)
        return sorted(name for name, is_directory in entries if is_directory and RUN_ID.fullmatch(name))

    def read_journal(self, run_id: str, *, offset: int = 0) -> bytes:
        """See Store."""
        return self._tree(run_id).read(JOURNAL, offset=offset)

    def journal_size(self, run_id: str) -> int:
        """See Store."""
        return self._tree(run_id).size(JOURNAL)

    def size(self, run_id: str) -> int:
        """See Store. A symlink, which is none of ours, counts for nothing."""
        return self._tree(run_id).whole_size()

    def read_file(self, run_id: str, path: str) -> bytes:
        """See Store."""
        return self._tree(run_id).read(path)

    def read_piece(self, run_id: str, path: str, *, offset: int, bytes_max: int) -> Piece:
        """See Store."""
        tree = self._tree(run_id)
        size = tree.size(path)
        begin = piece_begin(size, offset, bytes_max)
        return Piece(data=tree.read(path, offset=begin, most=bytes_max), offset=begin, size=size)

    def paths(self, run_id: str) -> list[str]:
        """See Store."""
        return self._tree(run_id).walk()

    def location(self, run_id: str, path: str = "") -> str:
        """See Store."""
        where = self.runs_dir / check_run_id(run_id)
        return str(where / path) if path else str(where)

    def send_mail(self, run_id: str, name: str, data: bytes) -> None:
        """See Store."""
        tree = self._tree(run_id)
        tree.read("run.json")  # Mail for a run that is not there must not make half a run.
        # Whoever sends again under the same id may be here at the same time.
        writer = f"{os.getpid()}.{threading.get_ident()}"
        tree.replace(f"mail/{name}", data, durable=True, writer=writer)

    def _tree(self, run_id: str) -> Tree:
        root = f"{self._runs}/{check_run_id(run_id)}"
        if os.path.islink(root):  # noqa: PTH114 (a string is at hand; this runs for every read)
            raise NotFoundError(
                f"run {run_id} is a symlink, which is no run.", hint="Remove the link.", run_id=run_id
            )
        return Tree(self._disk, root)

    def _make_home(self) -> None:
        """Make the directories around the runs, closed to others and invisible to git."""
        if self._home_is_ready:
            return
        disk = self._disk
        home = self.runs_dir.parent if self.runs_dir.parent.name == _HOME_NAME else self.runs_dir
        home.parent.mkdir(parents=True, exist_ok=True)
        # A runs directory that the user chose and made is the user's: only what
        # is named .a5c, or made here, is closed and hidden.
        is_ours = _make_durable(disk, home) or home.name == _HOME_NAME
        if home != self.runs_dir:
            _make_durable(disk, self.runs_dir)
        if is_ours:
            home_fd = disk.open_directory(str(home))
            try:
                disk.restrict(home_fd)
                _write_once(disk, ".gitignore", b"*\n", home_fd)
                disk.sync(home_fd)
            finally:
                disk.close(home_fd)
        self._home_is_ready = True

    def _create(self, runs_fd: int, run_id: str, files: Mapping[str, bytes]) -> None:
        disk = self._disk
        _refuse_when_there(disk, run_id, runs_fd)
        aside = f".new-{run_id}.{os.getpid()}.{threading.get_ident()}"
        _remove_tree(disk, aside, runs_fd)
        try:
            disk.make_directory(aside, runs_fd)
            tree = Tree(disk, str(self.runs_dir / aside))
            _write_new(disk, tree, files)
            # Before it has its name: afterwards somebody may be driving it already, and says so there.
            mark_released(tree, len(files[JOURNAL]))
            try:
                disk.rename(aside, run_id, runs_fd)
            except OSError as error:
                if error.errno in _TAKEN:
                    raise _exists(run_id) from error
                raise
        except BaseException:
            # What is left of the attempt has a hidden name and is no run; when
            # it cannot be removed either, the first error is the one to tell.
            with suppress(OSError):
                _remove_tree(disk, aside, runs_fd)
            raise
        disk.sync(runs_fd)


def _make_durable(disk: Disk, directory: Path) -> bool:
    """Make the directory when it is missing, and its entry durable; return whether it was made here."""
    above_fd = disk.open_directory(str(directory.parent))
    try:
        made = True
        try:
            disk.make_directory(directory.name, above_fd)
        except FileExistsError:
            made = False
        disk.sync(above_fd)
    finally:
        disk.close(above_fd)
    return made


def _write_once(disk: Disk, name: str, data: bytes, dir_fd: int) -> None:
    try:
        fd = disk.open_file(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd)
    except FileExistsError:
        return
    try:
        write_all(disk, fd, data)
        disk.sync(fd)
    finally:
        disk.close(fd)


def _write_new(disk: Disk, tree: Tree, files: Mapping[str, bytes]) -> None:
    directories = {check_path(path)[:-1] for path in files} | {()}
    for path, data in files.items():
        with tree.parent(path, make=True) as (dir_fd, name):
            fd = disk.open_file(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd)
            try:
                write_all(disk, fd, data)
                disk.sync(fd)
            finally:
                disk.close(fd)
    for parts in sorted(directories, reverse=True):
        with tree.directory(parts) as fd:
            disk.sync(fd)


def _remove_tree(disk: Disk, name: str, dir_fd: int) -> None:
    try:
        fd = disk.open_directory(name, dir_fd)
    except FileNotFoundError:
        return
    try:
        for entry, is_directory in disk.entries(fd):
            if is_directory:
                _remove_tree(disk, entry, fd)
            else:
                disk.remove(entry, fd)
    finally:
        disk.close(fd)
    disk.remove_directory(name, dir_fd)


def _refuse_when_there(disk: Disk, run_id: str, runs_fd: int) -> None:
    try:
        disk.close(disk.open_directory(run_id, runs_fd))
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
    raise _exists(run_id)


def _exists(run_id: str) -> RunExistsError:
    return RunExistsError(
        f"there is a run {run_id} already.",
        hint="Choose another --run-id, or resume the one there is.",
        run_id=run_id,
    )
