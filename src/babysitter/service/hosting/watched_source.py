"""The code of a run's process, where it is still the code that the run has; else the word that it is not."""

import re
from dataclasses import dataclass

from babysitter.model.errors import EntryError, NotFoundError
from babysitter.model.events import RunFailed
from babysitter.service.hosting.visit import Visit
from babysitter.service.process.closure import read_sources
from babysitter.service.reading import read_state
from babysitter.service.views import View

_PLACE = re.compile(r"([\w./-]+\.py):(\d+)")


class SourceLine(View, frozen=True, kw_only=True):
    """A line. ``why``: it is marked; empty: it is not."""

    number: int
    text: str
    why: str = ""


class SourceShown(View, frozen=True, kw_only=True):
    """The files of a process. ``problem``: why none can be shown; then there are none.

    failed: the run's error names a line of the file that is shown.
    """

    workspace: str
    run_id: str
    entry: str
    digest: str
    problem: str
    files: tuple[str, ...]
    file: str
    lines: tuple[SourceLine, ...]
    failed: bool


@dataclass(frozen=True, slots=True)
class VisitedSource:
    """The use case of a visitor who looks at the code of a run."""

    visit: Visit

    def show(self, run_id: str, workspace: str = "", *, file: str = "") -> SourceShown:
        """Return a file of the process; empty: the one that the ENTRY names.

        Raises:
            NotFoundError: the process has no such file.
        """
        hosted = self.visit.run("run.read", run_id, workspace)
        state = read_state(hosted.workspace.store, run_id)
        assert state.created is not None, "a run that is found begins with RUN_CREATED"
        facts = {
            "workspace": hosted.id,
            "run_id": run_id,
            "entry": state.created.entry,
            "digest": state.digest,
        }
        try:
            sources = read_sources(state.created.entry, hosted.workspace.root)
        except EntryError as error:
            return SourceShown(**facts, problem=error.message, files=(), file="", lines=(), failed=False)
        if sources.digest != state.digest:
            problem = (
                "The code has changed since: its digest is another now, so it is not shown as the run's."
            )
            return SourceShown(**facts, problem=problem, files=(), file="", lines=(), failed=False)
        name = file or sources.file
        if name not in sources.files:
            raise NotFoundError(
                f"the process has no file {name[:80]}.", hint=f"See its files at /runs/{run_id}/source."
            )
        secrets = hosted.workspace.secrets(state.created.secrets)
        try:
            text = secrets.masker.mask_string(sources.files[name].decode("utf-8", "replace"))
        finally:
            secrets.vault.close()
        failed = _failed_at(state.end.error.message if isinstance(state.end, RunFailed) else "", name)
        waits = {effect.requested.task_id for effect in state.effects.values()}
        lines = tuple(
            SourceLine(number=number, text=line, why=_why(line, number == failed, waits))
            for number, line in enumerate(text.split("\n"), 1)
        )
        return SourceShown(
            **facts,
            problem="",
            files=tuple(sorted(sources.files)),
            file=name,
            lines=lines,
            failed=failed > 0,
        )


def _failed_at(message: str, name: str) -> int:
    """Return the last line of the file that an error's text names; 0: none."""
    found = [int(line) for path, line in _PLACE.findall(message) if path.endswith(name)]
    return found[-1] if found else 0


def _why(line: str, is_failed: bool, waits: set[str]) -> str:  # noqa: FBT001 (private, and named where it is called)
    if is_failed:
        return "the run's error names this line"
    named = sorted(task for task in waits if re.search(rf"\b{re.escape(task)}\b", line))
    return f"names {', '.join(named)}, which the run waits for" if named else ""
