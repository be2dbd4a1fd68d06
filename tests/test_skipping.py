"""tests/conftest.py keeps its word: a missing program is named, and in CI nothing skips."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent / "conftest.py"
MARKERS = ["-o", "markers=needs: x\nlinux: x\nmacos: x"]
NEEDY = 'import pytest\n@pytest.mark.needs("no-such-program", "sh")\ndef test_x(): pass\n'
SKIPPED = 'import pytest\n@pytest.mark.skip(reason="later")\ndef test_x(): pass\n'
SKIPPED_INSIDE = 'import pytest\ndef test_x(): pytest.skip("later")\n'
SKIPPED_MODULE = 'import pytest\npytest.skip("later", allow_module_level=True)\n'
EXPECTED_TO_FAIL = "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_x(): assert False\n"
OTHER_SYSTEM = (
    f"import pytest\n@pytest.mark.{'macos' if sys.platform == 'linux' else 'linux'}\ndef test_x(): assert 0\n"
)


def run_suite(folder: Path, source: str, *, ci: bool) -> subprocess.CompletedProcess[str]:
    """Run one test file under our conftest, as CI or as a developer."""
    shutil.copy(CONFTEST, folder)
    (folder / "test_it.py").write_text(source + "def test_good(): pass\n", encoding="utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-ra",
            "-p",
            "no:cacheprovider",
            "--strict-markers",
            *MARKERS,
            "test_it.py",
        ],
        cwd=folder,
        env={**os.environ, "CI": "true" if ci else "", "TESTS_IN_CI": ""},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("source", [NEEDY, SKIPPED, SKIPPED_INSIDE, SKIPPED_MODULE])
def test_in_ci_a_skip_is_a_failure(tmp_path: Path, source: str) -> None:
    ended = run_suite(tmp_path, source, ci=True)

    assert ended.returncode != 0
    assert "CI skips nothing" in ended.stdout


def test_a_missing_program_skips_by_its_name(tmp_path: Path) -> None:
    ended = run_suite(tmp_path, NEEDY, ci=False)

    assert ended.returncode == 0
    assert "MISSING PROGRAM: no-such-program (" in ended.stdout
    assert "1 passed, 1 skipped" in ended.stdout


def test_in_ci_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    ended = run_suite(tmp_path, EXPECTED_TO_FAIL, ci=True)

    assert "1 passed, 1 xfailed" in ended.stdout


@pytest.mark.parametrize("ci", [True, False])
def test_a_test_of_another_system_does_not_exist_here(tmp_path: Path, ci: bool) -> None:
    ended = run_suite(tmp_path, OTHER_SYSTEM, ci=ci)

    assert "1 passed, 1 deselected" in ended.stdout
