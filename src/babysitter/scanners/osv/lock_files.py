"""Which files are lock files, and what reads each."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from babysitter.scanners.osv.node_locks import read_package_lock, read_pnpm_lock, read_yarn_lock
from babysitter.scanners.osv.packages import Locked
from babysitter.scanners.osv.python_locks import read_pipfile_lock, read_requirements, read_toml_lock

READERS: Final[dict[str, Callable[[bytes], Locked]]] = {
    "requirements*.txt": read_requirements,
    "uv.lock": read_toml_lock,
    "poetry.lock": read_toml_lock,
    "pdm.lock": read_toml_lock,
    "pylock*.toml": read_toml_lock,
    "Pipfile.lock": read_pipfile_lock,
    "package-lock.json": read_package_lock,
    "npm-shrinkwrap.json": read_package_lock,
    "yarn.lock": read_yarn_lock,
    "pnpm-lock.yaml": read_pnpm_lock,
}
"""By glob of the file's name."""


def read_lock_file(name: str, content: bytes) -> Locked:
    """Return what a lock file holds.

    Raises:
        LockFileError: it can't be read as what its name says.
        KeyError: its name is not that of a lock file.
    """
    last = PurePosixPath(name).name
    for pattern, read in READERS.items():
        if fnmatchcase(last, pattern):
            return read(content)
    raise KeyError(name)
