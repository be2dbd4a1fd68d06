"""Mail: how answers, signals, cancels and posted results reach a run that someone else drives.

A message is masked before it is left, is journaled once with its request id by
whoever holds the run, and deleted after the line is durable. A second message
of the same id does nothing.
"""

from typing import Literal

import msgspec
from msgspec import Struct, structs

from babysitter.journal.masking import Masker
from babysitter.model.errors import CorruptJournalError
from babysitter.model.values import Json


class Message(
    Struct, frozen=True, kw_only=True, rename="camel", tag_field="kind", forbid_unknown_fields=True
):
    """One message; the tag says which."""

    request_id: str
    sender: str


class AnswerMail(Message, frozen=True, kw_only=True, tag="answer"):
    """A person's answer to a breakpoint.

    ``method``: how the sender showed who they are, where nothing is signed.
    ``statement``, ``signature``: what was signed, byte for byte, and the SSH signature; neither is masked, so
    a statement that holds a secret is never sent (service.statements.refuse_secrets).
    """

    breakpoint_id: str
    decision: str
    comment: str = ""
    statement: str = ""
    signature: str = ""
    on_behalf_of: str | None = None
    break_glass: bool = False
    method: Literal["local", "token"] = "local"


class AskMail(Message, frozen=True, kw_only=True, tag="ask"):
    """Somebody asks for more before answering a breakpoint, or gives what was asked for."""

    breakpoint_id: str
    comment: str
    is_reply: bool = False


class PassOnMail(Message, frozen=True, kw_only=True, tag="passOn"):
    """Somebody passes a question on to others who may answer it."""

    breakpoint_id: str
    to: tuple[str, ...]
    comment: str = ""


class SignalMail(Message, frozen=True, kw_only=True, tag="signal"):
    """A signal for the process."""

    name: str
    payload: Json = None


class CancelMail(Message, frozen=True, kw_only=True, tag="cancel"):
    """A wish that the run stop."""

    reason: str = ""


class PostMail(Message, frozen=True, kw_only=True, tag="post"):
    """The outcome of an effect that somebody else performed."""

    effect_id: str
    status: str
    value: Json = None
    error_name: str = ""
    error_message: str = ""
    stdout: str | None = None
    stderr: str | None = None


AnyMail = AnswerMail | AskMail | PassOnMail | SignalMail | CancelMail | PostMail
MASKED_FIELDS = (
    "comment",
    "name",
    "payload",
    "reason",
    "value",
    "error_name",
    "error_message",
    "stdout",
    "stderr",
)
"""Fields with a person's or a program's data."""

_DECODER: msgspec.json.Decoder[AnyMail] = msgspec.json.Decoder(AnyMail)


def encode_mail(message: AnyMail) -> bytes:
    """Return a message's bytes; it is masked already."""
    return msgspec.json.encode(message)


def decode_mail(name: str, data: bytes) -> AnyMail:
    """Return the message of a mail file.

    Raises:
        CorruptJournalError: the file holds no message of ours.
    """
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise CorruptJournalError(
            f"mail/{name} is not a message: {error}.", hint="Remove that file; nothing of ours wrote it."
        ) from None


def masked(message: AnyMail, masker: Masker) -> AnyMail:
    """Return the message as it may be left on disk."""
    return structs.replace(message, **{name: masker.mask(value) for name, value in _data(message).items()})


def unmasked(message: AnyMail, masker: Masker) -> AnyMail:
    """Return the message as its sender wrote it."""
    return structs.replace(message, **{name: masker.unmask(value) for name, value in _data(message).items()})


def _data(message: AnyMail) -> dict[str, Json]:
    return {
        name: getattr(message, name) for name in MASKED_FIELDS if getattr(message, name, None) is not None
    }
