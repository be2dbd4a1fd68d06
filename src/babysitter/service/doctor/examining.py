"""Doing the checks, mending what is safe, and what comes of it as a view.

A check that fails to look (no git, no rights, a disk that can't be read) has not found that all is well:
it could not check. A mend is followed by another look, and that one counts.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from babysitter._version import __version__
from babysitter.config import environment, find_root
from babysitter.model.errors import BabysitterError, NotFoundError, SettingsError
from babysitter.model.findings import SEVERITIES
from babysitter.model.rules import Severity
from babysitter.service.doctor.advisories import advisories_of
from babysitter.service.doctor.catalogue import acceptance_of, chosen
from babysitter.service.doctor.check import STATES, Check, Result, State, could_not_check
from babysitter.service.doctor.installed import comes_from_index
from babysitter.service.doctor.ports import Word
from babysitter.service.doctor.surroundings import Surroundings
from babysitter.service.git.credentials import find_credentials
from babysitter.service.ports import SystemClock
from babysitter.service.views import View
from babysitter.service.wiring import Workspace, local_programs, open_workspace


class CheckView(View, frozen=True, kw_only=True):
    """One check and what it found. ``fixable``: ``--fix`` mends it. ``why``: what happens otherwise."""

    id: str
    promise: str
    title: str
    state: State
    severity: Severity
    found: str
    why: str
    fix: str = ""
    command: str = ""
    places: tuple[str, ...] = ()
    fixable: bool = False


class Diagnosis(View, frozen=True, kw_only=True):
    """All checks of a workspace, the worst first. ``fixed``: what ``--fix`` did, line by line, by check.

    verdict: ``problems`` when there is one; else ``unchecked`` when something that matters could not be
        checked; else ``fine``.
    """

    root: str
    version: str
    verdict: Literal["fine", "problems", "unchecked"]
    counts: dict[State, int]
    checks: tuple[CheckView, ...]
    fixed: dict[str, tuple[str, ...]]


def surroundings_of(folder: Path, *, online: bool) -> Surroundings:
    """Return what there is to look at from a folder.

    Raises:
        NotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder} is no folder.", hint="Give the folder of a workspace.")
    workspace: Workspace | None = None
    wrong: SettingsError | None = None
    try:
        workspace = open_workspace(folder)
    except SettingsError as error:
        wrong = error
    root = find_root(folder)
    return Surroundings(
        root=root,
        workspace=workspace,
        settings_error=wrong,
        environ=environment(),
        uid=os.geteuid(),
        clock=SystemClock(),
        programs=local_programs(),
        online=online,
        from_index=comes_from_index(),
        find=find_credentials(root),
        advisories=None if workspace is None else advisories_of(workspace),
        words=None if workspace is None else partial(words_of, workspace),
    )


def words_of(workspace: Workspace) -> tuple[Word, ...]:
    """Return what people said about processes here."""
    from babysitter.service.process_trust import Trusting  # noqa: PLC0415 (only this check)

    records = Trusting(workspace).records()
    return tuple(Word(entry=each.entry, state=each.state, current=each.current) for each in records)


def examine(here: Surroundings, *, only: tuple[str, ...] = (), fix: bool = False) -> Diagnosis:
    """Do the checks, and with ``fix`` mend what is safe and look again.

    Raises:
        NotFoundError: ``only`` names no check.
    """
    checks = chosen(only)
    unknown = [word for word in only if not chosen((word,))]
    if unknown:
        raise NotFoundError(
            f"there is no check {unknown[0]}.",
            hint="Give an id as `babysitter doctor` shows it, D03, or G03.",
        )
    results = {check.id: looked(check, here) for check in checks}
    fixed: dict[str, tuple[str, ...]] = {}
    for check in checks if fix else ():
        if results[check.id].state == "problem" and check.mend is not None:
            fixed[check.id], results[check.id] = _mended(check, here, results[check.id])
    found = [(check, _accepted(check, here, results[check.id])) for check in checks]
    return _diagnosis(here, found, fixed)


def looked(check: Check, here: Surroundings) -> Result:
    """Return what a check finds. What keeps it from looking is told, and is never good news."""
    try:
        return check.look(here)
    except BabysitterError as error:
        return could_not_check(error.message, fix=error.hint)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return could_not_check(
            f"{where}{error.strerror or error}", fix="Run doctor as the user whose workspace it is."
        )


def _accepted(check: Check, here: Surroundings, result: Result) -> Result:
    """Return the result, or that it is accepted and why."""
    accepted = acceptance_of(check.id, here) if result.state in ("problem", "could-not-check") else None
    if accepted is None:
        return result
    until = f" (until {accepted.until})" if accepted.until else ""
    return replace(result, state="accepted", fix=f"Accepted{until}: {accepted.reason}", command="")


def _mended(check: Check, here: Surroundings, before: Result) -> tuple[tuple[str, ...], Result]:
    """Return what was done, and what a second look finds."""
    assert check.mend is not None, "only checks that can mend come here"
    try:
        done = tuple(_encodable(line) for line in check.mend(here))
    except BabysitterError as error:
        return (f"could not be mended: {error.message}",), before
    except OSError as error:
        return (f"could not be mended: {error.filename}: {error.strerror}",), before
    return done, looked(check, here)


def _diagnosis(
    here: Surroundings, results: Iterable[tuple[Check, Result]], fixed: dict[str, tuple[str, ...]]
) -> Diagnosis:
    views = sorted((_view(check, result) for check, result in results), key=_urgency)
    counts = {state: sum(view.state == state for view in views) for state in STATES}
    unchecked = [view for view in views if view.state == "could-not-check" and view.severity != "low"]
    return Diagnosis(
        root=str(here.root),
        version=__version__,
        verdict="problems" if counts["problem"] else "unchecked" if unchecked else "fine",
        counts=counts,
        checks=tuple(views),
        fixed=fixed,
    )


def _view(check: Check, result: Result) -> CheckView:
    return CheckView(
        id=check.id,
        promise=check.promise,
        title=check.title,
        state=result.state,
        severity=result.severity or check.severity,
        found=_encodable(result.found),
        why=check.why,
        fix=result.fix,
        command=_encodable(result.command),
        places=tuple(_encodable(place) for place in result.places),
        fixable=check.mend is not None and result.state == "problem",
    )


def _encodable(text: str) -> str:
    """Return a text that every encoding takes; bytes of a file's name that are no UTF-8 are spelt out."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _urgency(view: CheckView) -> tuple[int, int, str]:
    return STATES.index(view.state), SEVERITIES.index(view.severity), view.id
