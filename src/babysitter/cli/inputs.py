"""JSON that a command is given: a file, standard input, ``K=V`` pairs, an option's text.

Anything else is refused with a sentence.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from babysitter.model.errors import InvalidValueError

BYTES_MAX = 64 * 1024 * 1024


def read_inputs(inputs_file: str | None, pairs: tuple[str, ...]) -> Any:  # noqa: ANN401 (JSON)
    """Return the inputs of ``--inputs`` with those of ``--input`` over them; None when there are none.

    Raises:
        InvalidValueError: the file is not JSON, or a pair is not K=V.
    """
    inputs: Any = None
    if inputs_file is not None:
        inputs = decode(read_file(inputs_file, "--inputs"), inputs_file, hint="Check --inputs.")
    for pair in pairs:
        key, mark, text = pair.partition("=")
        if not mark or not key:
            raise InvalidValueError(f"--input {pair!r} is not K=V.", hint="For example: --input target=dist")
        if inputs is None:
            inputs = {}
        if not isinstance(inputs, dict):
            raise InvalidValueError("--input needs inputs that are an object.", hint="Use --inputs alone.")
        inputs[_text(key)] = _value(text)
    return inputs


def parse_json(text: str | None, option: str) -> object:
    """Return an option's JSON; None when it was not given.

    Raises:
        InvalidValueError: it is not JSON.
    """
    if text is None:
        return None
    return decode(_text(text).encode(), option, hint="""Quote text: '"text"'.""")


def read_file(path: str, option: str) -> bytes:
    """Return the bytes of a file, or of standard input for ``-``.

    Raises:
        InvalidValueError: it can't be read, or has more than 64 MiB.
    """
    try:
        if path == "-":
            data = sys.stdin.buffer.read(BYTES_MAX + 1) if sys.stdin is not None else b""
        else:
            with Path(path).open("rb") as file:
                data = file.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "that is no path"
        raise InvalidValueError(f"{path} can't be read: {why}.", hint=f"Check {option}.") from None
    if len(data) > BYTES_MAX:
        raise InvalidValueError(
            f"{path} has more than {BYTES_MAX // 1024 // 1024} MiB.", hint=f"Give {option} less."
        )
    return data


def decode(data: bytes, what: str, *, hint: str) -> Any:  # noqa: ANN401 (JSON)
    """Return JSON's value.

    Raises:
        InvalidValueError: it is not JSON, or nested beyond reason.
    """
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise InvalidValueError(f"{what} is nested too deeply.", hint=hint) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"{what} is not JSON: {error}.", hint=hint) from None


def _value(text: str) -> Any:  # noqa: ANN401 (JSON)
    try:
        return msgspec.json.decode(_text(text))
    except msgspec.DecodeError:
        return text
    except RecursionError:
        raise InvalidValueError("--input is nested too deeply.", hint="Use --inputs with a file.") from None


def _text(text: str) -> str:
    """Return an argument's text.

    Raises:
        InvalidValueError: its bytes are not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(
            f"the argument {text!a} is not UTF-8.", hint="Give its value in a file."
        ) from None
    return text
