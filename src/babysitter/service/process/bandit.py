"""Bandit, the true tool, over a process's files, in the sandbox, for a review before anybody trusts them.

What the workspace's own settings say of scanning does not count here: they came with the code. Nothing is
excluded, suppressed or known before, and bandit is this machine's, never one that the workspace names.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from babysitter.config import environment
from babysitter.model.effects import Sandbox
from babysitter.model.errors import BabysitterError
from babysitter.model.findings import Finding, ToolRun
from babysitter.model.runner import Runner
from babysitter.model.scan_settings import ScanTable
from babysitter.scanners.bandit import Bandit
from babysitter.scanners.ground import Ground
from babysitter.scanners.known import Known
from babysitter.scanners.locating import Locator
from babysitter.scanners.scanning import run_scan
from babysitter.scanners.toolbox import Toolbox
from babysitter.service.performing import Stop

TOOL = "bandit"
_TIMEOUT_S = 300.0
_QUOTES_WHAT_IT_FINDS = ("B105", "B106", "B107")


def check_with_bandit(
    runner: Callable[[], Runner], root: Path, files: Sequence[str]
) -> tuple[ToolRun, tuple[Finding, ...]]:
    """Return how bandit fared and what it found.

    Args:
        runner: gives the sandbox; not having one is an error of this check.
        root: the workspace's folder, resolved.
        files: relative to it.
    """
    try:
        toolbox = Toolbox(
            runner=runner(),
            # Beside our own interpreter first: where a person installs it with us.
            locator=Locator(
                named=(Path(sys.executable).parent,), path=environment().get("PATH", ""), workspace=root
            ),
            settings=ScanTable(),
            sandbox=Sandbox(),
            stop=Stop(),
            timeout_s=_TIMEOUT_S,
        )
        scan = run_scan([Bandit()], Ground(root, tuple(files)), toolbox, Known())
    except BabysitterError as error:
        return ToolRun(tool=TOOL, state="failed", why=error.message, fix=error.hint), ()
    (run,) = scan.tools
    return run, tuple(_unquoted(finding) for finding in scan.findings)


def _unquoted(finding: Finding) -> Finding:
    if finding.rule in _QUOTES_WHAT_IT_FINDS:
        return msgspec.structs.replace(finding, message="Possible hard-coded password.")
    return finding
