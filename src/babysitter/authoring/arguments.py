"""Typed values and JSON: what an author's function takes and gives, and the form in which it is journaled.

Invariants, each with a test in tests/unit/author/test_arguments.py:
    - what comes out is a copy: the author may change the original afterwards;
    - what comes out is what a reader of the journal gets: lists, never tuples; dicts, never Structs;
    - ``Secret`` leaves stay ``Secret`` leaves, wherever they stand.

What is JSON here: model/values.py. Reference for authors: docs/reference/authoring.md.
"""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any, Final

import msgspec

from babysitter.authoring.steps import Value
from babysitter.model.errors import InvalidValueError, SecretError, UsageError
from babysitter.model.secret import Secret
from babysitter.model.values import MAX_DEPTH, MAX_SAFE_INTEGER, Json, check_json

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_LEAVES: Final = _PLAIN | {Secret}
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ARGUMENT_REF: Final = "task:argument"
"""What a secret is called inside the task that got its value; the reference itself stays outside."""


def to_json(value: Value, where: str) -> Json:
    """Return a value of author code as checked JSON, ``Secret`` leaves allowed.

    Raises:
        InvalidValueError: it has no JSON form; the path begins with ``where``.
    """
    if is_simple(value):
        return value
    plain = _plain(value, where, 0)
    check_json(plain, where=where)
    return plain


def _plain(value: Value, where: str, depth: int) -> Json:
    kind = type(value)
    if kind in _LEAVES:
        return value
    # What is deeper than JSON of ours may be is left as it is, for check_json to refuse with its path.
    if depth > MAX_DEPTH:
        return None if kind not in (dict, list, tuple) else value
    if kind is dict:
        return {key: _plain(item, where, depth + 1) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item, where, depth + 1) for item in value]
    return _from_object(value, where, depth)


def _from_object(value: Value, where: str, depth: int) -> Json:
    """Return a Struct, dataclass, datetime, enum … as JSON. Secrets inside stay secrets."""
    held: dict[int, tuple[str, Secret]] = {}

    def stand_in(leaf: Value) -> str:
        if leaf is value:
            # Left as it is, for check_json to refuse with its whole path.
            raise TypeError
        if type(leaf) is not Secret:
            raise InvalidValueError(
                f"{where} holds a {type(leaf).__name__}, which is not JSON.",
                hint="Use a msgspec Struct, a dataclass or plain JSON.",
                path=where,
            )
        # A new string each time: the object's identity, not its text, says that a secret stood here.
        text = f"secret {len(held)}"
        held[id(text)] = (text, leaf)
        return text

    try:
        plain = msgspec.to_builtins(value, enc_hook=stand_in)
    except (TypeError, ValueError, RecursionError):
        return value
    return _plain(_put_back(plain, held) if held else plain, where, depth)


def _put_back(value: Json, held: Mapping[int, tuple[str, Secret]]) -> Json:
    if isinstance(value, dict):
        return {key: _put_back(item, held) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_put_back(item, held) for item in value]
    return held[id(value)][1] if id(value) in held else value


def holds_secret(value: Json) -> bool:
    """Tell whether a ``Secret`` leaf stands anywhere in the value."""
    kind = type(value)
    if kind is dict or kind is list:
        # A loop, not any(): a generator costs more than what it asks of a small value.
        for item in value.values() if kind is dict else value:
            if type(item) not in _PLAIN and holds_secret(item):
                return True
        return False
    return kind is Secret


def _without_secrets(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value.ref if isinstance(value, Secret) else value


def is_simple(value: Value) -> bool:
    """Tell at once that a value is JSON of ours; most values of a run are. Why not, ``check_json`` says."""
    kind = type(value)
    return (
        (kind is str and value.isascii())
        or (kind is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER)
        or kind is bool
        or value is None
    )


class Reader:
    """Reads JSON as the type of an annotation; any JSON when there is none."""

    __slots__ = ("_annotation", "exact")

    def __init__(self, annotation: Value) -> None:
        self._annotation = _readable(annotation)
        # Most arguments are a plain string or number of exactly that type: nothing is to be converted.
        self.exact = self._annotation if self._annotation in (str, int, float, bool) else None

    def read(self, value: Json) -> Value:
        """Return the value as the annotation's type.

        Raises:
            msgspec.ValidationError: it is not of that type.
            UsageError: the annotation is of a type that has no JSON form.
        """
        if self._annotation is Any or type(value) is self.exact:
            return value
        try:
            return msgspec.convert(value, type=self._annotation, dec_hook=_read_custom)
        except msgspec.ValidationError as error:
            masked = "; a credential that nobody declared was masked in it" if _holds_mark(value) else ""
            raise msgspec.ValidationError(f"{error}{masked}") from None
        except (TypeError, NotImplementedError) as error:
            raise UsageError(
                f"{self._annotation!r} can't be read from JSON: {error}.",
                hint="Annotate with msgspec Structs, dataclasses, or plain JSON types.",
            ) from error

    def check(self, value: Json) -> None:
        """Return when the value is of the type; a ``Secret`` may stand for any text.

        Raises:
            msgspec.ValidationError: it is not.
        """
        try:
            self.read(value)
        except msgspec.ValidationError:
            if not holds_secret(value):
                raise
            self.read(_without_secrets(value))


def _holds_mark(value: Json) -> bool:
    """Tell whether a credential that nobody declared was masked in the value, as a whole string."""
    if isinstance(value, dict):
        return "$masked" in value or any(map(_holds_mark, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_mark, value))


def _read_custom(kind: type, value: Value) -> Value:
    if kind is Secret:
        if isinstance(value, Secret):
            return value
        if isinstance(value, str):
            return Secret(_ARGUMENT_REF, value)
        raise ValueError("expected a secret or text")
    if isinstance(value, kind):
        return value
    raise NotImplementedError(f"{kind.__name__} is not a type of JSON")


def _readable(annotation: Value) -> Value:
    """Return the annotation with ``str | Secret`` as ``str``: msgspec reads no union with a type of ours."""
    if annotation is inspect.Parameter.empty or annotation is object:
        return Any
    origin: Value = typing.get_origin(annotation)
    parts = typing.get_args(annotation)
    if origin is typing.Union or origin is types.UnionType:
        kept = [part for part in parts if part is not Secret or not _names_text(parts)]
        return reduce(or_, [_readable(part) for part in kept])
    if origin in (list, dict, tuple, set, frozenset) and parts:
        return origin[tuple(part if part is ... else _readable(part) for part in parts)]
    return annotation


def _names_text(parts: tuple[Any, ...]) -> bool:
    return str in parts


class Parameters:
    """The parameters of a task's function: binds a call to JSON by name, and JSON to a call."""

    __slots__ = (
        "_count",
        "_defaults",
        "_function",
        "_gets_secrets",
        "_names",
        "_readers",
        "_signature",
        "_simple",
        "_where",
    )

    def __init__(self, function: Callable[..., Any], name: str, *, gets_secrets: bool = True) -> None:
        self._function = function
        self._gets_secrets = gets_secrets
        self._signature = inspect.signature(function)
        parameters = self._signature.parameters.values()
        self._simple = all(p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for p in parameters)
        self._names = tuple(self._signature.parameters)
        self._count = len(self._names)
        self._defaults = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
        self._where = {p.name: f"argument {p.name} of {name}" for p in parameters}
        self._readers: dict[str, Reader] | None = None

    def annotations(self) -> dict[str, Any]:
        """Return the annotation of each parameter and of ``return``, references resolved.

        Raises:
            UsageError: a name in an annotation does not exist in the function's module.
        """
        try:
            return typing.get_type_hints(self._function, include_extras=True)
        except NameError as error:
            raise UsageError(
                f"an annotation of {self._function.__qualname__} does not resolve: {error}.",
                hint="Annotate with types that stand in the module, outside of functions.",
            ) from None

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the call's arguments by name, defaults filled in, in the order of the signature.

        Raises:
            InvalidValueError: too many, too few, or one that the function does not know.
        """
        if self._simple:
            # This runs at every step, watched by the guard, where calling a function costs: hence so few.
            count = len(args) + len(kwargs)
            given = {**dict(zip(self._names, args, strict=False)), **kwargs}
            if count < self._count and len(given) == count:
                missing = {name: value for name, value in self._defaults.items() if name not in given}
                given = {**given, **missing}
                count += len(missing)
            # Complete, in order, and no more than that: none is missing, unknown or passed twice.
            if count == self._count and tuple(given) == self._names:
                return given
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidValueError(
                f"{self._function.__name__}{self._signature} can't be called so: {error}.",
                hint="Pass the arguments that the signature names.",
                path=self._function.__name__,
            ) from None
        bound.apply_defaults()
        return dict(bound.arguments)

    def to_json(self, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """Return the arguments as checked JSON by name.

        Raises:
            InvalidValueError: one is not JSON, or not of the type that its annotation names.
            SecretError: there is a secret in one, and the function gets none.
        """
        readers = self._readers or self._make_readers()
        found = {}
        for name, value in arguments.items():
            kind = type(value)
            if kind is readers[name].exact and (
                (kind is str and value.isascii())
                or (kind is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER)
                or kind is bool
            ):
                found[name] = value
            else:
                found[name] = self._checked(value, self._where[name], readers[name])
        return found

    def _checked(self, value: Value, where: str, reader: Reader) -> Json:
        plain = to_json(value, where)
        try:
            reader.check(plain)
        except msgspec.ValidationError as error:
            text = f"{where}: {error}."
            raise InvalidValueError(text, hint="Pass what its annotation says.", path=where) from None
        if not self._gets_secrets and holds_secret(plain):
            raise SecretError(
                f"{where} holds a secret, and the task runs inline.",
                hint="Inline tasks get no secrets: leave out inline=True, and the task runs in its sandbox.",
            )
        return plain

    def call(self, values: Mapping[str, Json]) -> Value:
        """Call the function with JSON by name, as its annotations read it, and return what it returns.

        Raises:
            msgspec.ValidationError: a value is not of its annotation's type.
        """
        readers = self._readers or self._make_readers()
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in self._signature.parameters.values():
            if parameter.name not in values:
                continue
            value = readers[parameter.name].read(values[parameter.name])
            if parameter.kind in _POSITIONAL:
                positional.append(value)
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                positional.extend(value)
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
            else:
                named[parameter.name] = value
        return self._function(*positional, **named)

    def takes_secrets(self) -> bool:
        """Tell whether a parameter is annotated as a secret."""
        hints = {name: hint for name, hint in self.annotations().items() if name != "return"}
        return any(hint is Secret or Secret in typing.get_args(hint) for hint in hints.values())

    def _make_readers(self) -> dict[str, Reader]:
        hints = self.annotations()
        readers: dict[str, Reader] = {}
        for parameter in self._signature.parameters.values():
            hint: Any = hints.get(parameter.name, Any)
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                hint = list.__class_getitem__(hint)
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                hint = dict.__class_getitem__((str, hint))
            readers[parameter.name] = Reader(hint)
        self._readers = readers
        return readers
