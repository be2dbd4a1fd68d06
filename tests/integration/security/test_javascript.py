"""Files of JavaScript tests that never came to their tests: nobody saw them pass, so nothing counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.security.test_security_tests import report_of
from tests.unit.changes.places import repository, write

pytestmark = [
    pytest.mark.needs("git"),
    pytest.mark.needs("node"),
    pytest.mark.promise("G16"),
    pytest.mark.linux,
]
PASSING = "const test = require('node:test');\ntest('login', () => { require('../app.js').f(); });\n"
FAKE_JEST = """\
const fs = require('fs');
const out = process.argv.find((each) => each.startsWith('--outputFile=')).slice('--outputFile='.length);
fs.writeFileSync(out, JSON.stringify({ testResults: SAYS }));
"""


def changed(root: Path, files: dict[str, str | bytes]) -> Path:
    """Make a repository with these files, in which a function has changed."""
    repository(root, {"app.js": "exports.f = () => 1;\n", **files})
    write(root, {"app.js": "exports.f = () => 2;\n"})
    return root


def test_a_file_that_loads_counts(tmp_path: Path) -> None:
    report = report_of(changed(tmp_path / "w", {"test/a.test.js": PASSING}))

    assert report.held == ("authentication",)


@pytest.mark.parametrize(
    "broken", ["require('node:test'); require('./gone');\n", "require('node:test'); process.exit(1);\n"]
)
def test_a_file_of_tests_that_does_not_load_leaves_nothing_that_counts(tmp_path: Path, broken: str) -> None:
    """Its tests may be those that fail: without them the others would be all that there are."""
    root = changed(tmp_path / "w", {"test/a.test.js": PASSING, "test/login.test.js": broken})

    report = report_of(root)

    (run,) = report.tools
    assert (run.state, run.why.startswith("test/login.test.js: ")) == ("failed", True)
    assert report.held == ()


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([{"status": "passed", "assertionResults": [{"status": "passed"}]}], "passed"),
        ([{"status": "failed", "assertionResults": [{"status": "failed"}]}], "passed"),
        ([{"status": "failed", "assertionResults": []}], "failed"),
        ([{"status": "failed", "assertionResults": [{"status": "passed"}]}], "failed"),
    ],
)
def test_a_suite_of_jest_that_failed_without_a_test_that_did_is_a_runner_that_failed(
    tmp_path: Path, results: list[dict[str, Any]], state: str
) -> None:
    for each in results:
        each["assertionResults"] = [
            {"ancestorTitles": [], "title": "login", **test} for test in each["assertionResults"]
        ]
    files: dict[str, str | bytes] = {
        "package.json": '{"devDependencies": {"jest": "*"}}',
        "node_modules/jest/bin/jest.js": FAKE_JEST.replace("SAYS", json.dumps(results)),
        "test/a.test.js": "login",
    }

    (run,) = report_of(changed(tmp_path / "w", files)).tools

    assert (run.tool, run.state) == ("jest", state)
