"""An environment of the workspace shows its tests and tools a Python, and nothing else of this machine."""

import sys
from pathlib import Path

import pytest

from babysitter.scanners.interpreters import folders_of_python
from babysitter.scanners.locating import Locator

pytestmark = pytest.mark.promise("G05")


def environment(workspace: Path, home: Path, python: Path) -> Path:
    """Make a virtual environment as a repository may hold one; return its interpreter."""
    (workspace / ".venv" / "bin").mkdir(parents=True)
    (workspace / ".venv" / "pyvenv.cfg").write_text(f"home = {home}\n")
    (workspace / ".venv" / "bin" / "python").symlink_to(python)
    return workspace / ".venv" / "bin" / "python"


def test_the_python_that_an_environment_was_made_of_is_shown(tmp_path: Path) -> None:
    base = tmp_path / "opt" / "python"
    (base / "lib" / "python3.13").mkdir(parents=True)
    (base / "lib" / "python3.13" / "os.py").touch()
    (base / "bin").mkdir()
    (base / "bin" / "python3").touch()
    (base / "secrets").mkdir()
    program = environment(tmp_path / "w", base / "bin", base / "bin" / "python3")

    assert set(folders_of_python(program)) == {
        str(base / "bin"),
        str(base / "lib"),
        str(tmp_path / "w" / ".venv"),
    }


def test_a_home_directory_is_shown_to_nobody_whatever_an_environment_says(tmp_path: Path) -> None:
    """The file comes with the code: with ``home = ~/x`` it would give the tests everything in ``~``."""
    home = tmp_path / "home"
    (home / ".ssh" / "keys").mkdir(parents=True)
    (home / ".ssh" / "keys" / "python").touch(mode=0o755)
    program = environment(tmp_path / "w", home / ".ssh", home / ".ssh" / "keys" / "python")

    assert folders_of_python(program) == (str(tmp_path / "w" / ".venv"),)


def test_a_scanner_in_such_an_environment_sees_no_more(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "lib").mkdir(parents=True)
    folder = environment(tmp_path / "w", home / "x", home / "lib").parent
    (folder / "bandit").touch(mode=0o755)

    found = Locator(named=(folder,), path="", workspace=tmp_path / "w").find("bandit")

    assert found is not None
    assert found.folders == (str(tmp_path / "w" / ".venv"),)


def test_what_leads_out_of_a_python_is_no_part_of_it(tmp_path: Path) -> None:
    base = tmp_path / "opt"
    (base / "lib" / "python3.11").mkdir(parents=True)
    (base / "lib" / "python3.11" / "os.py").touch()
    (tmp_path / "home").mkdir()
    (base / "share").symlink_to(tmp_path / "home")
    program = environment(tmp_path / "w", base / "bin", Path(sys.executable))

    assert str(base / "share") not in folders_of_python(program)
    assert str(base / "lib") in folders_of_python(program)
