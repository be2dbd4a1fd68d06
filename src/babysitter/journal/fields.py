"""Which fields of an event hold an author's values, and how each is masked and given back.

Only the fields that ``author_data`` names are touched; ids, types, digests and
times are ours. A field that is text on disk stays text when masked, so a value
that is wholly a secret is written as a reference inside a string.
"""

from typing import Any

import msgspec

from babysitter.journal.masking import Masker
from babysitter.model.events import (
    BLOB_FIELDS,
    EVENT_TYPES,
    ChildStarted,
    EffectRequested,
    EffectResolved,
    ErrorInfo,
    Event,
    RunCompleted,
)
from babysitter.model.values import Json

_TEXT, _TEXTS, _ERROR, _JSON = "text", "texts", "error", "json"

BLOB_FIELD: dict[type[Event], tuple[str, str]] = {cls: (inline, ref) for cls, inline, ref in BLOB_FIELDS}
DIGEST_FIELD: dict[type[Event], tuple[str, str]] = {
    EffectRequested: ("args", "args_sha256"),
    EffectResolved: ("result", "result_sha256"),
    ChildStarted: ("inputs", "inputs_sha256"),
    RunCompleted: ("output", "output_sha256"),
}
"""(value field, digest field): the digest is the SHA-256 of the RFC 8785 form of the masked value."""


def _kind(annotation: Any) -> str:  # noqa: ANN401 (an annotation has no narrower type)
    if annotation is str:
        return _TEXT
    if annotation == tuple[str, ...]:
        return _TEXTS
    if annotation in {ErrorInfo, ErrorInfo | None}:
        return _ERROR
    return _JSON


def _plan(cls: type[Event]) -> tuple[tuple[str, str], ...]:
    annotations = {field.name: field.type for field in msgspec.structs.fields(cls)}
    return tuple((name, _kind(annotations[name])) for name in cls.author_data)


_JSON_FIELDS: dict[type[Event], tuple[str, ...]] = {
    cls: tuple(name for name, kind in _plan(cls) if kind == _JSON) for cls in EVENT_TYPES.values()
}
_PLANS: dict[type[Event], tuple[tuple[str, str], ...]] = {cls: _plan(cls) for cls in EVENT_TYPES.values()}


def mask_fields(event: Event, masker: Masker) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs from the event: in its stored form, and as a reader of that form gets it."""
    stored: dict[str, Any] = {}
    read: dict[str, Any] = {}
    for name, kind in _PLANS[type(event)]:
        value = getattr(event, name)
        if value is None or value == "" or value == ():
            continue
        if kind == _JSON:
            masked = masker.mask(value)
            if masked is value:
                back = settled(value)
            else:
                stored[name] = masked
                back = masker.unmask(masked)
        else:
            masked = _mask_text_field(kind, value, masker)
            if masked is value:
                continue
            stored[name] = masked
            back = _unmask_field(kind, masked, masker)
        if back is not value:
            read[name] = back
    return stored, read


def settle_fields(event: Event) -> dict[str, Any]:
    """Return what a reader gets otherwise than it is here, when nothing of the event was masked."""
    read: dict[str, Any] = {}
    for name in _JSON_FIELDS[type(event)]:
        value = getattr(event, name)
        if value is not None and (back := settled(value)) is not value:
            read[name] = back
    return read


def unmask_event(event: Event, masker: Masker) -> Event:
    """Return the event with references resolved and escapes undone.

    Raises:
        SecretError: naming the reference that does not resolve.
    """
    changes: dict[str, Any] = {}
    for name, kind in _PLANS[type(event)]:
        value = getattr(event, name)
        if value is None:
            continue
        back = _unmask_field(kind, value, masker)
        if back is not value:
            changes[name] = back
    return msgspec.structs.replace(event, **changes) if changes else event


def settled(value: Json) -> Json:
    """Return the value as JSON gives it back: tuples become lists; the same object when there are none."""
    return _with_lists(value) if _holds_tuple(value) else value


def _holds_tuple(value: Json) -> bool:
    # Asked of every event, and nearly always answered no: nothing is built for that.
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind is tuple
    for item in value:
        kind = type(item)
        if kind is tuple or ((kind is dict or kind is list) and _holds_tuple(item)):
            return True
    return False


def _with_lists(value: Json) -> Json:
    kind = type(value)
    if kind is dict:
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if kind is list or kind is tuple else value


def _mask_text_field(kind: str, value: Any, masker: Masker) -> Any:  # noqa: ANN401 (text, texts or an ErrorInfo)
    if kind == _TEXT:
        return masker.mask_string(value)
    if kind == _TEXTS:
        texts = tuple([masker.mask_string(text) for text in value])
        return value if all(new is old for new, old in zip(texts, value, strict=True)) else texts
    name, message = masker.mask_string(value.name), masker.mask_string(value.message)
    data = masker.mask(value.data)
    if name is value.name and message is value.message and data is value.data:
        return value
    return ErrorInfo(name=name, message=message, data=data)


def _unmask_field(kind: str, value: Any, masker: Masker) -> Any:  # noqa: ANN401 (as the field has it)
    if kind == _TEXTS:
        texts = tuple([masker.unmask(text) for text in value])
        return value if all(new is old for new, old in zip(texts, value, strict=True)) else texts
    if kind != _ERROR:
        return masker.unmask(value)
    name, message, data = masker.unmask(value.name), masker.unmask(value.message), masker.unmask(value.data)
    if name is value.name and message is value.message and data is value.data:
        return value
    return ErrorInfo(name=name, message=message, data=data)
