"""What went wrong, as the one object that every face gives: code, message, hint, and the error's facts.

No text of an unexpected error is ever in it: that may hold anything, so only its place is told.
"""

import traceback
from pathlib import Path
from typing import Any

import msgspec

from babysitter.model.errors import BabysitterError, Defect

_PLACES = 4


def error_view(error: BaseException) -> dict[str, Any]:
    """Return an error as ``--json`` and MCP give it, below the key ``error``."""
    match error:
        case BabysitterError():
            return view_of(error.code, error.message, error.hint, error.facts)
        case OSError():
            where = f" ({error.filename})" if error.filename else ""
            hint = "Check that the disk has room and that the path may be read and written."
            return view_of("refused", f"{error.strerror or type(error).__name__}{where}.", hint)
        case _:
            return _defect_view(error)


def view_of(code: str, message: str, hint: str, facts: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the object; every text in it can be written as UTF-8."""
    error = {**(facts or {}), "code": code, "message": message, "hint": hint}
    return {key: _encodable(value) for key, value in error.items()}


def _defect_view(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-_PLACES:]]
    message = f"a defect of Babysitter: {type(error).__name__} at {' < '.join(reversed(places))}."
    hint = "Nothing that was acknowledged is lost. Please report it with that line, as SECURITY.md says."
    return view_of(Defect.code, message, hint)


def _encodable(value: Any) -> Any:  # noqa: ANN401 (an error's fact)
    """Return a fact as JSON has it; a text that no UTF-8 can hold (an argument of odd bytes) made plain."""
    if not isinstance(value, str):
        try:
            return msgspec.to_builtins(value, enc_hook=str)
        except (TypeError, ValueError):
            value = str(value)
    return str(value).encode("utf-8", "backslashreplace").decode()
