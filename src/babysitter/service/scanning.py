"""Scanning from a command: the tools that are asked for, in the sandbox of this machine."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from babysitter.model.effects import Sandbox
from babysitter.model.errors import InvalidValueError
from babysitter.model.findings import Scan
from babysitter.scanners.known import baseline_of
from babysitter.scanners.sarif import to_sarif
from babysitter.service.performing import Stop
from babysitter.service.wiring import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanAsked:
    """What a person asks for.

    tools, paths: none: those of the settings, the whole workspace. Paths are relative to the workspace.
    baseline: a file of known findings instead of the settings'. network, env: what tools may use of each.
    """

    tools: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    baseline: str = ""
    network: bool = False
    env: tuple[str, ...] = ()


def ask(workspace: Workspace, here: Path, paths: tuple[str, ...], options: dict[str, Any]) -> ScanAsked:
    """Return what a command line asks for; its paths are relative to the folder it was given in.

    Raises:
        InvalidValueError: an option is none, or of another type.
    """
    try:
        return msgspec.convert({**options, "paths": _paths_in(workspace, here, paths)}, ScanAsked)
    except msgspec.ValidationError as error:
        raise InvalidValueError(f"a scan can't be asked for so: {error}.", hint="See --help.") from None


def scan_workspace(workspace: Workspace, asked: ScanAsked, tell: Callable[[str], None]) -> Scan:
    """Return what the scanners find. ``tell`` is told each program that starts.

    Raises:
        UsageError: there is no such scanner, path or baseline.
        SandboxError: nothing can be confined here.
    """
    scanning = workspace.scanning
    sandbox = Sandbox(network=("*",) if asked.network else (), env=asked.env)
    toolbox = replace(scanning.toolbox(workspace.runner, sandbox, Stop()), tell=tell)
    return scanning.scan(asked.tools, asked.paths, toolbox, asked.baseline)


def _paths_in(workspace: Workspace, here: Path, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return paths relative to the workspace; one that leads out stays, and is refused."""
    root = workspace.root.resolve()
    return tuple(
        place.relative_to(root).as_posix()
        if (place := (here / path).resolve()).is_relative_to(root)
        else path
        for path in paths
    )


def write_baseline_of(scan: Scan, file: Path) -> int:
    """Keep what the scan found as known, and return how many findings that are."""
    file.write_bytes(baseline_of(scan))
    return len(scan.findings) + len(scan.known)


def sarif_of(scan: Scan) -> dict[str, Any]:
    """Return the scan as SARIF 2.1.0."""
    return to_sarif(scan)
