"""Perform shell tasks: start a program from a list of arguments.

A secret never stands in an argument, where every user of the machine could read it:
it travels in an environment variable or on standard input.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from babysitter.executors.confined import Kept, failure, json_outcome, measured, passed_through, run_confined
from babysitter.model.effects import Outcome
from babysitter.model.errors import SecretError
from babysitter.model.runner import Attempt, Ended, Program, Resolver, Runner
from babysitter.model.secret import Secret
from babysitter.model.values import Json

TEXT_BYTES_MAX = 32 * 1024
"""Of stdout and of stderr, the end of which stands in the result; the logs keep more."""


class ShellExecutor:
    """Implements ``model.runner.Executor`` for kind ``shell``.

    Input: ``{"argv": [...], "env"?: {...}, "stdin"?: text, "cwd"?: path}``.
    Result: ``{"exitCode", "stdout", "stderr"}``, or for ``output="json"`` the value that the program
    wrote to the result descriptor or, when that is empty, to stdout.
    """

    def __init__(
        self,
        runner: Runner,
        resolver: Resolver,
        workspace: Path,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._runner = runner
        self._resolver = resolver
        self._workspace = workspace
        self._environ = environ

    def perform(self, attempt: Attempt) -> Outcome:
        """Run the program; see ``model.runner.Executor.perform``."""
        program = self._program(attempt)
        wants_json = attempt.spec.options.get("output") == "json"
        stdout = Kept(attempt.stdout, program.result_bytes_max + 1 if wants_json else TEXT_BYTES_MAX)
        stderr = Kept(attempt.stderr, TEXT_BYTES_MAX)
        ended = run_confined(self._runner, attempt, program, stdout, stderr)
        if isinstance(ended, Outcome):
            return ended
        return measured(self._outcome(attempt, program, ended, stdout, stderr), ended)

    def _outcome(
        self, attempt: Attempt, program: Program, ended: Ended, stdout: Kept, stderr: Kept
    ) -> Outcome:
        name = program.argv[0]
        ok_statuses = tuple(attempt.spec.options.get("okStatuses", (0,)))
        if (failed := failure(ended, attempt, name, ok_statuses)) is not None:
            return failed
        if attempt.spec.options.get("output") == "json":
            written, where = (ended.result, "result") if ended.result else (stdout.content(), "stdout")
            return json_outcome(written, program.result_bytes_max, f"the {where} of {name}", ended.denials)
        exit_code = ended.status if ended.why == "exit" else 128 + ended.status
        value = {"exitCode": exit_code, "stdout": stdout.text(), "stderr": stderr.text()}
        return Outcome(value=value, denials=ended.denials)

    def _program(self, attempt: Attempt) -> Program:
        asked = attempt.input
        for argument in asked["argv"]:
            self._refuse_secret(argument)
        revealed: Json = self._resolver.reveal({"env": asked.get("env", {}), "stdin": asked.get("stdin", "")})
        return Program(
            argv=tuple(asked["argv"]),
            env=passed_through(attempt.spec.sandbox, self._environ) | revealed["env"],
            stdin=revealed["stdin"].encode(),
            cwd=asked.get("cwd", "."),
            timeout_s=attempt.spec.timeout_s,
        )

    def _refuse_secret(self, argument: Json) -> None:
        ref = argument.ref if isinstance(argument, Secret) else self._resolver.occurs_in(argument)
        if ref is not None:
            raise SecretError(
                f"the secret {ref} would stand in an argument, where every user of this machine can read it.",
                hint='Pass it as a variable: Program(argv, env={"NAME": secret}).',
            )
