"""Performing effects: threads that run executors, and the outcomes they bring back.

An attempt begins only after its EFFECT_STARTED is durable; its output is kept,
masked and durable before the outcome is handed to the driver.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from msgspec import Struct, structs

from babysitter.journal.outputs import Tee
from babysitter.journal.writer import JournalWriter
from babysitter.model.clock import Clock, format_time
from babysitter.model.commands import RequestEffect
from babysitter.model.effects import InlineFunction, Outcome, Sandbox, TaskSpec
from babysitter.model.errors import BabysitterError
from babysitter.model.events import BlobRef, ErrorInfo
from babysitter.model.runner import Attempt, Executor
from babysitter.model.values import Json


class Stop:
    """The StopToken of one attempt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._calls: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        """See model.runner.StopToken."""
        return self._set

    def on_set(self, call: Callable[[], None]) -> None:
        """See model.runner.StopToken."""
        with self._lock:
            if not self._set:
                self._calls.append(call)
                return
        call()

    def set(self) -> None:
        """Stop the attempt; setting it again does nothing."""
        with self._lock:
            calls, self._calls = self._calls, []
            self._set = True
        for call in calls:
            call()


class Finished(Struct, frozen=True, kw_only=True):
    """An attempt that has ended. Times are RFC 3339."""

    effect_id: str
    attempt: int
    outcome: Outcome
    started_at: str
    finished_at: str
    stdout_ref: BlobRef | None = None
    stderr_ref: BlobRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFinished:
    """A child run's driver has returned: with its status, or ``error`` when it could not be driven."""

    call_id: str
    child_run_id: str
    status: str
    error: BabysitterError | None = None


Arrival = Finished | ChildFinished | BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """What performing needs, for one run.

    granted: adds what the settings grant a task. tee: who sees an effect's ``stdout`` or ``stderr`` live,
        if any.
    """

    executors: Callable[[], Mapping[str, Executor]]
    granted: Callable[[str, Sandbox], Sandbox]
    call_inline: Callable[[InlineFunction, Json], Outcome]
    clock: Clock
    output_bytes_max: int
    tee: Callable[[str, str], Tee | None] = lambda _effect_id, _stream: None


class Floor:
    """The effects of one run that are being performed right now."""

    def __init__(self, performer: Performer, writer: JournalWriter, threads_max: int) -> None:
        self._performer = performer
        self._writer = writer
        self._threads_max = threads_max
        self._pool: ThreadPoolExecutor | None = None
        self._stops: dict[str, Stop] = {}
        self._children: dict[str, threading.Thread] = {}
        self.arrivals: SimpleQueue[Arrival] = SimpleQueue()

    @property
    def busy(self) -> int:
        """How many effects run in threads."""
        return len(self._stops)

    @property
    def has_children(self) -> bool:
        """True while the driver of a child run is at work."""
        return bool(self._children)

    def call_inline(self, command: RequestEffect, effect_id: str, attempt: int) -> Finished:
        """Perform a trusted trivial task here and now, in this thread."""
        assert command.function is not None, "inline effects carry their function"
        started_at = format_time(self._performer.clock.now_ns())
        outcome = self._performer.call_inline(command.function, command.input)
        finished_at = format_time(self._performer.clock.now_ns())
        return Finished(
            effect_id=effect_id,
            attempt=attempt,
            outcome=outcome,
            started_at=started_at,
            finished_at=finished_at,
        )

    def start(self, command: RequestEffect, effect_id: str, attempt: int) -> None:
        """Have an attempt performed in a thread; it arrives when it has ended."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads_max, thread_name_prefix="effect")
        stop = self._stops[effect_id] = Stop()
        self._pool.submit(self._perform, command, effect_id, attempt, stop)

    def start_child(self, call_id: str, drive: Callable[[], ChildFinished]) -> None:
        """Have a child run driven in a thread of its own: parents must not use up the room of effects."""
        thread = threading.Thread(
            target=self._drive_child, args=(drive,), name=f"child-{call_id}", daemon=True
        )
        self._children[call_id] = thread
        thread.start()

    def is_driving(self, call_id: str) -> bool:
        """Tell whether a child run is being driven."""
        return call_id in self._children

    def took(self, arrival: Finished | ChildFinished) -> None:
        """Note that the driver has taken an arrival."""
        if isinstance(arrival, Finished):
            self._stops.pop(arrival.effect_id, None)
        else:
            self._children.pop(arrival.call_id, None)

    def stop(self, effect_id: str) -> None:
        """End an effect's whole process group; its outcome no longer counts."""
        stop = self._stops.get(effect_id)
        if stop is not None:
            stop.set()

    def stop_all(self) -> None:
        """End everything that runs, and wait until nothing of it is alive."""
        for stop in list(self._stops.values()):
            stop.set()
        self.close()

    def close(self) -> None:
        """Wait for the threads to end."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        for thread in list(self._children.values()):
            thread.join()

    def _drive_child(self, drive: Callable[[], ChildFinished]) -> None:
        try:
            self.arrivals.put(drive())
        except BaseException as defect:  # noqa: BLE001 (carried to the driver's thread, which raises it)
            self.arrivals.put(defect)

    def _perform(self, command: RequestEffect, effect_id: str, attempt: int, stop: Stop) -> None:
        try:
            self.arrivals.put(self._performed(command, effect_id, attempt, stop))
        except BaseException as defect:  # noqa: BLE001 (carried to the driver's thread, which raises it)
            self.arrivals.put(defect)

    def _performed(self, command: RequestEffect, effect_id: str, attempt: int, stop: Stop) -> Finished:
        writer, performer = self._writer, self._performer
        spec = granted_spec(performer, command.spec)
        suffix = "" if attempt == 1 else f".{attempt}"
        stdout, stderr = (
            writer.open_output(
                f"tasks/{effect_id}/{stream}{suffix}.log",
                performer.output_bytes_max,
                performer.tee(effect_id, stream),
            )
            for stream in ("stdout", "stderr")
        )
        started_at = format_time(performer.clock.now_ns())
        try:
            outcome = performer.executors()[spec.kind].perform(
                Attempt(
                    effect_id=effect_id,
                    number=attempt,
                    spec=spec,
                    input=command.input,
                    stdout=stdout,
                    stderr=stderr,
                    stop=stop,
                )
            )
        except BabysitterError as refusal:
            # It could not be tried at all. That is an outcome: the process may catch it.
            hint = f" {refusal.hint}" if refusal.hint else ""
            name = type(refusal).__name__
            outcome = Outcome(
                error=ErrorInfo(name=name, message=refusal.message + hint, data={"code": refusal.code})
            )
        finished_at = format_time(performer.clock.now_ns())
        return Finished(
            effect_id=effect_id,
            attempt=attempt,
            outcome=outcome,
            started_at=started_at,
            finished_at=finished_at,
            stdout_ref=stdout.close(),
            stderr_ref=stderr.close(),
        )


def granted_spec(performer: Performer, spec: TaskSpec) -> TaskSpec:
    """Return the task with its sandbox as it takes effect here."""
    sandbox = performer.granted(spec.task_id, spec.sandbox)
    if sandbox is spec.sandbox:
        return spec
    return structs.replace(spec, sandbox=sandbox)
