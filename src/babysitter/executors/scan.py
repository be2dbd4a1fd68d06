"""Perform scans: each scanner in the sandbox, its output kept as the effect's, its findings the result."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from babysitter.model.effects import Outcome
from babysitter.model.runner import Attempt, Runner
from babysitter.scanners.scanning import Scanning
from babysitter.scanners.toolbox import Toolbox


class ScanExecutor:
    """Implements ``model.runner.Executor`` for kind ``scan``.

    Input: ``{"tools": [...], "paths": [...]}``. Result: a ``model.findings.Scan``, complete or not.
    """

    def __init__(
        self, runner: Runner, scanning: Scanning, environ: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._runner = runner
        self._scanning = scanning
        self._environ = environ

    def perform(self, attempt: Attempt) -> Outcome:
        """Scan; see ``model.runner.Executor.perform``."""
        toolbox = Toolbox(
            runner=self._runner,
            locator=self._scanning.locator(),
            settings=self._scanning.settings,
            sandbox=attempt.spec.sandbox,
            stop=attempt.stop,
            timeout_s=attempt.spec.timeout_s or self._scanning.settings.timeout_s,
            environ=self._environ,
            stdout=attempt.stdout,
            stderr=attempt.stderr,
        )
        asked = attempt.input
        found = self._scanning.scan(tuple(asked["tools"]), tuple(asked["paths"]), toolbox)
        return Outcome(value=msgspec.to_builtins(found))
