"""Which code is looked at for faults: what processes reach, and what runs while their files are loaded.

Of a file that is loaded that is more than what stands at its top: decorators, what functions are handed on
to calls there, annotations, functions of names that are bound anew, bodies of lambdas.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from babysitter.scanners.python_names import Function, Module, Modules

Where = Literal["process", "import"]


@dataclass(frozen=True, slots=True)
class Place:
    """Code that is looked at: a function, or the top of a file (``function`` None)."""

    module: Module
    function: Function | None
    where: Where


def reached(modules: Modules) -> Iterator[Place]:
    """Yield every place that processes reach, and what loading reaches."""
    seen: set[tuple[str, int, Where]] = set()
    todo: list[Place] = []
    for module in modules.by_path.values():
        todo.append(Place(module, None, "import"))
        todo += [
            Place(module, function, "process")
            for function in module.functions.values()
            if module.kind_of(function)[0] == "process"
        ]
    while todo:
        place = todo.pop()
        line = place.function.lineno if place.function is not None else 0
        key = (place.module.path, line, place.where)
        if key not in seen:
            seen.add(key)
            yield place
            todo += _leads_to(modules, place)


def _leads_to(modules: Modules, place: Place) -> Iterator[Place]:
    """Yield the functions that a place calls or hands on; never the body of a task."""
    for node in own_nodes(place):
        found = [each for name in _handed_on(place, node) for each in _functions(modules, place.module, name)]
        if isinstance(node, ast.ClassDef):
            found += _when_derived(modules, place.module, node)
        for module, function in found:
            if module.kind_of(function)[0] in ("", "process"):
                yield Place(module, function, place.where)


def _when_derived(modules: Modules, module: Module, node: ast.ClassDef) -> Iterator[tuple[Module, Function]]:
    """Yield what runs of a class's bases when it is defined."""
    for base in node.bases:
        for where, function in _functions(modules, module, base):
            if function.name == "__init_subclass__":
                yield where, function


def _handed_on(place: Place, node: ast.AST) -> list[ast.expr]:
    """Return what a node calls, or gives to somebody who may call it."""
    if isinstance(node, Function | ast.ClassDef):
        metaclasses = [each.value for each in node.keywords] if isinstance(node, ast.ClassDef) else []
        return [*node.decorator_list, *metaclasses]
    if isinstance(node, ast.Call):
        given = [*node.args, *(each.value for each in node.keywords)] if place.where == "import" else []
        return [node.func, *given]
    if place.where == "process" and isinstance(node, ast.Name | ast.Attribute):
        return [node]
    return []


def _functions(modules: Modules, module: Module, name: ast.AST) -> Iterator[tuple[Module, Function]]:
    if isinstance(name, ast.Name) and (name.id in module.functions or name.id in module.classes):
        yield from _named(module, name.id)
        return
    if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
        own = f"{name.value.id}.{name.attr}"
        if own in module.functions:
            yield module, module.functions[own]
            return
    dotted = module.dotted(name)
    if dotted and not dotted.startswith("builtins."):
        target = modules.target(module, dotted.replace("()", ""))
        if target is not None:
            yield from _named(target[0], target[1])


def _named(module: Module, name: str) -> Iterator[tuple[Module, Function]]:
    if name in module.functions:
        yield from (
            (module, function)
            for key, function in module.functions.items()
            if key == name or key.startswith(f"{name}@")
        )
    elif name in module.classes:
        # Whoever makes one may call any of its methods.
        yield from (
            (module, function) for key, function in module.functions.items() if key.startswith(f"{name}.")
        )


def own_nodes(place: Place) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, or of what a file runs while it is loaded."""
    if place.function is not None:
        for statement in place.function.body:
            yield from ast.walk(statement)
        return
    todo: list[ast.AST] = list(place.module.tree.body)
    is_loaded_as_main = _renames_itself(place.module)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and _is_main_block(node) and not is_loaded_as_main:
            todo += node.orelse
            continue
        yield node
        if isinstance(node, Function):
            todo += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
            todo += _calls_of_annotations(node)
        else:
            todo += ast.iter_child_nodes(node)


def _calls_of_annotations(function: Function) -> Iterator[ast.Call]:
    """Yield the calls that happen when a function is defined, because its annotations are evaluated."""
    arguments = function.args
    every = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    annotations = [function.returns, *(each.annotation for each in every if each is not None)]
    for annotation in filter(None, annotations):
        yield from (node for node in ast.walk(annotation) if isinstance(node, ast.Call))


def _is_main_block(node: ast.If) -> bool:
    """Tell whether it is ``if __name__ == "__main__"``, and nothing else: a file is never loaded as that."""
    test = node.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = (test.left, test.comparators[0])
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    values = [side.value for side in sides if isinstance(side, ast.Constant)]
    return names == ["__name__"] and values == ["__main__"]


def _renames_itself(module: Module) -> bool:
    """Tell whether a file may say that it is called otherwise: then its main block is no such thing."""
    return any(
        (isinstance(node, ast.Name) and node.id == "__name__" and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Constant) and node.value == "__name__")
        or (isinstance(node, ast.alias) and node.asname == "__name__")
        for node in ast.walk(module.tree)
    )
