"""Keeping what came with a posted outcome: the output of a program that somebody else ran."""

from msgspec import structs

from babysitter.journal.layout import output_path
from babysitter.journal.writer import JournalWriter
from babysitter.model import events as ev
from babysitter.service.mail import AnyMail, PostMail

POSTED_BYTES_MAX = 10 * 1024 * 1024


def with_output(event: ev.Event, message: AnyMail, writer: JournalWriter) -> ev.Event:
    """Return a posted outcome with its output kept, masked and durable; any other event as it is."""
    if not (isinstance(message, PostMail) and isinstance(event, ev.EffectResolved)):
        return event
    kept = {
        f"{stream}_ref": _keep(writer, output_path(event.effect_id, stream, event.attempt), text)
        for stream, text in (("stdout", message.stdout), ("stderr", message.stderr))
        if text
    }
    return structs.replace(event, **kept)


def _keep(writer: JournalWriter, path: str, text: str) -> ev.BlobRef | None:
    output = writer.open_output(path, POSTED_BYTES_MAX)
    output.write(text.encode("utf-8", "surrogateescape"))
    return output.close()
