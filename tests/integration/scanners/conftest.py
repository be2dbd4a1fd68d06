"""A workspace to scan with the true tools, which `make scanners` installs, in the true sandbox."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from babysitter.model.findings import Finding, Scan, ToolRun
from babysitter.service.scanning import ScanAsked, scan_workspace
from babysitter.service.wiring import open_workspace
from tests.conftest import SCANNERS


class Place:
    """A folder that is scanned.

    settings: lines of ``[scan]`` besides the path to the tools.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write({"babysitter.toml": ""})

    def write(self, files: Mapping[str, str]) -> None:
        """Write the files; ``babysitter.toml`` gets the lines beneath ``[scan]``."""
        for name, content in files.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            head = (
                f"[scan]\npath = {[str(folder) for folder in SCANNERS]}\n"
                if name.endswith("sitter.toml")
                else ""
            )
            file.write_text(head + content, encoding="utf-8")

    def scan(
        self, *tools: str, network: bool = False, env: tuple[str, ...] = (), paths: tuple[str, ...] = ()
    ) -> Scan:
        """Return what the tools find."""
        asked = ScanAsked(tools=tools, paths=paths, network=network, env=env)
        found = scan_workspace(open_workspace(self.root), asked, lambda _program: None)
        return msgspec.convert(msgspec.to_builtins(found), Scan)

    def run(self, tool: str, *, network: bool = False, env: tuple[str, ...] = ()) -> ToolRun:
        """Return how one tool fares."""
        (run,) = self.scan(tool, network=network, env=env).tools
        return run


def places(found: tuple[Finding, ...]) -> set[tuple[str, int, str]]:
    """Return file, line and rule of each report, those of other rules too."""
    return {
        (each.path, each.span.line if each.span else 0, rule)
        for each in found
        for rule in (each.rule, *(same.rule for same in each.also))
    }


@pytest.fixture
def place(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return an empty workspace; what this account trusts is kept apart."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv("CI", raising=False)
    return Place(tmp_path)
