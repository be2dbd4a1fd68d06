"""Whether what the code did is what the journal has; and when it is not, both sides in words.

What counts as the same stands in one table. Values are compared by a ``Matcher``,
because the code's may hold references and the journal's are resolved, and shown by
it, because a resolved value must not reach a screen.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, NamedTuple, Protocol

from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.errors import NondeterminismError
from babysitter.model.secret import Secret
from babysitter.model.values import Json, encode_json, sha256_hex

_SHOWN_CHARS_MAX = 400


class Matcher(Protocol):
    """Compares and shows values that may hold secrets."""

    def same_value(self, code: Json, journal: Json) -> bool:
        """Tell whether a value of the code, which may hold secrets, is the journal's, which is resolved."""
        ...

    def is_artifact(self, content: bytes, sha256: str) -> bool:
        """Tell whether the content has that digest on disk."""
        ...

    def describe(self, value: Json) -> str:
        """Return the value as text for a person, without any secret in it."""
        ...


class PlainMatcher:
    """For journals without secrets: a ``Secret`` leaf may be any text."""

    def same_value(self, code: Json, journal: Json) -> bool:
        """See Matcher."""
        if code is journal:
            return True
        if isinstance(code, Secret):
            return isinstance(journal, str)
        if isinstance(code, dict):
            return (
                isinstance(journal, dict)
                and code.keys() == journal.keys()
                and all(self.same_value(item, journal[key]) for key, item in code.items())
            )
        if isinstance(code, list | tuple):
            return (
                isinstance(journal, list | tuple)
                and len(code) == len(journal)
                and all(map(self.same_value, code, journal))
            )
        # 1, 1.0 and True are equal to Python, and three different things in a journal.
        return type(code) is type(journal) and bool(code == journal)

    def is_artifact(self, content: bytes, sha256: str) -> bool:
        """See Matcher."""
        return sha256_hex(content) == sha256

    def describe(self, value: Json) -> str:
        """See Matcher."""
        return encode_json(_shown(value)).decode()


PLAIN: Final = PlainMatcher()


def _shown(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return {"$secret": value.ref} if isinstance(value, Secret) else value


class Fact(NamedTuple):
    """One thing that must be the same. ``is_value``: the author's, so compared and shown by the Matcher."""

    label: str
    of_command: Callable[[Any], Any]
    of_event: Callable[[Any], Any]
    is_value: bool = False
    ref: str = ""
    """The event's field that names a file with the value, where it is not in the event."""


def _fact(label: str, of_command: str, of_event: str = "", *, is_value: bool = False, ref: str = "") -> Fact:
    return Fact(label, attrgetter(of_command), attrgetter(of_event or of_command), is_value, ref)


_CALL: Final = _fact("callId", "call_id")
_FACTS: Final[dict[type[cmd.Command], tuple[Fact, ...]]] = {
    cmd.RequestEffect: (
        _CALL,
        _fact("taskId", "spec.task_id", "task_id"),
        _fact("kind", "spec.kind", "kind"),
        _fact("args", "input", "args", is_value=True, ref="input_ref"),
    ),
    cmd.RequestBreakpoint: (
        _CALL,
        _fact("question", "question", is_value=True),
        _fact("title", "title", is_value=True),
        _fact("context", "context", is_value=True),
    ),
    cmd.SetTimer: (_CALL,),
    cmd.AwaitSignal: (_CALL, _fact("name", "name", is_value=True)),
    cmd.TakeValue: (_CALL, _fact("kind", "kind")),
    cmd.WriteLog: (
        _CALL,
        _fact("level", "level"),
        _fact("message", "message", is_value=True),
        _fact("fields", "fields", is_value=True),
    ),
    cmd.MarkPatch: (_fact("patchId", "patch_id"),),
    cmd.WriteArtifact: (_CALL,),
    cmd.StartChild: (
        _CALL,
        _fact("processId", "process_id"),
        _fact("inputs", "inputs", is_value=True, ref="input_ref"),
    ),
    cmd.CancelCall: (_CALL,),
    cmd.Complete: (_fact("output", "output", is_value=True, ref="output_ref"),),
    # The text of an error may hold addresses, and differs between versions of Python; its class does not.
    cmd.Fail: (_fact("error", "error.name"),),
    cmd.EndCancelled: (),
}
_EVENTS: Final[dict[type[cmd.Command], type[ev.Event]]] = {
    cmd.RequestEffect: ev.EffectRequested,
    cmd.RequestBreakpoint: ev.BreakpointRequested,
    cmd.SetTimer: ev.TimerSet,
    cmd.AwaitSignal: ev.SignalAwaited,
    cmd.TakeValue: ev.ValueTaken,
    cmd.WriteLog: ev.LogWritten,
    cmd.MarkPatch: ev.Patched,
    cmd.WriteArtifact: ev.ArtifactWritten,
    cmd.StartChild: ev.ChildStarted,
    cmd.CancelCall: ev.CallCancelled,
    cmd.Complete: ev.RunCompleted,
    cmd.Fail: ev.RunFailed,
    cmd.EndCancelled: ev.RunCancelled,
}
_COMMANDS: Final = {event: command for command, event in _EVENTS.items()} | {
    ev.EffectCancelled: cmd.CancelCall
}


def event_type(command: cmd.Command) -> type[ev.Event]:
    """Return the type of the event that journals the command."""
    if isinstance(command, cmd.CancelCall) and command.effect_id is not None:
        return ev.EffectCancelled
    return _EVENTS[type(command)]


def matches(command: cmd.Command, event: ev.Event, matcher: Matcher) -> bool:
    """Tell whether the event journals the command."""
    if type(event) is not event_type(command):
        return False
    for fact in _FACTS[type(command)]:
        code, journal = fact.of_command(command), fact.of_event(event)
        if code is journal:
            continue
        if not fact.is_value:
            if code != journal:
                return False
        elif not matcher.same_value(code, journal) and not _stands_elsewhere(fact, event, journal):
            return False
    special = _SPECIAL.get(type(command))
    return special is None or special(command, event, matcher)


def _is_same_artifact(command: cmd.WriteArtifact, event: ev.ArtifactWritten, matcher: Matcher) -> bool:
    return matcher.is_artifact(command.content, event.ref.sha256)


def _is_same_timer(command: cmd.SetTimer, event: ev.TimerSet, _matcher: Matcher) -> bool:
    # When a delay is due follows from the clock, which the code does not know.
    return command.due_at is None or command.due_at == event.due_at


_SPECIAL: Final[dict[type[cmd.Command], Callable[..., bool]]] = {
    cmd.WriteArtifact: _is_same_artifact,
    cmd.SetTimer: _is_same_timer,
}


def _stands_elsewhere(fact: Fact, event: ev.Event, journal: Json) -> bool:
    return bool(fact.ref) and journal is None and getattr(event, fact.ref) is not None


def mismatch(
    event: ev.Event | None, command: cmd.Command | None, waiting: tuple[cmd.Command, ...], matcher: Matcher
) -> NondeterminismError:
    """Return the error that shows both sides.

    Args:
        event: what the journal has, or None where it has ended.
        command: what the code did there, or None where it did nothing.
        waiting: what the code waits for, for the words and the line of an error without a command.
        matcher: shows the values.
    """
    journal = _event_in_words(event, matcher) if event is not None else "nothing more"
    if command is not None:
        code = _command_in_words(command, matcher)
        line = command.line
    elif waiting:
        code = "nothing: it waits for " + ", ".join(f"{event_type(c).type} {c.call_id}" for c in waiting[:5])
        line = waiting[0].line
    else:
        code, line = "nothing: it has ended", ""
    return NondeterminismError(
        "the process did something else than its journal has.\n"
        f"  the journal has:  {journal}\n"
        f"  the code did:     {code}\n"
        f"  at:               {line or 'the end of the process'}",
        hint="Resume with the code this run began with, or change it where `await ctx.patched(...)` says so.",
        journal=journal,
        code=code,
        line=line,
    )


def _command_in_words(command: cmd.Command, matcher: Matcher) -> str:
    facts = _FACTS[type(command)]
    return _in_words(event_type(command).type, [(fact, fact.of_command(command)) for fact in facts], matcher)


def _event_in_words(event: ev.Event, matcher: Matcher) -> str:
    command = _COMMANDS.get(type(event))
    if command is None:
        found = [
            f"{name}={getattr(event, name)}"
            for name in ("call_id", "effect_id", "breakpoint_id")
            if hasattr(event, name)
        ]
        return " ".join([event.type, *found])
    return _in_words(event.type, [(fact, fact.of_event(event)) for fact in _FACTS[command]], matcher)


def _in_words(name: str, facts: list[tuple[Fact, Any]], matcher: Matcher) -> str:
    words = [name]
    for fact, value in facts:
        text = matcher.describe(value) if fact.is_value else str(value)
        if len(text) > _SHOWN_CHARS_MAX:
            text = f"{text[:_SHOWN_CHARS_MAX]}… ({len(text)} characters)"
        words.append(f"{fact.label}={text}")
    return " ".join(words)
