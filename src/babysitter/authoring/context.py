"""What a process reaches the world through: ``ctx``.

Every method gives a step to be awaited and does nothing by itself; what is wrong
with its arguments is said at the call, before anything is journaled.

Reference: docs/reference/authoring.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Literal, ParamSpec, Protocol, TypeVar, get_args, overload
from uuid import UUID

import msgspec

from babysitter.authoring.arguments import Reader, to_json
from babysitter.authoring.findings import Findings, told_to_rules
from babysitter.authoring.parallel import Parallel
from babysitter.authoring.steps import Ledger, Step, Value
from babysitter.authoring.tasks import Task
from babysitter.model import commands as cmd
from babysitter.model.changes import RUN, SINCE
from babysitter.model.errors import InvalidValueError, UsageError
from babysitter.model.events import BlobRef
from babysitter.model.values import Json

WAIT_S_MAX = 100 * 366 * 86_400.0
"""A hundred years; no clock of ours goes much further."""
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
I = TypeVar("I")  # noqa: E741 (inputs)
I_contra = TypeVar("I_contra", contravariant=True)
T = TypeVar("T")

LogLevel = Literal["debug", "info", "warning", "error"]
Strategy = Literal["single", "first", "all", "quorum"]
_LEVELS: Final = frozenset(get_args(LogLevel))


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What people said at a breakpoint. An expired one is not approved, and its feedback says so."""

    approved: bool
    feedback: str = ""
    responded_by: tuple[str, ...] = ()


class Startable(Protocol[I_contra, R_co]):
    """A process as its parent sees it; see process.Process."""

    process_id: str

    def inputs_to(self, inputs: I_contra) -> Json:
        """Return the inputs as JSON."""
        ...

    def output_from(self, value: Json) -> R_co:
        """Return the output as its type."""
        ...


class Context:
    """What a process reaches the world through. Everything it gives is to be awaited.

    run_id: the run's id.
    parallel: several branches at once.
    """

    __slots__ = ("_ledger", "parallel", "run_id")

    def __init__(self, run_id: str, ledger: Ledger) -> None:
        self.run_id = run_id
        self.parallel = Parallel(ledger)
        self._ledger = ledger

    def task(self, task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Step[R]:
        """Have a task performed and return its result.

        Raises:
            InvalidValueError: the arguments are wrong; nothing has been journaled.
            TaskError: it failed, for good; when awaited.
        """
        if not isinstance(task, Task):
            raise UsageError(
                f"{task!r} is not a task.", hint="Put @task, @shell_task or @node_task above the function."
            )
        spec, value, function = task.spec, task.bind(args, kwargs), task.inline_function

        def make(call_id: str, line: str) -> cmd.Command:
            return cmd.RequestEffect(
                call_id=call_id, line=line, spec=spec, input=value, label=spec.task_id, function=function
            )

        return Step(self._ledger, make, task.decode)

    def breakpoint(
        self,
        question: str,
        title: str = "",
        *,
        context: Mapping[str, Any] | None = None,
        tags: Iterable[str] = (),
        files: Iterable[str] = (),
        approves: Iterable[cmd.CoveredCall] = (),
        expires_in: float | timedelta | None = None,
        findings: Findings | Iterable[Findings] | None = None,
        experts: Iterable[str] = (),
        strategy: Strategy | None = None,
        diff: bool | str = False,
        scan: bool | Iterable[str] = False,
    ) -> Step[Review]:
        """Stop until people have answered.

        context: what rules decide by, for example ``{"environment": "production"}``; shown to the approver.
        files: paths of artifacts or of the workspace, shown with the question.
        approves: calls that the approval lets through, made by ``task.call(…)``.
        expires_in: seconds after which no answer means no.
        findings: what scanners reported, as ``{"high": 0, "securityTests": [...]}``; a scan, of which the
            counts are taken (none, when it is not complete); a report of security tests, of which the
            categories that count are taken; or several of these. Rules may ask for it.
        experts: whom to ask, of those who may answer; strategy: how many of them must.
        diff: show what has changed in the workspace since the run began, or since a commit: ``"main.."``.
        scan: search what changed for credentials, and with these tools: ``["bandit", "semgrep"]``.
        """
        asked = {
            "question": question,
            "title": title,
            "tags": tuple(tags),
            "context": context,
            "files": tuple(files),
            "findings": told_to_rules(findings),
            "experts": tuple(experts),
        }
        value = to_json(asked, "breakpoint")
        since = _since(diff)
        ask = partial(
            cmd.RequestBreakpoint,
            question=value["question"],
            title=value["title"],
            context=value["context"],
            tags=tuple(value["tags"]),
            files=tuple(value["files"]),
            approves=tuple(approves),
            findings=value["findings"],
            experts=tuple(value["experts"]),
            strategy=_strategy(strategy),
            since=since,
            scan=_tools(scan, since),
            expires_in_s=None if expires_in is None else _seconds(expires_in),
        )
        return Step(self._ledger, lambda call_id, line: ask(call_id=call_id, line=line), _same)

    def sleep(self, duration: float | timedelta) -> Step[None]:
        """Wait for that many seconds, however often the machine restarts meanwhile."""
        delay_s = _seconds(duration)
        return Step(
            self._ledger,
            lambda call_id, line: cmd.SetTimer(call_id=call_id, line=line, delay_s=delay_s),
            _none,
        )

    def sleep_until(self, moment: datetime) -> Step[None]:
        """Wait until a time, which must name its zone."""
        if moment.tzinfo is None:
            raise UsageError(
                f"ctx.sleep_until got {moment}, which names no zone.", hint="Use ctx.now() + timedelta(…)."
            )
        due_at = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return Step(
            self._ledger, lambda call_id, line: cmd.SetTimer(call_id=call_id, line=line, due_at=due_at), _none
        )

    def now(self) -> Step[datetime]:
        """Return the time, with its zone (UTC)."""
        return Step(self._ledger, _take_now, datetime.fromisoformat)

    def random(self) -> Step[float]:
        """Return a number in [0, 1)."""
        return Step(self._ledger, _take_random, float)

    def uuid(self) -> Step[UUID]:
        """Return a random UUID."""
        return Step(self._ledger, _take_uuid, UUID)

    def log(self, message: str, level: LogLevel = "info", **fields: Value) -> Step[None]:
        """Write a line for people into the journal, with fields of JSON."""
        if level not in _LEVELS:
            raise UsageError(
                f"ctx.log: there is no level {level!r}.", hint=f"Use one of {', '.join(get_args(LogLevel))}."
            )
        text = to_json(message, "log message")
        value = to_json(fields, "log") if fields else None

        def make(call_id: str, line: str) -> cmd.Command:
            return cmd.WriteLog(call_id=call_id, line=line, message=text, level=level, fields=value)

        return Step(self._ledger, make, _none)

    @overload
    def signal(self, name: str) -> Step[Any]: ...
    @overload
    def signal(self, name: str, type: type[T]) -> Step[T]: ...
    def signal(self, name: str, type: Any = Any) -> Step[Any]:  # noqa: A002 (as the author means it)
        """Wait for a signal of that name and return its payload, read as ``type``. The oldest comes first."""
        reader, wanted = Reader(type), to_json(name, "signal name")

        def read(payload: Json) -> Value:
            try:
                return reader.read(payload)
            except msgspec.ValidationError as error:
                raise InvalidValueError(
                    f"the payload of the signal {name} is not what the process waits for: {error}.",
                    hint="Catch this where you await the signal, and wait for the next one.",
                    path="payload",
                ) from None

        return Step(
            self._ledger, lambda call_id, line: cmd.AwaitSignal(call_id=call_id, line=line, name=wanted), read
        )

    @overload
    def child(self, process: Startable[None, R]) -> Step[R]: ...
    @overload
    def child(self, process: Startable[I, R], inputs: I) -> Step[R]: ...
    def child(self, process: Startable[Any, R], inputs: Any = None) -> Step[R]:
        """Run another process as a run of its own and return its output.

        Raises:
            TaskError: the child failed or was cancelled; when awaited.
        """
        value = process.inputs_to(inputs)

        def make(call_id: str, line: str) -> cmd.Command:
            return cmd.StartChild(
                call_id=call_id, line=line, process=process, process_id=process.process_id, inputs=value
            )

        return Step(self._ledger, make, process.output_from)

    def patched(self, patch_id: str) -> Step[bool]:
        """Tell whether this run takes the new way; a journal of the code before the change keeps the old."""
        wanted = to_json(patch_id, "patch id")
        return Step(
            self._ledger,
            lambda call_id, line: cmd.MarkPatch(call_id=call_id, line=line, patch_id=wanted),
            bool,
        )

    def artifact(self, path: str, content: bytes | str) -> Step[BlobRef]:
        """Keep a file below ``artifacts/``, masked, and return its path, digest and size."""
        if not path or path.startswith("/") or "\\" in path or {"", ".", ".."} & set(path.split("/")):
            raise UsageError(
                f"ctx.artifact: {path!r} is no path below artifacts/.",
                hint="Use a relative path, as plan.md.",
            )
        kept = content.encode() if isinstance(content, str) else bytes(content)
        return Step(
            self._ledger,
            lambda call_id, line: cmd.WriteArtifact(call_id=call_id, line=line, path=path, content=kept),
            _same,
        )


def _strategy(strategy: Strategy | None) -> Strategy | None:
    if strategy is not None and strategy not in get_args(Strategy):
        raise UsageError(
            f"ctx.breakpoint: there is no strategy {strategy!r}.",
            hint=f"Use one of {', '.join(get_args(Strategy))}.",
        )
    return strategy


def _since(diff: bool | str) -> str:  # noqa: FBT001 (as the author gives it)
    if isinstance(diff, bool):
        return RUN if diff else ""
    if isinstance(diff, str) and SINCE.fullmatch(diff):
        return diff
    raise UsageError(
        f"ctx.breakpoint: diff={diff!r} names no changes.",
        hint='Say diff=True (since the run began), diff="main.." (since a commit) or diff="main..topic".',
    )


def _tools(scan: bool | Iterable[str], since: str) -> tuple[str, ...] | None:  # noqa: FBT001
    if scan is False:
        return None
    tools = () if scan is True else (scan,) if isinstance(scan, str) else tuple(scan)
    if not all(isinstance(name, str) and name.isascii() and name.isprintable() and name for name in tools):
        raise UsageError(
            f"ctx.breakpoint: scan={scan!r} names no tools.", hint='Use scan=True, or scan=["bandit"].'
        )
    if not since or not since.endswith(("..", RUN)):
        raise UsageError(
            "ctx.breakpoint: scan= looks at the workspace beside its changes.",
            hint='Say diff=True, or diff="main..", in the same call.',
        )
    return tools


def _take_now(call_id: str, line: str) -> cmd.Command:
    return cmd.TakeValue(call_id=call_id, line=line, kind="now")


def _take_random(call_id: str, line: str) -> cmd.Command:
    return cmd.TakeValue(call_id=call_id, line=line, kind="random")


def _take_uuid(call_id: str, line: str) -> cmd.Command:
    return cmd.TakeValue(call_id=call_id, line=line, kind="uuid")


def _same(answer: Value) -> Value:
    return answer


def _none(_answer: Value) -> None:
    return None


def _seconds(duration: float | timedelta) -> float:
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    if not 0 <= seconds <= WAIT_S_MAX:
        raise UsageError(f"{duration!r} is no time to wait.", hint="Give seconds, 0 or more, or a timedelta.")
    return seconds
