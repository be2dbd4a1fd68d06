"""Running a test runner of the workspace in the sandbox: a plan goes in, what was found comes out as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from babysitter.model.effects import Sandbox
from babysitter.model.errors import MissingToolError, SandboxError
from babysitter.model.findings import ToolRun
from babysitter.model.output import NeverStopped, Tail
from babysitter.model.rules import SecurityTest
from babysitter.model.runner import Ended, OutputSink, Program, Runner, StopToken
from babysitter.model.security_tests import ChangedFunction, FoundTest

PROBES = Path(__file__).parent / "probes"
OUTPUT_BYTES_MAX = 16_384
RESULT_BYTES_MAX = 64 * 1024 * 1024
_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where tests run, and with what.

    root: the workspace. sandbox: what the tests are granted. timeout_s: of one program.
    python: the interpreter whose pytest and coverage are used. node: the program, or None.
    arguments: more for pytest. output: where everything that is written goes too.
    """

    runner: Runner
    root: Path
    sandbox: Sandbox
    timeout_s: float
    python: Path
    node: Path | None
    arguments: tuple[str, ...] = ()
    stop: StopToken = field(default_factory=NeverStopped)
    output: OutputSink | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked: the files of the workspace, and the changed lines of those that changed (None: all)."""

    files: tuple[str, ...]
    changed: dict[str, frozenset[int] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one runner has to say."""

    tool: ToolRun
    tests: tuple[FoundTest, ...] = ()
    functions: tuple[ChangedFunction, ...] = ()
    notes: tuple[str, ...] = ()


class Tests(Protocol):
    """One kind of runner of tests."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def is_used(self, files: tuple[str, ...]) -> bool:
        """Tell whether the workspace has tests of this kind."""
        ...

    def measures(self, path: str) -> bool:
        """Tell whether it says of this file which of its functions are executed."""
        ...

    def run(self, wanted: Wanted) -> Ran:
        """Find the security tests, run them, and say which changed functions they executed."""
        ...


class NotRunError(Exception):
    """A runner could not do its work; ``run`` says why."""

    def __init__(self, run: ToolRun) -> None:
        self.run = run
        super().__init__(run.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is started. ``folders``: of this machine, that it needs to see besides the system's."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


def run_program(place: Place, tool: str, start: Start, plan: object) -> tuple[Ended, str]:
    """Run a program in the sandbox with a plan; return how it ended, and the end of what it wrote.

    Raises:
        NotRunError: it could not be started, or did not end.
    """
    said = Tail(OUTPUT_BYTES_MAX, place.output)
    program = Program(
        argv=start.argv,
        env=dict(start.env),
        input=msgspec.json.encode(plan),
        timeout_s=place.timeout_s,
        result_bytes_max=RESULT_BYTES_MAX,
        read_only=(str(PROBES), *start.folders),
    )
    try:
        ended = place.runner.run(program, place.sandbox, said, said, place.stop)
    except MissingToolError as missing:
        raise NotRunError(
            ToolRun(tool=tool, state="missing", why=missing.message, fix=missing.hint)
        ) from None
    except SandboxError as refused:
        raise NotRunError(ToolRun(tool=tool, state="failed", why=refused.message, fix=refused.hint)) from None
    if ended.why != "exit":
        why = {
            "timeout": f"it did not end within {place.timeout_s:g} s",
            "stopped": "it was stopped",
        }.get(ended.why, f"it was ended by a {ended.why}")
        raise NotRunError(
            ToolRun(tool=tool, state="failed", why=f"{why}.", fix="Run the tests by hand, and mend them.")
        )
    return ended, said.tail(OUTPUT_BYTES_MAX)


def told_by(ended: Ended, kind: type[_Told]) -> _Told | None:
    """Return what a probe wrote; None when it is cut off, or somebody's test wrote something else there."""
    try:
        return msgspec.json.decode(ended.result, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def last_words(text: str) -> str:
    """Return the last lines that a program wrote, in one."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-4:])[-600:] or "it said nothing"


def add_up(runs: list[tuple[tuple[SecurityTest, ...], bool]]) -> dict[SecurityTest, int]:
    """Return how many of these executed something, by category. Each: its categories, and whether it did."""
    found: dict[SecurityTest, int] = {}
    for categories, executed in runs:
        for category in categories if executed else ():
            found[category] = found.get(category, 0) + 1
    return found


def whole_file(path: str) -> ChangedFunction:
    """Return what stands for a file that nobody has measured: one function that nothing executes."""
    return ChangedFunction(path=path, name="(the whole file)", line=1, end_line=1, granularity="file")
