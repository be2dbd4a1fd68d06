"""What a check is, and what it can say.

A check says ``ok`` only when it has looked. What could not be looked at is ``could-not-check`` with the
reason, never ``ok``; what has no object here is ``not-applicable`` with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from babysitter.model.rules import Severity
from babysitter.service.doctor.surroundings import Surroundings

State = Literal["ok", "problem", "accepted", "note", "not-applicable", "could-not-check"]
STATES: tuple[State, ...] = ("problem", "could-not-check", "accepted", "note", "ok", "not-applicable")
"""In the order in which a person wants to read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a check found.

    found: one sentence about this machine.
    fix: what to do, as a sentence. command: what to paste into a shell; empty where no command does it.
    severity: where it is another than the check's own.
    places: files that it is about, relative to the workspace, or absolute.
    """

    state: State
    found: str
    fix: str = ""
    command: str = ""
    severity: Severity | None = None
    places: tuple[str, ...] = ()


Look = Callable[[Surroundings], Result]
Mend = Callable[[Surroundings], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that the guide says and that can be checked here.

    id: ``D`` and the number of the promise, then words; it never changes its meaning.
    title: what is true when all is well.
    severity: of a problem, and of not knowing. Below ``medium``, not knowing is no failure.
    why: what happens otherwise, in a sentence.
    mend: does what is safe, says what it did line by line; doing it twice does nothing.
    """

    id: str
    title: str
    promise: str
    severity: Severity
    why: str
    look: Look
    mend: Mend | None = None


def ok(found: str) -> Result:
    """It was looked at, and all is well."""
    return Result(state="ok", found=found)


def problem(
    found: str,
    *,
    fix: str,
    command: str = "",
    severity: Severity | None = None,
    places: tuple[str, ...] = (),
) -> Result:
    """It was looked at, and something is to be done."""
    return Result(
        state="problem", found=found, fix=fix, command=command, severity=severity, places=places[:PLACES_MAX]
    )


def note(found: str, *, fix: str = "", command: str = "", places: tuple[str, ...] = ()) -> Result:
    """Worth knowing, and no fault."""
    return Result(state="note", found=found, fix=fix, command=command, places=places[:PLACES_MAX])


def not_applicable(reason: str) -> Result:
    """There is nothing here that it could be about."""
    return Result(state="not-applicable", found=reason)


def could_not_check(reason: str, *, fix: str, command: str = "") -> Result:
    """Nobody knows; this is not good news."""
    return Result(state="could-not-check", found=reason, fix=fix, command=command)


PLACES_MAX = 100


def some(names: list[str] | tuple[str, ...], most: int = 3) -> str:
    """Return a few names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def count(number: int, thing: str, things: str = "") -> str:
    """Return ``1 file`` or ``3 files``."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"
