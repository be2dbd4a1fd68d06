"""A plugin for somebody's own pytest: lists tests, or runs some of them and says what each executed.

Runs under whatever Python the workspace has, so it knows nothing of Babysitter and imports nothing but the
standard library and that workspace's coverage. What it is to do comes on one descriptor, what it found goes
out on another, as JSON.
"""

from __future__ import annotations

import json
import os
import warnings
from typing import Any


def pytest_load_initial_conftests(early_config: Any) -> None:
    """Look on from here: nothing of the workspace has been imported yet."""
    with open(int(os.environ["BABYSITTER_INPUT_FD"]), "rb", closefd=False) as plan:
        early_config.pluginmanager.register(Probe(json.load(plan)), "babysitter-security-probe")


class Probe:
    """Looks on. ``plan``: empty to list tests; else ``run``, which tests, and ``files``, whose lines."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.run = plan.get("run")
        self.files = plan.get("files", [])
        self.tests: list[dict[str, Any]] = []
        self.outcomes: dict[str, str] = {}
        self.errors: list[str] = []
        self.about = {"version": "", "missing": ""}
        self.coverage: Any = None
        if self.run is not None:
            self.measure()

    def measure(self) -> None:
        """Begin to measure, with the workspace's own coverage."""
        try:
            import coverage  # noqa: PLC0415 (the workspace may have none)
        except ImportError:
            self.about["missing"] = "coverage"
            return
        self.about["version"] = coverage.__version__
        self.coverage = coverage.Coverage(data_file=None, config_file=False, messages=False)
        self.coverage.start()

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Note every test; when only some are to run, leave the others out."""
        for item in items:
            marks = [
                [mark.name, [word for word in mark.args if isinstance(word, str)]]
                for mark in item.iter_markers()
            ]
            path, *names = item.nodeid.split("::")
            # Without the parameters of a parametrized test, which are data and no name.
            names[-1:] = [getattr(item, "originalname", None) or item.name]
            self.tests.append({"id": item.nodeid, "path": path, "names": names, "marks": marks})
        if self.run is not None:
            wanted = set(self.run)
            config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
            items[:] = [item for item in items if item.nodeid in wanted]

    def pytest_collectreport(self, report: Any) -> None:
        """Note what could not be collected."""
        if report.failed:
            self.errors.append(report.nodeid)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """From here on, what is executed is this test's."""
        if self.coverage is not None:
            self.coverage.switch_context(nodeid)

    def pytest_runtest_logfinish(self) -> None:
        """From here on it is nobody's."""
        if self.coverage is not None:
            self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note how a test ended: the worst of its phases counts, and one that was to fail is no pass."""
        if report.failed:
            self.outcomes[report.nodeid] = "failed"
        elif report.skipped or hasattr(report, "wasxfail"):
            self.outcomes.setdefault(report.nodeid, "skipped")
        elif report.when == "call":
            self.outcomes.setdefault(report.nodeid, "passed")

    def pytest_unconfigure(self) -> None:
        """Say what was found."""
        found = {
            "tests": self.tests,
            "outcomes": self.outcomes,
            "errors": self.errors,
            "lines": self.lines(),
            **self.about,
        }
        content = json.dumps(found).encode()
        descriptor = int(os.environ["BABYSITTER_RESULT_FD"])
        while content:
            content = content[os.write(descriptor, content) :]

    def lines(self) -> dict[str, dict[int, list[str]]]:
        """Return which tests executed which lines of the files that were asked about."""
        if self.coverage is None:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.coverage.stop()
            data = self.coverage.get_data()
        wanted = {os.path.realpath(path): path for path in self.files}
        found = {}
        for measured in data.measured_files():
            path = wanted.get(os.path.realpath(measured))
            if path is not None:
                by_line = data.contexts_by_lineno(measured).items()
                found[path] = {line: [name for name in names if name] for line, names in by_line}
        return found
