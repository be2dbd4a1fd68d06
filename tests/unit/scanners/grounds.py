"""A ground to scan, a toolbox whose programs are written reports, and what a scan comes to."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from babysitter.model.effects import Sandbox
from babysitter.model.findings import Scan, ToolRun
from babysitter.model.runner import Ended, OutputSink, Program, StopToken
from babysitter.model.scan_settings import ScanTable
from babysitter.scanners.catalog import scanner_named
from babysitter.scanners.ground import Ground
from babysitter.scanners.known import Known
from babysitter.scanners.locating import Locator
from babysitter.scanners.scanning import run_scan
from babysitter.scanners.toolbox import Toolbox
from tests.unit.executors.fakes import NeverStopped

NETWORK = Sandbox(network=("*",))
Said = tuple[int, bytes, bytes]
"""Exit status, stdout, stderr."""


class SayingRunner:
    """Says for each program what the test gives by its name or first arguments, and remembers the program."""

    name = "saying"

    def __init__(self, says: Callable[[Program], Said | Ended | Exception]) -> None:
        self._says = says
        self.programs: list[Program] = []
        self.sandboxes: list[Sandbox] = []

    def profile_sha256(self, sandbox: Sandbox) -> str:
        return "0" * 64

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        self.programs.append(program)
        self.sandboxes.append(sandbox)
        said = self._says(program)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Ended):
            return said
        status, out, err = said
        stdout.write(out)
        stderr.write(err)
        return Ended(why="exit", status=status, result=b"")


def tools_folder(parent: Path, *names: str) -> Path:
    """Return a folder with a program of each name; none of them does anything."""
    folder = parent / "bin"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def ground_of(root: Path, files: Mapping[str, str | bytes]) -> Ground:
    """Write the files and return the ground that they are."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return Ground(root.resolve())


def toolbox(
    runner: SayingRunner,
    bin_folder: Path,
    settings: ScanTable | None = None,
    sandbox: Sandbox | None = None,
    environ: Mapping[str, str] | None = None,
) -> Toolbox:
    """Return a toolbox of these programs."""
    return Toolbox(
        runner=runner,
        locator=Locator(named=(bin_folder,), path=os.devnull, workspace=Path("/nowhere")),
        settings=settings or ScanTable(),
        sandbox=sandbox or Sandbox(),
        stop=NeverStopped(),
        timeout_s=60,
        environ=environ or {},
    )


def scan_with(
    name: str, ground: Ground, tools: Toolbox, known: Known | None = None, settings: ScanTable | None = None
) -> Scan:
    """Return what one scanner finds."""
    return run_scan([scanner_named(name, settings or tools.settings)], ground, tools, known or Known())


def only_run(scan: Scan) -> ToolRun:
    """Return how the one tool fared."""
    (run,) = scan.tools
    return run
