"""What the text of one Python file says, read without running it: imports, secrets, scripts of Node tasks."""

import ast
import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from tokenize import detect_encoding
from typing import NamedTuple

from babysitter.model.errors import EntryError, SecretError
from babysitter.model.secret import Secret

_DYNAMIC = frozenset({"import_module", "__import__"})
_NODE_IMPORT = re.compile(
    rb"""(?:\brequire\s*\(\s*|\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{1,2}/[^"'\r\n]+)\1"""
)


class SecretUse(NamedTuple):
    """A reference that the code names as a literal, with its line and its ``owner=``."""

    ref: str
    line: int
    owner: str | None


class Facts(NamedTuple):
    """What a file's text says.

    imports: modules that it may import, each with its level; a name after ``from`` may be a module too.
    secrets: as literals. scripts: of ``node_task("…")``, relative to the workspace.
    shows_changes: whether a call has ``diff=``, or is one of ``security_tests``: the beginning is kept then.
    """

    imports: tuple[tuple[str, int], ...]
    secrets: tuple[SecretUse, ...]
    scripts: tuple[str, ...]
    shows_changes: bool


def facts_of(source: bytes, path: str) -> Facts:
    """Return what a Python file says.

    Raises:
        EntryError: it is not Python; with ``path`` and line. Or it is in an encoding other than UTF-8.
    """
    try:
        encoding = codecs.lookup(detect_encoding(io.BytesIO(source).readline)[0]).name
        if encoding not in ("utf-8", "utf-8-sig", "ascii"):
            # Python would run another text than the one that is searched for credentials, and shown.
            raise EntryError(
                f"{path} is written in {encoding}: what a reviewer reads is not what would run.",
                hint="Write it in UTF-8, and take the coding line out.",
            )
        return _facts(source)
    except SyntaxError as error:
        raise EntryError(
            f"{path}:{error.lineno} is not Python: SyntaxError: {error.msg}.", hint="Mend that line."
        ) from None
    except ValueError as error:
        raise EntryError(f"{path} is not Python: {error}.", hint="Mend the file.") from None
    except (RecursionError, MemoryError):
        raise too_deep(path) from None


def too_deep(what: str) -> EntryError:
    """Return the error for code that is nested so deeply that it can't be looked at."""
    return EntryError(
        f"{what} is nested more deeply than can be looked at, so nobody can review it.",
        hint="Break the expression up.",
    )


def node_imports(source: bytes) -> tuple[str, ...]:
    """Return the relative paths that a JavaScript file imports by literals."""
    return tuple(found[1].decode(errors="replace") for found in _NODE_IMPORT.findall(source))


@lru_cache(maxsize=1024)
def parsed(source: bytes) -> ast.Module:
    """Return the syntax tree of a file. By content: many runs of one process parse its files once."""
    return ast.parse(source)


@lru_cache(maxsize=1024)
def _facts(source: bytes) -> Facts:
    tree = parsed(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return Facts(
        imports=tuple(_imports(tree, calls)),
        secrets=tuple(_secrets(calls)),
        scripts=tuple(text for call in calls if _called(call) == "node_task" and (text := _text(call))),
        shows_changes=any(
            _called(call) == "security_tests" or any(keyword.arg == "diff" for keyword in call.keywords)
            for call in calls
        ),
    )


def _imports(tree: ast.Module, calls: list[ast.Call]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module, node.level
            # ``from package import module``: the name may be a module of its own.
            yield from ((f"{module}.{alias.name}".strip("."), node.level) for alias in node.names)
    for call in calls:
        if _called(call) in _DYNAMIC and (text := _text(call)) and not text.startswith("."):
            yield text, 0


def _secrets(calls: list[ast.Call]) -> Iterator[SecretUse]:
    for call in calls:
        if _called(call) in ("secret", "Secret") and (text := _text(call)):
            with suppress(SecretError):
                # Another function of that name may be called with what is no reference.
                yield SecretUse(Secret(text).ref, call.lineno, _owner(call))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _text(call: ast.Call) -> str:
    """Return the first argument, where it is a text that stands in the code."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _owner(call: ast.Call) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == "owner" and isinstance(keyword.value, ast.Constant):
            return keyword.value.value if isinstance(keyword.value.value, str) else None
    return None
