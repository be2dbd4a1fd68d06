"""Python files as scanners see them: what a name stands for, which functions there are. Read, never run."""

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from babysitter.scanners.ground import lines_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
MAKERS = frozenset({"task", "shell_task", "node_task", "process"})
_OF_AUTHORS = ("babysitter", "babysitter.authoring.tasks", "babysitter.authoring.process")
_BUILTINS = frozenset(dir(builtins))
_IMPORTS = ("importlib.import_module", "builtins.__import__")
_DEPTH_MAX = 50


@dataclass(frozen=True, slots=True)
class Module:
    """One file.

    names: what imports bind, each as a dotted name; relative ones begin with dots.
    functions: by qualified name, methods too; one that another of its name replaces has ``@line`` behind it.
    classes: by name. constants: names bound once at the top.
    """

    path: str
    tree: ast.Module
    lines: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)

    def text(self, line: int) -> str:
        """Return a line of the file."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else ""

    def dotted(self, node: ast.AST, local: Mapping[str, str] | None = None, depth: int = 0) -> str:
        """Return what an expression stands for, as ``datetime.datetime.now`` or ``pathlib.Path().read_text``.

        Empty where it can't be told. ``local``: what the names of a function stand for.
        """
        if depth > _DEPTH_MAX:
            return ""
        if isinstance(node, ast.Name):
            return self._name(node.id, local, depth)
        if isinstance(node, ast.Attribute):
            inner = self.dotted(node.value, local, depth + 1)
            return f"{inner}.{node.attr}" if inner else ""
        if isinstance(node, ast.Call):
            return self._call(node, local, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            # A path and something more is a path.
            inner = self.dotted(node.left, local, depth + 1)
            return inner if inner.startswith("pathlib.") else ""
        return ""

    def _name(self, name: str, local: Mapping[str, str] | None, depth: int) -> str:
        if local and name in local:
            return local[name]
        if name in self.names:
            return self.names[name]
        if name in self.constants:
            value = self.constants[name]
            # Another name for a module or a function; what a call makes is looked at where it is made.
            return self.dotted(value, None, depth + 1) if isinstance(value, ast.Name | ast.Attribute) else ""
        own = name in self.functions or name in self.classes
        return f"builtins.{name}" if name in _BUILTINS and not own else ""

    def _call(self, node: ast.Call, local: Mapping[str, str] | None, depth: int) -> str:
        """Return what a call gives: a new object, or what it names in a text."""
        inner = self.dotted(node.func, local, depth + 1)
        texts = [each.value if isinstance(each, ast.Constant) else None for each in node.args[:2]]
        if inner in _IMPORTS and texts and isinstance(texts[0], str):
            return texts[0].partition(".")[0] if inner.startswith("builtins") else texts[0]
        if inner == "builtins.getattr" and len(texts) == 2 and isinstance(texts[1], str):
            owner = self.dotted(node.args[0], local, depth + 1)
            return f"{owner}.{texts[1]}" if owner else ""
        return f"{inner}()" if inner else ""

    def maker_of(self, decorator: ast.expr) -> str:
        """Return ``task``, ``shell_task``, ``node_task`` or ``process`` where that decorates, or nothing."""
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        module, _, name = self.dotted(called).rpartition(".")
        return name if name in MAKERS and module in _OF_AUTHORS else ""

    def kind_of(self, function: Function) -> tuple[str, ast.expr | None]:
        """Return which maker decorates a function, and the decorator; nothing where none does."""
        for decorator in function.decorator_list:
            if kind := self.maker_of(decorator):
                return kind, decorator
        return "", None


def read_module(path: str, tree: ast.Module, text: str) -> Module:
    """Return a file as scanners see it."""
    module = Module(path, tree, tuple(lines_of(text)))
    module.names.update(_bound_by_imports(tree))
    bound: dict[str, int] = {}
    for name, value in _assigned(tree):
        bound[name] = bound.get(name, 0) + 1
        module.constants[name] = value
    for name, count in bound.items():
        if count > 1:
            del module.constants[name]
    _collect(module, tree.body, "")
    return module


def _collect(module: Module, body: Iterable[ast.stmt], prefix: str) -> None:
    for node in body:
        if isinstance(node, Function):
            name = prefix + node.name
            if name in module.functions:
                # It may have been called, or kept under another name, before it was replaced.
                before = module.functions.pop(name)
                module.functions[f"{name}@{before.lineno}"] = before
            module.functions[name] = node
        elif isinstance(node, ast.ClassDef):
            if not prefix:
                module.classes[node.name] = node
            _collect(module, node.body, f"{prefix}{node.name}.")
        else:
            _collect(module, _statements(node), prefix)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements within another one: of loops, handlers and cases too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from _statements(child)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from ((each.id, node.value) for each in node.targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            target, value = node.target, node.value
            if value is not None and isinstance(target, ast.Name):
                yield target.id, value


def _bound_by_imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in (each for each in node.names if each.name != "*"):
                joint = "" if module.endswith(".") else "."
                yield alias.asname or alias.name, f"{module}{joint}{alias.name}"


class Modules:
    """All files of a closure, and which function a name leads to.

    folders: where absolute imports are looked for, relative to the workspace.
    """

    def __init__(self, modules: Mapping[str, Module], folders: tuple[str, ...]) -> None:
        self.by_path = dict(modules)
        self._folders = folders

    def target(self, module: Module, dotted: str) -> tuple[Module, str] | None:
        """Return the closure's file that a dotted name of a module leads into, and the rest of the name."""
        level = len(dotted) - len(dotted.lstrip("."))
        parts = dotted.lstrip(".").split(".")
        here = PurePosixPath(module.path).parent
        if level:
            folders = [here.parents[level - 2] if level > 1 and len(here.parents) > level - 2 else here]
        else:
            folders = [here, *map(PurePosixPath, self._folders)]
        for folder in folders:
            for count in range(len(parts), 0, -1):
                place = folder.joinpath(*parts[:count])
                for path in (f"{place}.py", f"{place}/__init__.py"):
                    found = self.by_path.get(path)
                    if found is not None:
                        return found, ".".join(parts[count:])
        return None
