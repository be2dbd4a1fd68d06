"""Security tests, run for real in the sandbox: the sample with holes is refused, the mended one passes."""

import shutil
from pathlib import Path

import pytest

from babysitter.config import Place, Settings
from babysitter.model.security_tests import CATEGORIES, SecurityReport
from babysitter.service.security_testing import gate, run_security_tests
from babysitter.service.wiring import Workspace
from tests.unit.changes.places import git, repository, write

pytestmark = [pytest.mark.needs("git"), pytest.mark.promise("G16"), pytest.mark.linux]
BOOKSHOP = Path(__file__).parents[3] / "examples" / "bookshop"
BEFORE = '"""A shop that sells nothing yet."""\n'


def report_of(root: Path) -> SecurityReport:
    settings = Settings()
    place = Place(root=root, runs_dir=root / ".a5c" / "runs", settings=settings, user="ann", host="here")
    return run_security_tests(Workspace(place))


def shop(root: Path, kind: str) -> Path:
    """Return a repository in which somebody has just written the bookshop."""
    repository(root, {"shop.py": BEFORE})
    shutil.copytree(BOOKSHOP / kind, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def test_the_mended_shop_passes_with_all_four_categories(tmp_path: Path) -> None:
    report = report_of(shop(tmp_path / "w", "fixed"))

    assert report.held == CATEGORIES
    assert {function.name for function in report.functions} == {
        "hashed",
        "log_in",
        "search",
        "page",
        "cover",
        "cancel",
    }
    assert {test.told for test in report.tests} == {"marker", "name"}


def test_the_shop_with_holes_is_refused_and_the_missing_tests_are_named(tmp_path: Path) -> None:
    report = report_of(shop(tmp_path / "w", "bad"))

    assert report.held == ()
    assert not gate(report, ["authorization"])
    assert report.lacking("authorization") == "no tests were found"
    assert "NOT COVERED: cancel (shop.py:" in "\n".join(report.lines())
    assert [(test.name, test.categories) for test in report.tests] == [
        ("tests/test_shop.py::test_login_with_a_wrong_password_is_refused", ("authentication",))
    ]


TESTS = """\
import pytest
from shop import f

def test_login(): {body}
"""
CHANGED = "def f():\n    return 1\n\n\ndef g():\n    return 2\n"


@pytest.mark.parametrize(
    ("body", "lacking"),
    [
        ("assert f() == 1", "1 of 2 changed functions are not executed"),
        ("assert f() == 2", "1 of 1 tests failed"),
        ("pytest.skip('later')", "none of 1 tests ran"),
        ("pytest.xfail('known')", "none of 1 tests ran"),
        ("assert True", "2 of 2 changed functions are not executed"),
    ],
)
def test_only_what_ran_and_passed_and_executed_the_changes_counts(
    tmp_path: Path, body: str, lacking: str
) -> None:
    root = repository(tmp_path / "w", {"shop.py": BEFORE, "conftest.py": ""})
    write(root, {"shop.py": CHANGED, "tests/test_shop.py": TESTS.format(body=body)})

    report = report_of(root)

    assert report.lacking("authentication") == lacking
    assert report.held == ()


def test_a_test_that_can_not_be_collected_fails_the_whole(tmp_path: Path) -> None:
    root = repository(tmp_path / "w", {"tests/test_a.py": "def test_login(): pass\n"})
    write(root, {"tests/test_b.py": "import nothing_of_that_name\n"})

    report = report_of(root)

    assert [run.state for run in report.tools] == ["failed"]
    assert "can't be collected: tests/test_b.py" in report.tools[0].why
    assert report.held == ()


def test_without_any_tests_there_is_no_pass(tmp_path: Path) -> None:
    report = report_of(repository(tmp_path / "w", {"a.py": "x = 1\n"}))

    assert [run.state for run in report.tools] == ["missing"]
    assert report.held == ()


def test_tests_have_neither_network_nor_a_workspace_to_write(tmp_path: Path) -> None:
    source = """\
import pathlib, socket, pytest

def test_login_without_the_network():
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)

def test_password_file_is_not_written():
    with pytest.raises(OSError):
        pathlib.Path("written").write_text("x")
"""
    root = repository(tmp_path / "w", {"tests/test_a.py": source})

    report = report_of(root)

    assert [test.outcome for test in report.tests] == ["passed", "passed"], report.lines()
    assert not (root / "written").exists()


JAVASCRIPT = """\
const { describe, it, test } = require('node:test');
const assert = require('node:assert');
const { logIn, cancel, page } = require('../shop.js');
describe('login', () => {
  it('wants a name', () => assert.throws(() => logIn('')));
  it('knows who it is', () => assert.equal(logIn('ann'), 'ann'));
});
test('only the owner may cancel', () => assert.throws(() => cancel('ann', { owner: 'bob' })));
test('markup is escaped', { skip: SKIP }, () => assert.equal(page('<'), '&lt;'));
"""
SHOP_JS = """\
function logIn(name) {
  if (!name) throw new Error('no name');
  return name;
}
const cancel = (user, order) => {
  if (order.owner !== user) throw new Error('not yours');
};
class Page {
  static of(text) {
    return text.replaceAll('<', '&lt;');
  }
}
module.exports = { logIn, cancel, page: Page.of };
"""


@pytest.mark.needs("node")
def test_tests_of_node_are_told_by_their_names_and_measured_by_category(tmp_path: Path) -> None:
    root = repository(
        tmp_path / "w", {"shop.js": SHOP_JS, "test/shop.test.js": JAVASCRIPT.replace("SKIP", "false")}
    )
    write(
        root,
        {
            "shop.js": SHOP_JS.replace("no name", "a name")
            .replace("'not yours'", "'no'")
            .replace("text.r", "(text).r")
        },
    )

    report = report_of(root)

    assert [(test.name.rpartition(" > ")[2], test.categories, test.outcome) for test in report.tests] == [
        ("wants a name", ("authentication",), "passed"),
        ("knows who it is", ("authentication",), "passed"),
        ("only the owner may cancel", ("authorization",), "passed"),
        ("markup is escaped", ("input-validation",), "passed"),
    ]
    assert {function.name: set(function.executed_by) for function in report.functions} == {
        "logIn": {"authentication"},
        "cancel": {"authorization"},
        "of": {"input-validation"},
    }
    assert {function.granularity for function in report.functions} == {"category"}


@pytest.mark.needs("node")
def test_a_test_of_node_that_fails_or_is_skipped_covers_nothing(tmp_path: Path) -> None:
    source = JAVASCRIPT.replace("SKIP", "true").replace("'ann'), 'ann'", "'ann'), 'bob'")
    root = repository(tmp_path / "w", {"shop.js": SHOP_JS, "test/shop.test.js": source})
    write(root, {"shop.js": SHOP_JS.replace("text.r", "(text).r")})

    report = report_of(root)

    assert report.lacking("authentication") == "1 of 2 tests failed"
    assert report.lacking("input-validation") == "none of 1 tests ran"
    assert [function.executed_by for function in report.functions] == [{}]


def test_the_command_says_no_with_its_status(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from babysitter.cli.root import run

    root = shop(tmp_path / "w", "bad")
    git(root, "add", "--all")

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        refused = run(["security", "tests", "--require", "authorization"])
        told = capfd.readouterr().out
        shutil.copytree(BOOKSHOP / "fixed", root, dirs_exist_ok=True)
        (root / "tests" / "test_shop.py").unlink()
        passed = run(["security", "tests", "--json"])

    assert refused == 1
    assert "NOT COVERED: authorization: no tests were found." in told
    assert passed == 0
    assert (
        '"securityTests":["authentication","authorization","input-validation","error-handling"]'
        in capfd.readouterr().out
    )
