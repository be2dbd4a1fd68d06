"""Babysitter as a user has it: the built wheel and its locked dependencies, in an environment without src/.

The wheel is built from the files that are in version control, so what is forgotten there is missing here. The
programs run outside the repository with an empty HOME and a small environment.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An environment with the wheel in it.

    wheel: the file that was installed.
    bin: the folder that has ``babysitter`` and ``python``.
    home: the HOME of the programs, empty at first.
    """

    wheel: Path
    bin: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment that its programs get: nothing of the developer's."""
        path = os.pathsep.join(
            [str(self.bin), *(folder for folder in os.defpath.split(os.pathsep) if folder)]
        )
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", "TERM": "dumb"}

    def run(
        self, *argv: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment and return how it ended; the home is where it runs unless said."""
        return subprocess.run(
            [shutil.which(argv[0], path=self.environment["PATH"]) or argv[0], *argv[1:]],
            cwd=cwd or self.home,
            env={**self.environment, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def tracked_files(folder: Path) -> list[Path]:
    """Return the files of a repository that are, or would be, in version control, relative to it."""
    git = ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(git, check=True, capture_output=True, text=True).stdout.split("\0")
    return [Path(name) for name in names if name and (folder / name).is_file()]


def build_wheel(workshop: Path) -> Path:
    """Copy what is in version control to ``workshop`` and build the wheel there."""
    for name in tracked_files(ROOT):
        (workshop / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, workshop / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"]
    subprocess.run(
        build,
        cwd=workshop,
        check=True,
        capture_output=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1000000000"},
    )
    [wheel] = (workshop / "out").iterdir()
    return wheel


def install(wheel: Path, place: Path) -> Installed:
    """Make a fresh environment and a home below ``place``, and install the wheel as a user would."""
    home = place / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    pip = [
        str(place / "venv" / "bin" / "python"),
        "-m",
        "pip",
        "--quiet",
        "--no-input",
        "install",
        "--no-deps",
    ]
    locked = ["--require-hashes", "--requirement", str(ROOT / "requirements.txt")]
    for what in (locked, ["--no-index", str(wheel)]):
        ended = subprocess.run([*pip, *what], cwd=home, check=False, capture_output=True, text=True)
        assert ended.returncode == 0, f"pip install {' '.join(what)} failed:\n{ended.stderr}"
    return Installed(wheel=wheel, bin=place / "venv" / "bin", home=home)
