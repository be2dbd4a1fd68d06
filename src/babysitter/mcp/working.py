"""Tools that move runs: start, iterate, post; and, for people alone, answer."""

from msgspec import UNSET

from babysitter.mcp import arguments as given
from babysitter.mcp.calls import Call, Underway
from babysitter.mcp.interface import Outcome
from babysitter.mcp.results import Answered, Posted
from babysitter.model.errors import InvalidValueError, PolicyDeniedError
from babysitter.service.confined_scanning import confined
from babysitter.service.given_answers import GivenAnswer
from babysitter.service.harness import Iteration
from babysitter.service.process.closure import is_path
from babysitter.service.queries import Queries
from babysitter.service.reading import find_breakpoint


def run_start(call: Call, asked: given.StartRun) -> Iteration | Underway:
    """See tools.TOOLS. Nobody can say here that untrusted code may run."""
    if is_path(asked.entry):
        confined(call.open().root, asked.entry.partition("#")[0])
    created = call.hands.start(asked.entry, asked.inputs, asked.run_id, drive=asked.drive)
    return _move_on(call, created, drive=asked.drive, seconds=asked.seconds)


def run_iterate(call: Call, asked: given.IterateRun) -> Iteration | Underway:
    """See tools.TOOLS. A change of the code is not accepted here: that is a person's to say."""
    run_id = Queries(call.open()).run_id(asked.run_id)
    return _move_on(call, run_id, drive=asked.drive, seconds=asked.seconds)


def _move_on(call: Call, run_id: str, *, drive: bool, seconds: float) -> Iteration | Underway:
    if drive:
        return Underway(drive=call.hands.drive(run_id), seconds=seconds)
    return call.hands.hand_out(run_id)


def where_it_stands(call: Call, run_id: str) -> Iteration:
    """Return a run that Babysitter drives as ``run_iterate`` gives it: nothing is the caller's to do."""
    return Iteration(run=call.hands.shown(Queries(call.open()).status(run_id)), effects=())


def task_post(call: Call, asked: given.PostTask) -> Posted:
    """See tools.TOOLS."""
    if (asked.value is UNSET) == (asked.error is None):
        raise InvalidValueError("give either value or error.", hint="See the tool's inputSchema.")
    outcome = Outcome(
        value=None if asked.value is UNSET else asked.value,
        error=(asked.error.name, asked.error.message) if asked.error is not None else None,
        stdout=asked.stdout,
        stderr=asked.stderr,
    )
    sent = call.hands.post(Queries(call.open()).run_id(asked.run_id), asked.effect_id, outcome)
    return Posted(request_id=sent.request_id, lines=sent.lines)


def breakpoint_answer(call: Call, asked: given.AnswerBreakpoint) -> Answered:
    """See tools.TOOLS."""
    person = call.caller.person
    if person is None:
        # The tool is not there for such a caller; should it ever be called all the same, this holds.
        raise PolicyDeniedError("only a person answers a breakpoint.", hint="Ask one.")
    run_id, breakpoint_id = find_breakpoint(call.open().store, asked.breakpoint)
    said = GivenAnswer(
        person=person,
        decision=asked.decision,
        comment=asked.comment,
        statement=asked.statement,
        signature=asked.signature,
        on_behalf_of=asked.on_behalf_of,
        break_glass=asked.break_glass,
    )
    sent = call.hands.answer(run_id, breakpoint_id, said)
    return Answered(
        run_id=run_id,
        breakpoint_id=breakpoint_id,
        decision=asked.decision,
        request_id=sent.request_id,
        lines=sent.lines,
    )
