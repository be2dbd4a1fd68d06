"""The wheel alone, with what its lock names, is a working product."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.built_wheel import ROOT, Installed, build_wheel, tracked_files


def test_the_installed_program_tells_its_version(installed: Installed) -> None:
    ended = installed.run("babysitter", "--version")

    version = re.search(
        r'__version__ = "(.+)"', (ROOT / "src/babysitter/_version.py").read_text(encoding="utf-8")
    )
    assert version is not None
    assert (ended.returncode, ended.stderr) == (0, "")
    assert version[1] in ended.stdout


def test_the_installed_program_sees_nothing_of_the_repository(installed: Installed) -> None:
    """Without this the tests beside it could pass on src/ and prove nothing about the wheel."""
    code = "import babysitter, json, sys; print(json.dumps([babysitter.__file__, *sys.path]))"

    ended = installed.run("python", "-c", code)

    found = json.loads(ended.stdout)
    assert [path for path in found if Path(path).is_relative_to(ROOT)] == []
    assert "site-packages" in found[0]


def test_the_lock_brings_all_that_the_wheel_asks_for(installed: Installed) -> None:
    ended = installed.run("python", "-m", "pip", "--disable-pip-version-check", "check")

    assert ended.returncode == 0, ended.stdout


def test_every_module_of_the_wheel_can_be_imported(installed: Installed) -> None:
    """A module that needs a package of the development environment alone fails here."""
    code = (
        "import importlib, pkgutil, babysitter\n"
        "for found in pkgutil.walk_packages(babysitter.__path__, 'babysitter.'):\n"
        "    if not found.name.endswith('__main__') and 'testing' not in found.name.split('.'):\n"
        "        importlib.import_module(found.name)\n"
    )

    ended = installed.run("python", "-W", "error", "-c", code)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_every_author_name_can_be_imported(installed: Installed) -> None:
    ended = installed.run(
        "python", "-c", "import babysitter\nfor name in babysitter.__all__: getattr(babysitter, name)"
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_wheel_has_every_file_of_the_package_and_no_other(installed: Installed) -> None:
    packed = {name for name in zipfile.ZipFile(installed.wheel).namelist() if ".dist-info/" not in name}

    sources = {path.relative_to("src").as_posix() for path in tracked_files(ROOT) if path.parts[0] == "src"}
    pages = [
        path
        for path in tracked_files(ROOT)
        if path.parts[0] == "docs" or (len(path.parts) == 1 and path.suffix == ".md")
    ]
    assert packed == sources | {f"babysitter/documentation/{path.as_posix()}" for path in pages}


@pytest.mark.promise("G29")
def test_the_installed_atlas_has_our_documentation(installed: Installed, tmp_path: Path) -> None:
    ended = installed.run(
        "babysitter", "atlas", "get", "page:docs-reference-commands", "--json", cwd=tmp_path
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    article = json.loads(ended.stdout)["attributes"]["article"]
    assert article == (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert (
        "page:docs-how-to-run-a-witness" in installed.run("babysitter", "atlas", "search", "witness").stdout
    )


def test_the_wheel_has_its_licence(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        [licence] = [name for name in wheel.namelist() if name.endswith("/LICENSE")]

        assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_building_twice_gives_the_same_bytes(installed: Installed, tmp_path: Path) -> None:
    again = build_wheel(tmp_path)

    assert again.read_bytes() == installed.wheel.read_bytes()


@pytest.mark.parametrize(
    "argv", [["--help"], ["run", "--help"], ["run:status", "--help"], ["start", "--help"]]
)
def test_help_answers_without_a_workspace(installed: Installed, argv: list[str]) -> None:
    ended = installed.run("babysitter", *argv)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "babysitter" in ended.stdout
