"""Perform Python tasks: call the author's function in a sandboxed process of its own.

The process gets its input, secrets in clear, on a memory file and nowhere else; see
``python_child.py`` for what it does.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
import orjson

from babysitter.executors.confined import (
    failure,
    measured,
    passed_through,
    read_json,
    result_error,
    run_confined,
)
from babysitter.executors.reviewed import ReviewedCode
from babysitter.model.effects import Outcome
from babysitter.model.errors import InvalidValueError
from babysitter.model.events import ErrorInfo
from babysitter.model.runner import Attempt, Ended, Program, Resolver, Runner
from babysitter.model.values import encode_json

# ``-c`` starts 4 ms sooner than ``-m``, which loads runpy and reads the module's package first.
_START = "from babysitter.executors.python_child import main; main()"


class PythonExecutor:
    """Implements ``model.runner.Executor`` for kind ``python``; input and result are ``Task.perform``'s."""

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
        self._workspace = workspace.resolve()
        self._environ = environ
        self._code = code

    def perform(self, attempt: Attempt) -> Outcome:
        """Call the function; see ``model.runner.Executor.perform``."""
        program = self._program(attempt)
        ended = run_confined(self._runner, attempt, program, attempt.stdout, attempt.stderr)
        if isinstance(ended, Outcome):
            return ended
        # The function's own error says more than the exit status that follows from it.
        if ended.why == "exit" and ended.result:
            return measured(_told(ended, program, attempt.spec.task_id), ended)
        failed = failure(ended, attempt, attempt.spec.task_id)
        outcome = failed or result_error(f"{attempt.spec.task_id} ended without a result.", ended.denials)
        return measured(outcome, ended)

    def _program(self, attempt: Attempt) -> Program:
        spec = attempt.spec
        call = {
            "workspace": str(self._workspace),
            "source": spec.source,
            "qualname": spec.qualname,
            "code": self._code.modules() if self._code is not None else {},
            "input": self._resolver.reveal(attempt.input),
        }
        return Program(
            argv=(sys.executable, "-I", "-c", _START),
            env=passed_through(spec.sandbox, self._environ),
            input=encode_json(call),
            timeout_s=spec.timeout_s,
        )


class _Failed(msgspec.Struct):
    """What the child says of an exception."""

    name: str
    message: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    """What the child wrote; the result itself stays bytes until it is known to be the only thing there."""

    ok: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: _Failed | None = None


def _told(ended: Ended, program: Program, task_id: str) -> Outcome:
    where = f"the result of {task_id}"
    if len(ended.result) > program.result_bytes_max:
        return result_error(f"{where} is larger than {program.result_bytes_max} bytes.", ended.denials)
    try:
        told = msgspec.json.decode(ended.result, type=_Told)
        if told.error is not None:
            data = read_json(bytes(told.error.data), "the error's data")
            error = ErrorInfo(name=told.error.name, message=told.error.message, data=data)
            return Outcome(error=error, denials=ended.denials)
        if told.ok is msgspec.UNSET:
            return result_error(f"{where} is neither a value nor an error.", ended.denials)
        return Outcome(value=read_json(bytes(told.ok), where), denials=ended.denials)
    except (msgspec.DecodeError, orjson.JSONDecodeError, InvalidValueError) as error:
        return result_error(f"{where} cannot be read: {error}", ended.denials)
