"""Where the files of a run stand: the one place that knows their names.

Reference: docs/reference/workspace.md.
"""

from babysitter.model.events import (
    ChildEnded,
    ChildStarted,
    EffectRequested,
    EffectResolved,
    Event,
    RunCompleted,
)

JOURNAL = "journal/journal.jsonl"
RUN = "run.json"
INPUTS = "inputs.json"
OUTPUT = "output.json"


def task_file(effect_id: str, name: str) -> str:
    """Return the path of a task's file: ``task.json``, ``input.json``, ``result.json``."""
    return f"tasks/{effect_id}/{name}"


def output_path(effect_id: str, stream: str, attempt: int) -> str:
    """Return where an attempt's ``stdout`` or ``stderr`` goes: a file each, since lines name them all."""
    return f"tasks/{effect_id}/{stream}.log" if attempt <= 1 else f"tasks/{effect_id}/{stream}.{attempt}.log"


def shown_path(breakpoint_id: str) -> str:
    """Return where the bytes that people were shown are kept."""
    return f"breakpoints/{breakpoint_id}/shown.md"


def shown_facts_path(breakpoint_id: str) -> str:
    """Return where the facts are kept that ``shown.md`` was made of."""
    return f"breakpoints/{breakpoint_id}/shown.json"


def shown_file_path(breakpoint_id: str, number: int) -> str:
    """Return where the ``number``-th file that was shown is kept, as the workspace had it then."""
    return f"breakpoints/{breakpoint_id}/files/{number}"


def shown_patch_path(breakpoint_id: str) -> str:
    """Return where the whole difference is kept that was shown, in git's own format."""
    return f"breakpoints/{breakpoint_id}/files/changes.diff"


def statement_path(breakpoint_id: str, number: int) -> str:
    """Return where the ``number``-th signed answer to a breakpoint is kept; its signature: ``.sig`` more."""
    return f"breakpoints/{breakpoint_id}/approval-{number}.json"


def torn_path(seq: int, sha256: str) -> str:
    """Return where a cut-off tail is kept: ``seq`` is the number of the line it would have begun with."""
    return f"journal/torn/{seq:08d}-{sha256[:16]}.bin"


def child_directory(call_id: str) -> str:
    """Return the name, beside the tasks, under which a child run's large input and output are kept."""
    return f"{call_id}-child"


def blob_path(event: Event) -> str:
    """Return where the large value of an event goes."""
    match event:
        case EffectRequested():
            return task_file(event.effect_id, "input.json")
        case EffectResolved():
            return task_file(event.effect_id, "result.json")
        case ChildStarted():
            return task_file(child_directory(event.call_id), "input.json")
        case ChildEnded():
            return task_file(child_directory(event.call_id), "result.json")
        case RunCompleted():
            return OUTPUT
        case _:
            raise TypeError(f"{event.type} has no large value")
