"""Security tests of pytest: the workspace's own pytest and coverage, with a plugin of ours that looks on.

Each test is measured by itself, so what a category executes is known for each function.
"""

from dataclasses import dataclass
from typing import NoReturn

from msgspec import Struct

from babysitter.model.findings import ToolRun
from babysitter.model.rules import SecurityTest
from babysitter.model.security_tests import ChangedFunction, FoundTest, Outcome, Told
from babysitter.scanners.interpreters import folders_of_python
from babysitter.scanners.security_tests.categories import categories_of
from babysitter.scanners.security_tests.functions import Function, changed, functions_of
from babysitter.scanners.security_tests.running import (
    PROBES,
    NotRunError,
    Place,
    Ran,
    Start,
    Wanted,
    add_up,
    last_words,
    run_program,
    told_by,
)

SUFFIXES = (".py",)
_NONE_COLLECTED = 5
_NAMES = ("test_", "conftest.py")


class _Test(Struct, frozen=True):
    id: str
    path: str
    names: tuple[str, ...]
    marks: tuple[tuple[str, tuple[str, ...]], ...]


class _Found(Struct, frozen=True):
    """What the plugin says. ``lines``: of each file that changed, the tests that executed a line."""

    tests: tuple[_Test, ...] = ()
    outcomes: dict[str, Outcome] = {}
    errors: tuple[str, ...] = ()
    lines: dict[str, dict[str, tuple[str, ...]]] = {}
    version: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PytestRunner:
    """See running.Tests."""

    place: Place
    name: str = "pytest"

    def is_used(self, files: tuple[str, ...]) -> bool:
        """See Tests."""
        return any(is_test_file(path) for path in files)

    def measures(self, path: str) -> bool:
        """See Tests."""
        return path.endswith(SUFFIXES) and not is_test_file(path)

    def run(self, wanted: Wanted) -> Ran:
        """See Tests."""
        sources = [path for path in wanted.changed if self.measures(path)]
        try:
            listed = self._asked({})
            known = self._known(listed)
            ran = self._asked({"run": sorted(known), "files": self._absolute(sources)}) if known else _Found()
        except NotRunError as refusal:
            return Ran(tool=refusal.run, functions=self._functions(sources, wanted, {}, {}, []))
        tests = tuple(
            FoundTest(
                runner=self.name,
                name=name,
                categories=categories,
                told=told,
                outcome=ran.outcomes.get(name, "skipped"),
            )
            for name, (categories, told) in known.items()
        )
        notes: list[str] = []
        passed = {test.name: test.categories for test in tests if test.outcome == "passed"}
        return Ran(
            tool=ToolRun(
                tool=self.name,
                state="passed",
                version=f"with coverage {ran.version}".strip(),
                examined=len(listed.tests),
                unit="tests",
            ),
            tests=tests,
            functions=self._functions(sources, wanted, ran.lines, passed, notes),
            notes=tuple(notes),
        )

    def _asked(self, plan: dict[str, object]) -> _Found:
        options = ("-p", "babysitter_security_probe", "-p", "no:cacheprovider", "-q", "--no-header")
        mode = () if "run" in plan else ("--collect-only",)
        argv = (str(self.place.python), "-B", "-m", "pytest", *options, *mode, *self.place.arguments)
        env = {"PYTHONPATH": str(PROBES), "PYTHONDONTWRITEBYTECODE": "1", "COVERAGE_CORE": "ctrace"}
        start = Start(argv=argv, env=env, folders=folders_of_python(self.place.python))
        ended, said = run_program(self.place, self.name, start, plan)
        if not ended.result and "No module named pytest" in said:
            self._missing("pytest")
        found = told_by(ended, _Found)
        if found is None:
            self._failed(said)
        if found.missing:
            self._missing(found.missing)
        if found.errors:
            self._failed(f"can't be collected: {', '.join(found.errors)} | {last_words(said)}")
        if ended.status not in (0, 1, _NONE_COLLECTED):
            self._failed(said)
        return found

    def _known(self, listed: _Found) -> dict[str, tuple[tuple[SecurityTest, ...], Told]]:
        known = {}
        for test in listed.tests:
            try:
                found = categories_of(test.marks, test.names, test.path)
            except ValueError as error:
                self._failed(f"{test.id}: {error}")
            if found is not None:
                known[test.id] = found
        return known

    def _functions(
        self,
        sources: list[str],
        wanted: Wanted,
        lines: dict[str, dict[str, tuple[str, ...]]],
        passed: dict[str, tuple[SecurityTest, ...]],
        notes: list[str],
    ) -> tuple[ChangedFunction, ...]:
        found = []
        for path in sources:
            file = self.place.root / path
            try:
                functions = functions_of(file.read_bytes())
            except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
                # It has no functions that could be told apart, so all of it is one that nothing executes.
                notes.append(f"NOT COVERED: {path} can't be read as Python: {error}")
                functions = [Function("(the whole file)", 1, 1, frozenset())]
            executed = lines.get(str(file), {})
            found += [
                _told(path, each, executed, passed) for each in changed(functions, wanted.changed[path])
            ]
        return tuple(found)

    def _absolute(self, sources: list[str]) -> list[str]:
        return [str(self.place.root / path) for path in sources]

    def _missing(self, package: str) -> NoReturn:
        fix = f"Install it where the workspace's tests run: {self.place.python} -m pip install {package}"
        why = f"{self.place.python} has no {package}."
        raise NotRunError(ToolRun(tool=self.name, state="missing", why=why, fix=fix))

    def _failed(self, said: str) -> NoReturn:
        fix = f"See for yourself: {self.place.python} -m pytest"
        raise NotRunError(ToolRun(tool=self.name, state="failed", why=last_words(said), fix=fix))


def is_test_file(path: str) -> bool:
    """Tell whether a file is one of pytest's, as pytest is used to call them."""
    name = path.rpartition("/")[2]
    return name.endswith(SUFFIXES) and (name.startswith(_NAMES) or name.endswith("_test.py"))


def _told(
    path: str,
    function: Function,
    executed: dict[str, tuple[str, ...]],
    passed: dict[str, tuple[SecurityTest, ...]],
) -> ChangedFunction:
    tests = {name for line in function.body for name in executed.get(str(line), ())}
    return ChangedFunction(
        path=path,
        name=function.name,
        line=function.line,
        end_line=function.end_line,
        executed_by=add_up([(categories, name in tests) for name, categories in passed.items()]),
    )
