"""Journals of earlier versions replay through today's engine, line by line, for ever.

A golden journal is made once, by ``BABYSITTER_MAKE_GOLDEN=1 pytest tests/golden``,
which writes only those that are not there, and never changed again.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from babysitter.authoring.process import Process
from babysitter.authoring.steps import Value
from babysitter.engine.guard import Guard
from babysitter.engine.machine import Machine
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.errors import NondeterminismError
from tests.golden import processes
from tests.unit.engine.host import Fails, Host

HERE = Path(__file__).parent
INPUTS = {"names": ["ann", "bob", "eve"]}
AT: dict[str, dict[int, ev.Event]] = {
    "family": {
        1: ev.SignalReceived(name="go", payload=1, sender="carol"),
        2: ev.SignalReceived(name="go", payload=2, sender="carol"),
    },
    "cancelled": {1: ev.RunCancelRequested(by="carol", reason="enough")},
}
BY_ID: dict[str, Process[Any, Any]] = {process.process_id: process for process in processes.ALL}


def answer(command: cmd.Command) -> Value:
    """Answer as the world did when the journals were made."""
    match command:
        case cmd.RequestEffect(spec=spec, input=value):
            answers: dict[str, Callable[[], Any]] = {
                "greet": lambda: command.function(value) if command.function else None,
                "build": lambda: (
                    Fails("BuildError", "no rule", {"status": 2})
                    if value["target"] == "broken"
                    else {"path": "dist", "bytes": value["jobs"]}
                ),
                "deploy": lambda: None,
                "make": lambda: {"exitCode": 0, "stdout": "made\n", "stderr": ""},
                "lint": lambda: [{"rule": "x", "line": 1}],
            }
            return answers[spec.task_id]()
        case cmd.RequestBreakpoint(context={"attempt": 1}):
            return Fails(message="add tests")
        case cmd.StartChild(inputs=inputs):
            return Fails("ChildError", "no") if inputs == "two" else inputs
        case _:
            return None


def make(process: Process[Any, Any], file: Path) -> None:
    host = Host(process, INPUTS, answer, seed=1, at=AT.get(process.process_id, {})).drive()
    lines = [
        msgspec.json.encode({"type": event.type, "data": msgspec.to_builtins(event)}).decode()
        for event in host.journal
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(name: str) -> list[ev.Event]:
    file = HERE / f"{name}.jsonl"
    if not file.exists() and os.environ.get("BABYSITTER_MAKE_GOLDEN"):
        make(BY_ID[name], file)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [ev.decode_event(line["type"], json.dumps(line["data"]).encode()) for line in lines]


def replay(machine: Machine, journal: list[ev.Event]) -> None:
    for event in journal:
        machine.receive(event)


@pytest.mark.parametrize("name", BY_ID)
def test_a_golden_journal_replays(name: str) -> None:
    machine = Machine(BY_ID[name], "run-1", inputs=INPUTS, guard=Guard())

    replay(machine, read(name))

    assert machine.ended
    assert machine.pending() == ()


@pytest.mark.parametrize("name", BY_ID)
def test_a_golden_journal_can_be_gone_on_with_from_any_line(name: str) -> None:
    journal = read(name)

    for cut in range(1, len(journal)):
        host = Host(BY_ID[name], INPUTS, answer, seed=1, at=AT.get(name, {}), journal=journal[:cut]).drive()

        assert host.journal == journal


@pytest.mark.parametrize("name", BY_ID)
def test_a_golden_journal_without_one_of_its_commands_does_not_replay(name: str) -> None:
    """The same test with one line less, each in turn: otherwise the ones above might check nothing."""
    journal = read(name)

    for index, event in enumerate(journal):
        # A patch that was taken is known by what follows from it; without its end a run goes on.
        if (
            type(event) in Machine._CONFIRMING
            and not isinstance(event, ev.Patched)
            and index < len(journal) - 1
        ):
            machine = Machine(BY_ID[name], "run-1", inputs=INPUTS)
            with pytest.raises(NondeterminismError):
                replay(machine, journal[:index] + journal[index + 1 :])


def test_every_process_has_a_journal_and_every_journal_a_process() -> None:
    assert {file.stem for file in HERE.glob("*.jsonl")} == set(BY_ID)
