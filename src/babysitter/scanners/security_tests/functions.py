"""Which functions of a Python file have a changed line, and which of their lines say that they ran."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

Definition = ast.FunctionDef | ast.AsyncFunctionDef


class Function(NamedTuple):
    """A function of a file: its dotted name, its lines, and those of its body, by which it is seen to run."""

    name: str
    line: int
    end_line: int
    body: frozenset[int]


def functions_of(source: bytes) -> list[Function]:
    """Return the functions of a file, outer ones before those inside them.

    Raises:
        SyntaxError: it is not Python.
    """
    return list(_within(ast.parse(source), ""))


def changed(functions: list[Function], lines: frozenset[int] | None) -> list[Function]:
    """Return the innermost functions that have a changed line. ``lines``: None is all of them."""
    if lines is None:
        return functions
    found = dict.fromkeys(
        inner for line in sorted(lines) if (inner := _innermost(functions, line)) is not None
    )
    return list(found)


def _innermost(functions: list[Function], line: int) -> Function | None:
    around = [each for each in functions if each.line <= line <= each.end_line]
    return max(around, key=lambda each: each.line, default=None)


def _within(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            name = f"{prefix}{child.name}"
            first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
            yield Function(name, first, child.end_lineno or child.lineno, frozenset(_body(child)))
            yield from _within(child, f"{name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _within(child, f"{prefix}{child.name}.")
        else:
            yield from _within(child, prefix)


def _body(function: Definition) -> Iterator[int]:
    """Yield the lines of a function's statements: neither its heading, nor its docstring, nor inner ones."""
    statements = function.body
    if (
        isinstance(statements[0], ast.Expr)
        and isinstance(statements[0].value, ast.Constant)
        and len(statements) > 1
    ):
        statements = statements[1:]
    for statement in statements:
        end = statement.end_lineno or statement.lineno
        if isinstance(statement, (*Definition.__args__, ast.ClassDef)):
            end = statement.lineno
        yield from range(statement.lineno, end + 1)
