"""What every program needs to see of the machine to run at all, and nothing of who uses it.

The system's programs and libraries, this interpreter, and a copy of the few files of
``/etc`` that C libraries read. A copy, because one directory mounts in a tenth of the
time of eighteen files, and because what is not copied cannot be forgotten in a list
of things to hide.

Invariant, with a test in tests/unit/executors/test_system.py: no file that only some
users may read is copied.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import stat
import sys
import tempfile
import weakref
from pathlib import Path

import babysitter

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
ETC = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki/ca-trust",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "protocols",
    "resolv.conf",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "timezone",
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_IN_MEMORY = "/dev/shm"  # noqa: S108 (a folder of its own is made in it)
_FOLDER_PREFIX = "babysitter-sandbox-"
_FILE_BYTES_MAX = 4 * 1024 * 1024


def home_directory() -> Path:
    """Return the home of the account we run as, from the user database: HOME may say anything."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/nonexistent")


def interpreter_paths(workspace: Path) -> tuple[str, ...]:
    """Return the directories that hold this Python and Babysitter, as far as the system's do not."""
    prefixes = [Path(sys.prefix), Path(sys.base_prefix), Path(babysitter.__file__).resolve().parent.parent]
    found: set[str] = set()
    for prefix in prefixes:
        resolved = prefix.resolve()
        if _covers_too_much(resolved, workspace):
            parts = [resolved / name for name in ("bin", "include", "lib", "lib64")]
            found |= {str(part) for part in parts if part.is_dir()}
        else:
            found.add(str(resolved))
            # A symbolic link is how the interpreter may be spelled in argv and in its own settings.
            found.add(str(prefix))
    return outermost(found, ("/usr", str(workspace)))


def _covers_too_much(prefix: Path, workspace: Path) -> bool:
    return any(path.is_relative_to(prefix) for path in (home_directory().resolve(), workspace))


def outermost(paths: set[str], covered: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths that stand in none of the others and in none of ``covered``, sorted."""
    kept: list[str] = []
    for path in sorted(paths):
        if not any(path == folder or path.startswith(f"{folder}/") for folder in (*covered, *kept)):
            kept.append(path)
    return tuple(kept)


class OwnFolder:
    """A private temporary directory, locked for as long as this object lives, then removed.

    Those whose owner was killed are removed by the next one: a lock that can be had has no owner.
    """

    def __init__(self, parent: str | None = None) -> None:
        where = parent or tempfile.gettempdir()
        _sweep(where)
        self.root = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=where))
        lock = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now: an empty folder may be one whose owner has not locked it yet, and is left alone.
        (self.root / "empty").mkdir(mode=0o755)
        self._remove = weakref.finalize(self, _remove, self.root, lock)

    def close(self) -> None:
        """Afterwards the directory is gone; sandboxes that run keep what they have mounted."""
        self._remove()


def _remove(root: Path, lock: int) -> None:
    shutil.rmtree(root, ignore_errors=True)
    os.close(lock)


def _sweep(parent: str) -> None:
    for folder in Path(parent).glob(f"{_FOLDER_PREFIX}*"):
        # Not there any more, not ours, or in use: in each case not for us to remove.
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                status = os.fstat(lock)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if status.st_uid == os.getuid() and os.listdir(folder):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


class SystemCopy:
    """``etc``, the copy, and ``empty``, in a folder of their own."""

    def __init__(self) -> None:
        # Seven hundred links take 70 ms on a disk and 5 in memory.
        self._folder = OwnFolder(_IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None)
        self.root = self._folder.root
        self.etc = self.root / "etc"
        self.empty = self.root / "empty"
        self.etc.mkdir(mode=0o755)
        for name in ETC:
            _copy(f"/etc/{name}", f"{self.etc}/{name}")

    def close(self) -> None:
        """See ``OwnFolder.close``."""
        self._folder.close()


def _copy(source: str, target: str) -> None:
    """Copy what everyone may read. Links into /usr or to a neighbour stay; others become what they name."""
    try:
        kind = os.lstat(source).st_mode
        if stat.S_ISLNK(kind):
            _copy_link(source, target)
        elif stat.S_ISDIR(kind):
            os.makedirs(target, mode=0o755, exist_ok=True)
            for name in os.listdir(source):
                _copy(f"{source}/{name}", f"{target}/{name}")
        else:
            _copy_file(source, target)
    except (FileNotFoundError, PermissionError):
        # Not on this machine, or not for everyone's eyes: then not for the task's either.
        return


def _copy_link(source: str, target: str) -> None:
    leads_to = os.readlink(source)
    if leads_to.startswith("/usr/") or "/" not in leads_to:
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        os.symlink(leads_to, target)
    elif os.path.isfile(source):
        # /etc/resolv.conf often leads into /run, which no task sees.
        _copy_file(source, target)


def _copy_file(source: str, target: str) -> None:
    status = os.stat(source)
    if (
        not stat.S_ISREG(status.st_mode)
        or not status.st_mode & stat.S_IROTH
        or status.st_size > _FILE_BYTES_MAX
    ):
        return
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    shutil.copyfile(source, target)
