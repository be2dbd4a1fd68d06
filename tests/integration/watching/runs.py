"""Runs for the pages to show: one with everything, a large one, one whose every text is an attack."""

from typing import Any

from babysitter.journal.layout import output_path, shown_path, task_file
from babysitter.model import events as ev
from babysitter.model.clock import format_time
from tests.integration.watching.served import SHA, Server, Written

ATTACKS = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "\"><svg onload='window.ran = 1'>",
    "javascript:window.ran=1//",
    "{{ 7 * 7 }}${window.ran = 1}",
    "</pre></textarea></title><iframe srcdoc='<script>parent.ran = 1</script>'></iframe>",
)
ATTACK = " ".join(ATTACKS)


def wanted(call: str, task: str, label: str, **more: Any) -> ev.EffectRequested:
    """Return a request for a task's work."""
    facts: dict[str, Any] = {"args": {"argv": ["make", task]}, "kind": "shell", **more}
    return ev.EffectRequested(
        effect_id=f"{call}-{task}",
        call_id=call,
        task_id=task,
        label=label,
        args_sha256="",
        task_def_ref=task_file(f"{call}-{task}", "task.json"),
        **facts,
    )


def began(effect: str, attempt: int = 1, approval: str | None = None) -> ev.EffectStarted:
    """Return the beginning of an attempt."""
    return ev.EffectStarted(
        effect_id=effect, attempt=attempt, sandbox_sha256="ab" * 32, worker="alice@build-1", approval=approval
    )


def ended(effect: str, attempt: int = 1, **more: Any) -> ev.EffectResolved:
    """Return a good end."""
    return ev.EffectResolved(
        effect_id=effect, attempt=attempt, status="ok", **{"result": {"ok": True}, **more}
    )


def failed(effect: str, message: str, attempt: int = 1) -> ev.EffectResolved:
    """Return a bad end."""
    error = ev.ErrorInfo(name="ExitStatusError", message=message, data={"status": 2})
    return ev.EffectResolved(effect_id=effect, attempt=attempt, status="error", error=error)


def asked(run: Written, call: str, name: str, question: str, **more: Any) -> ev.BreakpointRequested:
    """Return a question, with its document."""
    shown = run.writer.put_blob(shown_path(name), f"# {question}\n".encode())
    return ev.BreakpointRequested(
        breakpoint_id=name,
        call_id=call,
        question=question,
        policy_sha256=SHA,
        shown_sha256=shown.sha256,
        **{"rule": "production", "eligible": ("ada@example.com",), **more},
    )


def released(name: str) -> tuple[ev.Event, ...]:
    """Return an answer that lets it go on."""
    said = ev.BreakpointResponded(
        breakpoint_id=name,
        approver="ada@example.com",
        decision="approve",
        method="local",
        comment="Looks right.",
    )
    return said, ev.BreakpointReleased(
        breakpoint_id=name, approved=True, responded_by=("ada@example.com",), rule="production"
    )


def release(server: Server, run_id: str = "release-1-2-0", *, ago_s: float = 31_000) -> Written:
    """Write a run with everything: retries, branches, a night of waiting, a child, a decision."""
    run = server.write(run_id, ago_s=ago_s)
    run.add(wanted("0", "build", "Build the wheel"), after_s=1)
    run.add(began("0-build"), after_s=0.4)
    run.add(
        ev.EffectRetryScheduled(
            effect_id="0-build",
            attempt=1,
            error=ev.ErrorInfo(name="ExitStatusError", message="make: *** No rule to make target 'dist'."),
            delay_s=5,
            dice=0.5,
            due_at=format_time(run.clock.time_ns + 5 * 10**9),
        ),
        after_s=6,
    )
    run.add(began("0-build", 2), after_s=5)
    sink = run.writer.open_output(output_path("0-build", "stdout", 2), 100_000)
    sink.write(b"".join(b"compiling module %d\n" % number for number in range(60)))
    run.add(
        ended("0-build", 2, stdout_ref=sink.close(), usage={"tokens": 48_210.0, "cost (USD)": 0.84}),
        after_s=41,
    )
    suites = ("unit", "integration", "browser")
    run.add(
        *(wanted(f"1.{number}.0", "test", f"Test: {name}") for number, name in enumerate(suites)), after_s=0.2
    )
    run.add(*(began(f"1.{number}.0-test") for number in range(3)), after_s=0.3)
    run.add(ended("1.0.0-test"), after_s=12)
    run.add(failed("1.2.0-test", "2 of 40 tests failed: test_sign_in, test_sign_out"), after_s=9)
    run.add(ended("1.1.0-test", usage={"tokens": 12_000.0}), after_s=17)
    run.add(asked(run, "2", "2-stage", "Put 1.2.0 on the staging servers?", title="Staging"), after_s=0.3)
    _stage_and_ask(run, run_id)
    server.tell(run_id)
    return run


def _stage_and_ask(run: Written, run_id: str) -> None:
    run.add(*released("2-stage"), after_s=28_800)
    run.add(wanted("3", "stage", "Put it on staging", environment="staging"), after_s=0.4)
    run.add(began("3-stage", approval="2-stage"), after_s=0.2)
    run.add(
        ev.SandboxDenied(
            effect_id="3-stage", attempt=1, what="connect", rule="network", where="192.0.2.1:443"
        ),
        ended("3-stage"),
        after_s=33,
    )
    run.add(ev.TimerSet(call_id="4", due_at=format_time(run.clock.time_ns + 60 * 10**9)), after_s=0.1)
    run.add(ev.TimerFired(call_id="4"), after_s=60)
    run.add(
        ev.ChildStarted(
            call_id="5", child_run_id=f"{run_id}.5", process_id="smoke", inputs={}, inputs_sha256=""
        ),
        after_s=0.1,
    )
    run.add(
        ev.ChildEnded(call_id="5", child_run_id=f"{run_id}.5", status="completed", output={"ok": True}),
        after_s=21,
    )
    run.add(
        ev.LogWritten(call_id="6", message="Staging has answered 200 requests without an error."), after_s=0.2
    )
    run.add(
        asked(
            run,
            "7",
            "7-deploy",
            "Deploy 1.2.0 to production? It migrates the orders table.",
            title="Production deployment",
            expires_at=format_time(run.clock.time_ns + 7_200 * 10**9),
        ),
        after_s=0.4,
    )


def going(server: Server, run_id: str = "nightly-7") -> Written:
    """Write a run that works."""
    run = server.write(run_id, ago_s=95)
    run.add(wanted("0", "fetch", "Fetch the orders"), after_s=1)
    run.add(began("0-fetch"), after_s=0.5)
    run.add(ended("0-fetch"), after_s=30)
    run.add(wanted("1", "report", "Write the report"), after_s=0.5)
    run.add(began("1-report"), after_s=1)
    server.tell(run_id)
    return run


def broken(server: Server, run_id: str = "import-3") -> Written:
    """Write a run that failed."""
    run = server.write(run_id, ago_s=4000)
    run.add(wanted("0", "load", "Load the file"), began("0-load"), after_s=1)
    run.add(failed("0-load", "no such file: orders.csv"), after_s=3)
    run.add(
        ev.RunFailed(error=ev.ErrorInfo(name="TaskError", message="load: no such file: orders.csv")),
        after_s=0.1,
    )
    server.tell(run_id)
    return run


def large(server: Server, run_id: str = "large", *, effects: int = 3334) -> Written:
    """Write a run of three lines an effect."""
    run = server.write(run_id, ago_s=7200)
    for number in range(effects):
        effect = f"{number}-step"
        run.clock.advance(1)
        for event in (wanted(str(number), "step", f"Step {number}"), began(effect), ended(effect)):
            run.writer.stage(event)
        if number % 200 == 0:
            run.writer.commit()
    run.writer.commit()
    server.tell(run_id)
    return run


def attack(server: Server, run_id: str = "attack") -> Written:
    """Write a run in which every text that others choose is an attack on the page."""
    run = server.write(run_id, ago_s=60, process_id=ATTACK, entry=f"x.py#{ATTACK}", requested_by=ATTACK)
    run.add(
        wanted("0", "t", ATTACK, args={ATTACK: [ATTACK]}, labels=(ATTACK,), environment=ATTACK),
        began("0-t"),
        ev.SandboxDenied(effect_id="0-t", attempt=1, what=ATTACK, rule=ATTACK, where=ATTACK),
        ev.LogWritten(call_id="9", message=ATTACK, fields={ATTACK: ATTACK}),
        after_s=1,
    )
    sink = run.writer.open_output(output_path("0-t", "stdout", 1), 100_000)
    sink.write(ATTACK.encode())
    run.add(failed("0-t", ATTACK), after_s=1)
    sink.close()
    run.add(
        wanted("1", "u", ATTACK),
        began("1-u"),
        ended("1-u", result={ATTACK: ATTACK}, usage={ATTACK: 1.0}),
        after_s=1,
    )
    run.add(
        asked(run, "2", "2-q", ATTACK, title=ATTACK, rule=ATTACK, context={"environment": ATTACK}),
        ev.SignalAwaited(call_id="3", name=ATTACK),
        ev.BreakpointResponded(
            breakpoint_id="2-q", approver=ATTACK, decision="defer", method="local", comment=ATTACK
        ),
        after_s=1,
    )
    server.tell(run_id)
    return run
