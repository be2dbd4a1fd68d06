"""The files under ``tasks/`` that can be written again from the journal, and so compared to it.

Pure: an event in, paths and masked values out. ``run rebuild-state`` writes
them, ``journal verify`` compares those that are there.
"""

from babysitter.journal.layout import task_file
from babysitter.model.events import EffectRequested, EffectResolved, Event
from babysitter.model.values import Json


def derived_files(event: Event) -> list[tuple[str, Json]]:
    """Return the files that a stored event's task is shown by: path, and value in its stored form."""
    if isinstance(event, EffectRequested):
        facts = {
            "effectId": event.effect_id,
            "callId": event.call_id,
            "taskId": event.task_id,
            "kind": event.kind,
            "label": event.label,
            "environment": event.environment,
            "critical": event.critical,
            "labels": list(event.labels),
            "argsSha256": event.args_sha256,
        }
        files: list[tuple[str, Json]] = [(task_file(event.effect_id, "task.json"), facts)]
        if event.input_ref is None:
            files.append((task_file(event.effect_id, "input.json"), event.args))
        return files
    if isinstance(event, EffectResolved) and event.status == "ok" and event.result_ref is None:
        return [(task_file(event.effect_id, "result.json"), event.result)]
    return []
