"""A run with most shapes of line, written by the real writer: what fault and mutation tests work on.

Two tasks, a retry, output, a large result, a breakpoint with an answer, a timer,
a signal, a child, an artifact, values and logs; a secret occurs in most of them.
"""

from collections.abc import Callable

from babysitter.journal.layout import output_path, shown_path, task_file
from babysitter.journal.writer import JournalWriter, create_journal
from babysitter.model.clock import Clock
from babysitter.model.events import (
    INLINE_BYTES_MAX,
    ArtifactWritten,
    BreakpointReleased,
    BreakpointRequested,
    BreakpointResponded,
    ChildEnded,
    ChildStarted,
    EffectRequested,
    EffectResolved,
    EffectRetryScheduled,
    EffectStarted,
    ErrorInfo,
    Event,
    LogWritten,
    RunCompleted,
    RunCreated,
    SandboxDenied,
    SignalAwaited,
    SignalReceived,
    TimerFired,
    TimerSet,
    ValueTaken,
)
from babysitter.stores.interface import Holder, Store
from babysitter.testing.plain_masker import PlainMasker

RUN_ID = "run-1"
SECRET = "hunter2-but-longer"  # noqa: S105 (made up, so that tests can look for it)
HOLDER = Holder(user="alice", host="build-1", pid=4711, since="2026-01-31T10:15:30.123456Z")
TIME = "2026-01-31T10:15:30.123456Z"
SHA = "0" * 64

Batch = Callable[[JournalWriter], None]


def sample_masker() -> PlainMasker:
    """Return a masker that knows the run's one secret."""
    return PlainMasker({"env:API_KEY": SECRET})


def created(run_id: str = RUN_ID) -> RunCreated:
    """Return the first event."""
    return RunCreated(
        run_id=run_id,
        process_id="release",
        entry="release.py#release",
        process_digest=SHA,
        inputs_sha256="",
        run_sha256="",
        policy_sha256=SHA,
        requested_by="alice",
        secrets=("env:API_KEY",),
        sandbox="none",
        format_version=1,
        product_version="0.1.0",
        python_version="3.11.0",
    )


def create_sample_run(store: Store, clock: Clock, run_id: str = RUN_ID) -> None:
    """Make the run with its first line."""
    files = {"run.json": {"runId": run_id}, "inputs.json": {"version": "1.2.0", "key": SECRET}}
    create_journal(store, run_id, files, [created(run_id)], sample_masker(), clock)


def sample_batches() -> list[Batch]:
    """Return what a driver writes, one commit each: doing them all in order makes the whole run."""
    return [_first_task, _retry, _task_ends, _question, _answer, _waits, _arrivals, _large, _artifact, _end]


def write_sample_run(store: Store, clock: Clock, *, ended: bool = True) -> None:
    """Make the run and drive it to its end, or to just before."""
    create_sample_run(store, clock)
    writer, _ = JournalWriter.open(store, RUN_ID, HOLDER, sample_masker(), clock)
    for batch in sample_batches()[: None if ended else -1]:
        batch(writer)
        writer.commit()
    writer.close()


def _stage(writer: JournalWriter, *events: Event) -> None:
    for event in events:
        writer.stage(event)


def _first_task(writer: JournalWriter) -> None:
    writer.derived(task_file("1-build", "input.json"), {"argv": ["make", "dist"]})
    _stage(
        writer,
        ValueTaken(call_id="0", kind="now", value=TIME),
        EffectRequested(
            effect_id="1-build",
            call_id="1",
            task_id="build",
            kind="shell",
            label=f"build with {SECRET}",
            args_sha256="",
            task_def_ref=task_file("1-build", "task.json"),
            args={"argv": ["make", "dist"]},
            labels=("ci", "größe"),
        ),
        EffectStarted(effect_id="1-build", attempt=1, sandbox_sha256=SHA, worker="alice@build-1"),
    )


def _retry(writer: JournalWriter) -> None:
    sink = writer.open_output(output_path("1-build", "stderr", 1), 10_000)
    sink.write(b"make: *** no rule, key " + SECRET.encode() + b"\n")
    _stage(
        writer,
        SandboxDenied(effect_id="1-build", attempt=1, what="connect", rule="network", where="192.0.2.1:443"),
        EffectRetryScheduled(
            effect_id="1-build",
            attempt=1,
            error=ErrorInfo(name="ExitStatusError", message=f"2 {SECRET}", data={"status": 2}),
            delay_s=0.25,
            dice=0.25,
            due_at=TIME,
            stderr_ref=sink.close(),
        ),
    )


def _task_ends(writer: JournalWriter) -> None:
    sink = writer.open_output(output_path("1-build", "stdout", 2), 10_000)
    sink.write(b"built\n")
    result = {
        "wheel": "dist/a.whl",
        "bytes": 12_345,
        "ratio": 1e22,
        "key": SECRET,
        "note": "${secret:env:API_KEY}",
    }
    writer.derived(task_file("1-build", "result.json"), result)
    _stage(
        writer,
        EffectStarted(effect_id="1-build", attempt=2, sandbox_sha256=SHA, worker="alice@build-1"),
        EffectResolved(
            effect_id="1-build",
            attempt=2,
            status="ok",
            result=result,
            stdout_ref=sink.close(),
            started_at=TIME,
            finished_at=TIME,
            usage={"tokens": 10.5},
        ),
    )


def _question(writer: JournalWriter) -> None:
    shown = writer.put_blob(shown_path("2-deploy"), f"# Deploy?\n\nwith {SECRET}\n".encode())
    _stage(
        writer,
        BreakpointRequested(
            breakpoint_id="2-deploy",
            call_id="2",
            question="Deploy with production credentials?",
            title="Production Deployment",
            context={"environment": "production", "critical": True},
            tags=("production",),
            rule="default",
            eligible=("alice",),
            policy_sha256=SHA,
            shown_sha256=shown.sha256,
        ),
    )


def _answer(writer: JournalWriter) -> None:
    _stage(
        writer,
        BreakpointResponded(
            breakpoint_id="2-deploy",
            approver="alice",
            decision="approve",
            comment=f"fine, not {SECRET}",
            method="local",
            request_id="01A",
        ),
        BreakpointReleased(breakpoint_id="2-deploy", approved=True, responded_by=("alice",), rule="default"),
    )


def _waits(writer: JournalWriter) -> None:
    _stage(
        writer,
        TimerSet(call_id="3", due_at=TIME),
        SignalAwaited(call_id="4", name="go"),
        ChildStarted(
            call_id="5", child_run_id="run-1.5", process_id="child", inputs={"n": 1}, inputs_sha256=""
        ),
        LogWritten(call_id="6", message="waiting", fields={"for": ["timer", "signal"]}),
    )


def _arrivals(writer: JournalWriter) -> None:
    _stage(
        writer,
        TimerFired(call_id="3"),
        SignalReceived(name="go", payload={"when": "now"}, sender="bob", request_id="01B"),
        ChildEnded(call_id="5", child_run_id="run-1.5", status="completed", output={"n": 2}),
    )


def _large(writer: JournalWriter) -> None:
    _stage(
        writer,
        EffectRequested(
            effect_id="7-report",
            call_id="7",
            task_id="report",
            kind="inline",
            label="report",
            args_sha256="",
            task_def_ref=task_file("7-report", "task.json"),
            args={"text": "x" * INLINE_BYTES_MAX},
        ),
        EffectStarted(effect_id="7-report", attempt=1, sandbox_sha256="inline", worker="alice@build-1"),
        EffectResolved(
            effect_id="7-report", attempt=1, status="ok", result=[f"{SECRET} {n}" for n in range(4000)]
        ),
    )


def _artifact(writer: JournalWriter) -> None:
    ref = writer.put_blob("artifacts/plan.md", b"# Plan\n\nship it\n")
    _stage(writer, ArtifactWritten(call_id="8", ref=ref))


def _end(writer: JournalWriter) -> None:
    _stage(writer, RunCompleted(output={"done": True, "key": SECRET}, output_sha256=""))
