"""What changed in one workspace: since a run began, since a commit, or between two commits."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from babysitter.changes.differences import Found, difference
from babysitter.changes.repository import Repository
from babysitter.changes.states import LeftOut, States
from babysitter.model.changes import RUN, SINCE
from babysitter.model.errors import ReviewError
from babysitter.model.runner import Programs

NAMES_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What lies between two states. ``tree``: of the workspace, empty when two commits were compared."""

    from_tree: str
    tree: str
    found: Found
    left_out: LeftOut


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceChanges:
    """See the module.

    folder: where states are kept, ours alone. hidden, kept_out, token: as in states.States.
    """

    programs: Programs
    root: Path
    folder: Path
    hidden: tuple[str, ...]
    kept_out: tuple[str, ...]
    token: Callable[[], str]

    def begin(self) -> str:
        """Keep the workspace's state as the beginning of a run, and return its tree.

        Raises:
            ReviewError: it can't be kept, and so nobody could be shown what changes.
        """
        return self._states().begin(self._repository.tracked_though_ignored())

    def now(self, began: str) -> str:
        """Return the tree of the workspace as it is, seen from a beginning (empty: from none)."""
        return self._states().now(began, self._repository.tracked_though_ignored())

    def compare(self, since: str, began: str) -> Compared:
        """Return what has changed.

        Args:
            since: ``run``, ``base..`` or ``base..head``.
            began: the tree of the run's beginning; empty when none was kept.

        Raises:
            ReviewError: it can't be told.
        """
        if since == RUN:
            if not began:
                raise ReviewError(
                    "the workspace was not kept as it was when this run began, so nobody knows what changed.",
                    hint="Begin a new run. It is kept where a process says breakpoint(…, diff=True) or "
                    "security_tests(…) itself, by that name.",
                )
            states = self._states()
            tree = self.now(began)
            found = difference(states.git, began, tree)
            return Compared(from_tree=began, tree=tree, found=found, left_out=states.left_out())
        parts = SINCE.fullmatch(since)
        if parts is None or not self._repository.is_there():
            raise ReviewError(
                f"{self.root} is in no git repository, so there is no {since}.",
                hint="Use diff=True, which needs no repository, or make one: git init.",
            )
        return self._between_commits(parts[1], parts[2]) if parts[2] else self._since_commit(parts[1], began)

    def names(self, before: str, after: str) -> list[str]:
        """Return the paths that differ between two states that were kept here."""
        git = self._states().git
        listed = git.names("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)
        return [name.decode("utf-8", "backslashreplace") for name in listed]

    def files(self, tree: str) -> tuple[str, ...]:
        """Return the paths of a state's regular files."""
        return self._states().files(tree)

    def _between_commits(self, base: str, head: str) -> Compared:
        states = self._borrowing()
        before, after = self._tree_of(states, base), self._tree_of(states, head)
        found = difference(states.git, before, after)
        return Compared(from_tree=before, tree="", found=found, left_out=LeftOut(count=0, names=()))

    def _since_commit(self, base: str, began: str) -> Compared:
        """Compare a commit with the workspace, whose state is kept as the repository names objects, too."""
        states = self._borrowing()
        before = self._tree_of(states, base)
        tree = self.now(began)
        after = states.now(before, self._repository.tracked_though_ignored())
        if self.now(began) != tree:
            raise moves_on()
        found = difference(states.git, before, after)
        return Compared(from_tree=before, tree=tree, found=found, left_out=states.left_out())

    def _tree_of(self, states: States, name: str) -> str:
        commit = self._repository.commit(name)
        states.must_have(commit)
        return states.git.object_name("rev-parse", "--verify", f"{commit}:{self._repository.prefix()}")

    @property
    def _repository(self) -> Repository:
        return Repository(programs=self.programs, root=self.root)

    def _states(self) -> States:
        return States(
            programs=self.programs,
            root=self.root,
            folder=self.folder / "workspace.git",
            hidden=self.hidden,
            kept_out=self.kept_out,
            token=self.token,
        )

    def _borrowing(self) -> States:
        repository = self._repository
        object_format = repository.object_format()
        return States(
            programs=self.programs,
            root=self.root,
            folder=self.folder / f"commits-{object_format}.git",
            hidden=self.hidden,
            kept_out=self.kept_out,
            token=self.token,
            object_format=object_format,
            borrowed=repository.objects(),
        )


def moves_on() -> ReviewError:
    """Return the error for a workspace that does not stand still while it is looked at."""
    return ReviewError(
        "the workspace changes while it is being looked at, so nobody can be shown what is there.",
        hint="Let what writes to it finish (await its task first), and drive the run again.",
    )
