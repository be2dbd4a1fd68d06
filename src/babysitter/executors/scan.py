"""Perform scans: each scanner in the sandbox, its output kept as the effect's, its findings the result."""

from dataclasses import replace

import msgspec

from babysitter.model.effects import Outcome
from babysitter.model.runner import Attempt, Runner
from babysitter.scanners.scanning import Scanning


class ScanExecutor:
    """Implements ``model.runner.Executor`` for kind ``scan``.

    Input: ``{"tools": [...], "paths": [...]}``. Result: a ``model.findings.Scan``, complete or not.
    """

    def __init__(self, runner: Runner, scanning: Scanning) -> None:
        self._runner = runner
        self._scanning = scanning

    def perform(self, attempt: Attempt) -> Outcome:
        """Scan; see ``model.runner.Executor.perform``."""
        spec = attempt.spec
        toolbox = replace(
            self._scanning.toolbox(self._runner, spec.sandbox, attempt.stop),
            timeout_s=spec.timeout_s or self._scanning.settings.timeout_s,
            stdout=attempt.stdout,
            stderr=attempt.stderr,
        )
        asked = attempt.input
        found = self._scanning.scan(tuple(asked["tools"]), tuple(asked["paths"]), toolbox)
        return Outcome(value=msgspec.to_builtins(found))
