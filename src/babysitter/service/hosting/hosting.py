"""The workspaces that one server serves, each with its catalogue, its feed and its conductor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from babysitter.model.errors import NotFoundError, SettingsError
from babysitter.model.ids import RUN_ID
from babysitter.service.atlas.atlas import Atlas
from babysitter.service.hosting.catalogue import Catalogue
from babysitter.service.hosting.conductor import Conductor
from babysitter.service.hosting.feed import Feed
from babysitter.service.hosting.kept_atlas import KeptAtlas
from babysitter.service.hosting.kept_questions import KeptQuestions, OpenQuestion
from babysitter.service.hosting.onlooker import Onlooker
from babysitter.service.hosting.telling import Telling
from babysitter.service.hosting.verified import VerifiedRuns
from babysitter.service.queries import Queries
from babysitter.service.wiring import Workspace, open_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """One workspace of a server. ``conductor`` drives its runs, or ``onlooker`` sees how others do."""

    id: str
    workspace: Workspace
    catalogue: Catalogue
    feed: Feed
    conductor: Conductor | None = None
    onlooker: Onlooker | None = None
    telling: Telling | None = None
    verified: VerifiedRuns = field(default_factory=VerifiedRuns)
    kept_atlas: KeptAtlas = field(default_factory=KeptAtlas, repr=False, compare=False)
    kept_questions: KeptQuestions = field(default_factory=KeptQuestions, repr=False, compare=False)

    @property
    def atlas(self) -> Atlas:
        """Everything that there is to see in it, as pages. One for as long as the server runs."""
        return self.kept_atlas.of(self.workspace)

    @property
    def failure(self) -> str:
        """Why its runs could not be looked at the last time; empty: they were."""
        looks = self.conductor or self.onlooker
        return looks.failure if looks is not None else ""

    @property
    def open_questions(self) -> list[OpenQuestion]:
        """What waits for people in it, in no particular order."""
        return self.kept_questions.of(self.workspace.store, self.catalogue)

    @property
    def queries(self) -> Queries:
        """What there is to see in it."""
        return Queries(self.workspace)

    def poke(self, run_id: str) -> None:
        """Something has come for a run: have it seen, and driven if that is ours."""
        self.catalogue.refresh(run_id)
        if self.conductor is not None:
            self.conductor.poke(run_id)
        self.feed.tell(run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """Everything that a server serves. ``home``: the workspace in which it was started."""

    home: Hosted
    all: Mapping[str, Hosted]

    def start(self) -> None:
        """Begin to drive, or to look on."""
        for hosted in self.all.values():
            for part in (hosted.conductor, hosted.onlooker, hosted.telling):
                if part is not None:
                    part.start()

    def stop(self, *, grace_s: float = 10.0) -> None:
        """Afterwards nothing is driven any more."""
        for hosted in self.all.values():
            if hosted.conductor is not None:
                hosted.conductor.stop(grace_s=grace_s)
            for part in (hosted.onlooker, hosted.telling):
                if part is not None:
                    part.stop()

    def find(self, run_id: str, workspaces: list[str]) -> Hosted:
        """Return which of these workspaces has the run.

        Raises:
            NotFoundError: none of them.
        """
        for workspace_id in workspaces:
            hosted = self.all[workspace_id]
            if hosted.catalogue.get(run_id) is not None or hosted.catalogue.refresh(run_id) is not None:
                return hosted
        raise NotFoundError(f"there is no run {run_id}.", hint="See which there are at /runs.")


def host(workspace: Workspace) -> Hosting:
    """Return what serves a workspace, and those that its settings name beside it.

    Raises:
        SettingsError: a workspace that is named is none, or two have the same id.
    """
    home = hosted(workspace)
    every = {home.id: home}
    for path in workspace.place.settings.server.workspaces:
        folder = (workspace.root / path).resolve()
        if not (folder / "babysitter.toml").is_file():
            raise SettingsError(
                f"server.workspaces names {path}, where no babysitter.toml is.",
                hint=f"Run babysitter init in {folder}, or mend the path.",
            )
        other = hosted(open_workspace(folder), drive=workspace.place.settings.server.drive)
        if other.id in every:
            raise SettingsError(
                f"two workspaces are called {other.id}.", hint="Give each its own id in [workspace]."
            )
        every[other.id] = other
    return Hosting(home=home, all=every)


def hosted(workspace: Workspace, *, drive: bool | None = None) -> Hosted:
    """Return one workspace as a server serves it."""
    server = workspace.place.settings.server
    catalogue, feed = Catalogue(workspace.store), Feed()
    is_driven = server.drive if drive is None else drive
    return Hosted(
        id=workspace_id(workspace),
        workspace=workspace,
        catalogue=catalogue,
        feed=feed,
        conductor=Conductor(workspace, catalogue, feed, concurrency=server.concurrency)
        if is_driven
        else None,
        onlooker=None if is_driven else Onlooker(catalogue, feed),
        telling=Telling(workspace, feed) if is_driven else None,
    )


def workspace_id(workspace: Workspace) -> str:
    """Return what a server calls a workspace: its id in the settings, else the name of its folder.

    Raises:
        SettingsError: neither can stand in a URL.
    """
    name = workspace.place.settings.workspace.id or Path(workspace.root).resolve().name
    if not RUN_ID.fullmatch(name):
        raise SettingsError(
            f"a server can't call a workspace {name!r}.",
            hint="Give it an id of letters, digits, dots and dashes in [workspace].",
        )
    return name
