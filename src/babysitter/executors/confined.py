"""What the executors of programs share: run one in the sandbox, and name what went wrong.

Names of errors, which process code sees as ``TaskError.name``: ``TimeoutError``,
``Stopped``, ``Killed``, ``OutOfMemory``, ``ExitStatus``, ``ResultError``,
``SandboxError``. Their list with causes: docs/reference/sandbox.md.
"""

from collections.abc import Mapping

import orjson
from msgspec import structs

from babysitter.model.effects import Denial, Outcome, Sandbox
from babysitter.model.errors import InvalidValueError, SandboxError
from babysitter.model.events import ErrorInfo
from babysitter.model.runner import Attempt, Ended, OutputSink, Program, Runner
from babysitter.model.values import Json, check_json

_LAST_LINES_CHARS = 600


class Kept:
    """A sink that passes everything on and keeps the last ``bytes_max`` bytes, as they were written.

    overflowed: whether more was written than is kept.
    """

    def __init__(self, sink: OutputSink, bytes_max: int) -> None:
        self._sink = sink
        self._bytes_max = bytes_max
        self._chunks = bytearray()
        self.overflowed = False

    def write(self, chunk: bytes) -> None:
        """Keep and pass on."""
        self._sink.write(chunk)
        self._chunks += chunk
        if len(self._chunks) > self._bytes_max:
            self.overflowed = True
            # Cut rarely: each cut moves everything that stays.
            if len(self._chunks) > 2 * self._bytes_max:
                del self._chunks[: -self._bytes_max]

    def tail(self, count: int) -> str:
        """Return the end of what the inner sink kept, masked."""
        return self._sink.tail(count)

    def content(self) -> bytes:
        """Return the last ``bytes_max`` bytes written."""
        return bytes(self._chunks[-self._bytes_max :])

    def text(self) -> str:
        """Return them as text; what is not UTF-8 is replaced, and a character cut in two is left out."""
        content = self.content()
        if self.overflowed:
            content = content.lstrip(bytes(range(0x80, 0xC0)))
        return content.decode(errors="replace")


def run_confined(
    runner: Runner, attempt: Attempt, program: Program, stdout: OutputSink, stderr: OutputSink
) -> Ended | Outcome:
    """Return how the program ended, or the outcome of a permission that is never given.

    Raises:
        SandboxError: programs cannot be confined here at all.
        MissingToolError: the program is not on this machine.
    """
    try:
        return runner.run(program, attempt.spec.sandbox, stdout, stderr, attempt.stop)
    except SandboxError as error:
        denial = error.facts.get("denial")
        if not isinstance(denial, Denial):
            raise
        message = f"{error.message} {error.hint}".strip()
        return Outcome(error=ErrorInfo(name="SandboxError", message=message), denials=(denial,))


def measured(outcome: Outcome, ended: Ended) -> Outcome:
    """Return the outcome with what was measured while the program ran."""
    return structs.replace(outcome, usage=ended.usage) if ended.usage else outcome


def failure(
    ended: Ended, attempt: Attempt, program: str, ok_statuses: tuple[int, ...] = (0,)
) -> Outcome | None:
    """Return the outcome of a program that did not end well; None when it did.

    Args:
        ended: how it ended.
        attempt: whose attempt it was.
        program: how the message calls it.
        ok_statuses: exit statuses that are no failure.
    """
    if ended.why == "exit" and ended.status in ok_statuses:
        return None
    if ended.why == "signal" and 128 + ended.status in ok_statuses:
        return None
    name, message, data = _named(ended, attempt.spec.timeout_s, program)
    last = attempt.stderr.tail(_LAST_LINES_CHARS).strip()
    if last and name in {"ExitStatus", "Killed"}:
        message = f"{message} {' | '.join(last.splitlines()[-3:])}"
    return Outcome(error=ErrorInfo(name=name, message=message, data=data), denials=ended.denials)


def _named(ended: Ended, timeout_s: float | None, program: str) -> tuple[str, str, Json]:
    if ended.why == "timeout":
        return "TimeoutError", f"{program} did not end within {timeout_s:g} s and was ended.", None
    if ended.why == "stopped":
        return "Stopped", f"{program} was stopped before its end.", None
    if any(denial.rule == "memory_mb" for denial in ended.denials):
        return "OutOfMemory", f"{program} needed more memory than its sandbox gives.", None
    if ended.why == "signal":
        return "Killed", f"{program} was ended by signal {ended.status}.", {"signal": ended.status}
    return "ExitStatus", f"{program} ended with exit status {ended.status}.", {"exitCode": ended.status}


def result_error(message: str, denials: tuple[Denial, ...] = ()) -> Outcome:
    """Return the outcome of a program whose result cannot be used."""
    return Outcome(error=ErrorInfo(name="ResultError", message=message), denials=denials)


def read_json(content: bytes, where: str) -> Json:
    """Return the value that the bytes are the JSON of.

    Raises:
        InvalidValueError: they are not, or the value does not survive a round trip.
    """
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidValueError(f"{where} is not JSON: {error}.") from None
    check_json(value, where=where)
    return value


def json_outcome(content: bytes, bytes_max: int, where: str, denials: tuple[Denial, ...]) -> Outcome:
    """Return the outcome of a program that ended well and gave this as its JSON result."""
    if len(content) > bytes_max:
        return result_error(f"{where} is larger than {bytes_max} bytes.", denials)
    try:
        return Outcome(value=read_json(content, where), denials=denials)
    except InvalidValueError as error:
        return result_error(str(error), denials)


def passed_through(sandbox: Sandbox, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the task's sandbox grants by name, as far as they are set."""
    return {name: environ[name] for name in sandbox.env if name in environ}
