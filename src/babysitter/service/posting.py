"""Keeping the files that come with a message: a program's output, a signed statement."""

from msgspec import structs

from babysitter.journal.layout import output_path
from babysitter.journal.writer import JournalWriter
from babysitter.model import events as ev
from babysitter.model.errors import SignatureError
from babysitter.service.mail import AnswerMail, AnyMail, PostMail

POSTED_BYTES_MAX = 10 * 1024 * 1024


def with_files(event: ev.Event, message: AnyMail, writer: JournalWriter) -> ev.Event:
    """Keep what came with a message, durable when this returns; return the event that names it.

    Raises:
        SignatureError: masking would change a statement, so it can't be kept as it was signed.
    """
    if isinstance(message, AnswerMail) and isinstance(event, ev.BreakpointResponded):
        _keep_exactly(writer, event.statement_ref, message.statement)
        _keep_exactly(writer, event.signature_ref, message.signature)
        return event
    if not (isinstance(message, PostMail) and isinstance(event, ev.EffectResolved)):
        return event
    kept = {
        f"{stream}_ref": _keep(writer, output_path(event.effect_id, stream, event.attempt), text)
        for stream, text in (("stdout", message.stdout), ("stderr", message.stderr))
        if text
    }
    return structs.replace(event, **kept)


def _keep_exactly(writer: JournalWriter, ref: ev.BlobRef | None, text: str) -> None:
    if ref is None:
        return
    if writer.masker.mask_bytes(text.encode()) != text.encode():
        raise SignatureError(
            "the signed statement holds a secret of the run, and what is signed is kept as it is.",
            hint="Answer again without the secret in the comment.",
            reason="secret",
        )
    writer.put_blob(ref.path, text.encode())


def _keep(writer: JournalWriter, path: str, text: str) -> ev.BlobRef | None:
    output = writer.open_output(path, POSTED_BYTES_MAX)
    output.write(text.encode("utf-8", "surrogateescape"))
    return output.close()
