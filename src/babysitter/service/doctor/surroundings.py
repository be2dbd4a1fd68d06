"""What the checks look at: a workspace, its machine, and the ports to ask both. Tests give fakes for each."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from babysitter.config import RUN_DATA, Place, Settings
from babysitter.model.clock import Clock
from babysitter.model.errors import RefusedError, SettingsError
from babysitter.model.runner import Programs
from babysitter.service.doctor.journal_facts import JournalFacts, read_journals
from babysitter.service.doctor.ports import AskAdvisories, ListWords
from babysitter.service.founding import ENVIRONMENT_FILES
from babysitter.service.git.credentials import FindCredentials
from babysitter.service.git.repository import Repository
from babysitter.service.wiring import Workspace


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """One workspace on one machine.

    root: the workspace's folder.
    workspace: None where the settings are wrong, which ``settings_error`` then says.
    environ: this process's environment. uid: whose process this is.
    find, advisories, words: see ports; None where there is nobody to ask.
    system: the folder that has ``proc`` and ``sys``. statvfs: how full a file system is.
    online: whether the network may be asked. from_index: we were installed from a package index.
    """

    root: Path
    workspace: Workspace | None
    settings_error: SettingsError | None
    environ: Mapping[str, str]
    uid: int
    clock: Clock
    programs: Programs
    online: bool = True
    from_index: bool = False
    find: FindCredentials | None = None
    advisories: AskAdvisories | None = None
    words: ListWords | None = None
    system: Path = Path("/")
    home: Path = field(default_factory=Path.home)
    statvfs: Callable[[Path], os.statvfs_result] = os.statvfs

    @property
    def wired(self) -> Workspace:
        """The workspace.

        Raises:
            RefusedError: its settings can't be read, so nobody knows what it is.
        """
        if self.workspace is None:
            raise RefusedError(
                "babysitter.toml is wrong, so nobody knows what holds here.",
                hint="Mend babysitter.toml first: D28-settings names the line.",
            )
        return self.workspace

    @property
    def place(self) -> Place:
        """Where it is, and what its settings say."""
        return self.wired.place

    @property
    def settings(self) -> Settings:
        """What the settings say."""
        return self.wired.place.settings

    @property
    def now_s(self) -> int:
        """Seconds since 1970."""
        return self.clock.now_ns() // 1_000_000_000

    @cached_property
    def git(self) -> Repository:
        """Git in the workspace's folder."""
        return Repository(programs=self.programs, folder=self.root)

    @cached_property
    def work_tree(self) -> Path | None:
        """The root of the git work tree that the workspace is in; None when it is in none.

        Raises:
            RefusedError: git is there and can't say, such as for a folder of somebody else.
        """
        called = self.git.call("rev-parse", "--show-toplevel")
        if called.status == 0:
            return Path(called.stdout.decode("utf-8", "surrogateescape").rstrip("\n"))
        said = called.stderr.decode(errors="replace").strip()
        if "not a git repository" in said or "must be run in a work tree" in said:
            return None
        raise RefusedError(
            f"git can't look at this folder: {said.splitlines()[0] if said else 'it said nothing'}",
            hint="Run `git status` here to see why.",
        )

    @cached_property
    def journals(self) -> tuple[JournalFacts, ...]:
        """The journals of all runs, read once."""
        return read_journals(self.wired)

    @property
    def run_data(self) -> tuple[Path, ...]:
        """The folders of run data that are there: ``.a5c``, and a runs directory elsewhere."""
        own = self.root / RUN_DATA
        found = [own] if own.is_dir() else []
        if self.workspace is not None:
            others = (self.workspace.place.runs_dir, self.workspace.log_folder)
            found += [folder for folder in others if folder.is_dir() and not folder.is_relative_to(own)]
        return tuple(dict.fromkeys(found))

    def files_of_run_data(self) -> Iterator[Path]:
        """Give every folder and file of run data, never through a symlink."""
        for folder in self.run_data:
            yield from walk(folder)

    def environment_files(self) -> list[Path]:
        """Return the workspace's ``.env`` files."""
        found = (path for pattern in ENVIRONMENT_FILES for path in self.root.glob(pattern))
        return sorted(path for path in found if path.is_file())

    def shown(self, path: Path) -> str:
        """Return a path as a person sees it from the workspace."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def walk(folder: Path) -> Iterator[Path]:
    """Give a folder and all below it; symlinks are given and not followed. What goes meanwhile is left out.

    Raises:
        OSError: a folder can't be listed, so nobody knows what is in it.
    """
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    yield folder
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            yield from walk(entry)
        else:
            yield entry
