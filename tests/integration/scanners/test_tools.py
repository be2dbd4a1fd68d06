"""The true tools find what they are for, whatever the workspace says about being left alone."""

import pytest

from tests.integration.scanners.conftest import Place, places

PYTHON = """\
import pickle
import subprocess


def run(connection, name, data):
    connection.execute("SELECT * FROM users WHERE name = '%s'" % name)  # nosec  # noqa: S608
    subprocess.call(name, shell=True)  # nosec  # noqa
    return pickle.loads(data)  # nosec  # noqa
"""
JAVASCRIPT = """\
/* eslint-disable */
const cp = require("child_process");

module.exports = function run(req, element) {
  cp.exec("ls " + req.query.name); // eslint-disable-line
  element.innerHTML = req.query.text;
};
"""
WORKFLOW = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo ${{ github.event.issue.title }} # zizmor: ignore[template-injection]
"""
NODE = """\
function show(req, res) {
  eval(req.query.sum);
}
"""
# What tells the tools to leave the files alone; tests/integration/scanners/test_rules.py says it to semgrep.
SILENCING = {
    "pyproject.toml": '[tool.ruff]\nexclude = ["*"]\n[tool.bandit]\nexclude_dirs = ["src"]\n',
    ".bandit": "[bandit]\nexclude = /src\n",
    "eslint.config.js": 'module.exports = [{ ignores: ["**/*"] }];\n',
    ".eslintignore": "*\n",
    ".semgrepignore": "*\n",
    ".njsscan": "---\n- ignore-rules:\n  - eval_nodejs\n",
    ".gitignore": "*\n",
    "zizmor.yml": "rules:\n  template-injection:\n    disable: true\n",
}


@pytest.mark.promise("G17")
@pytest.mark.parametrize(
    ("tool", "file", "code", "wanted"),
    [
        pytest.param(
            "bandit",
            "src/a.py",
            PYTHON,
            {(6, "B608"), (7, "B602"), (8, "B301")},
            marks=pytest.mark.needs("bandit"),
        ),
        pytest.param(
            "ruff",
            "src/a.py",
            PYTHON,
            {(6, "S608"), (7, "S602"), (8, "S301")},
            marks=pytest.mark.needs("ruff"),
        ),
        pytest.param(
            "eslint",
            "src/b.js",
            JAVASCRIPT,
            {(5, "security/detect-child-process"), (6, "no-unsanitized/property")},
            marks=pytest.mark.needs("eslint"),
        ),
        pytest.param(
            "njsscan", "src/c.js", NODE, {(2, "eval_nodejs")}, marks=pytest.mark.needs("njsscan", "semgrep")
        ),
        pytest.param(
            "zizmor",
            ".github/workflows/ci.yml",
            WORKFLOW,
            {(6, "template-injection")},
            marks=pytest.mark.needs("zizmor"),
        ),
    ],
)
def test_a_tool_finds_it_though_comments_and_settings_of_the_workspace_say_no(
    place: Place, tool: str, file: str, code: str, wanted: set[tuple[int, str]]
) -> None:
    place.write({file: code, **SILENCING})

    found = place.scan(tool, paths=(file,))

    assert {(file, line, rule) for line, rule in wanted} <= places(found.findings)
    assert (found.tools[0].state, found.tools[0].examined) == ("passed", 1)
    assert found.tools[0].version


@pytest.mark.promise("G15")
@pytest.mark.needs("bandit", "ruff", "eslint")
def test_findings_of_several_tools_come_with_their_categories_once_each(place: Place) -> None:
    place.write({"src/a.py": PYTHON, "src/b.js": JAVASCRIPT})

    found = place.scan("bandit", "ruff", "eslint")

    categories = {(each.path, each.category) for each in found.findings}
    assert {
        ("src/a.py", "sql-injection"),
        ("src/a.py", "command-injection"),
        ("src/a.py", "deserialization"),
        ("src/b.js", "command-injection"),
        ("src/b.js", "xss"),
    } <= categories
    (sql,) = (each for each in found.findings if each.category == "sql-injection")
    assert (sql.tool, [same.rule for same in sql.also]) == ("bandit", ["S608"])
    assert found.complete


@pytest.mark.promise("G17")
@pytest.mark.parametrize(
    ("tool", "good", "bad"),
    [
        pytest.param("bandit", "a.py", "broken.py", marks=pytest.mark.needs("bandit")),
        pytest.param("ruff", "a.py", "broken.py", marks=pytest.mark.needs("ruff")),
        pytest.param("eslint", "a.js", "broken.js", marks=pytest.mark.needs("eslint")),
        pytest.param(
            "zizmor",
            ".github/workflows/a.yml",
            ".github/workflows/broken.yml",
            marks=pytest.mark.needs("zizmor"),
        ),
    ],
)
def test_a_file_that_does_not_parse_was_not_examined(place: Place, tool: str, good: str, bad: str) -> None:
    """Each of these tools goes on without it; zizmor and bandit even leave with status 0."""
    clean = "on: push\npermissions: {}\njobs: {}\n" if tool == "zizmor" else "value = 1\n"
    place.write({good: clean, bad: "x: [(" if tool == "zizmor" else "def (\n"})

    found = place.scan(tool)

    assert found.tools[0].state == "failed"
    assert bad in found.tools[0].why
    assert good not in found.tools[0].why
    assert found.counts() == {}
