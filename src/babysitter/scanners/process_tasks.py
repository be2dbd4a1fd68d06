"""What a process may do, as its code says: tasks with their sandboxes, processes, packages from outside.

The code is read, not run: nobody may have reviewed it yet. What can't be read from it (an option that is
computed) is told as such, never left out.
"""

import ast
import sys
from collections.abc import Iterator

from msgspec import Struct

from babysitter.model.findings import Finding, Span, fingerprint_of
from babysitter.scanners.python_names import MAKERS, Module, Modules

TOOL = "babysitter-process"
_KINDS = {"task": "python", "shell_task": "shell", "node_task": "node"}
_GRANTS = ("read", "write", "network", "env", "devices")
_OF_US = "babysitter."


class FoundTask(Struct, frozen=True, kw_only=True, rename="camel"):
    """A task as its decorator says it. ``unknown``: options that can't be told from the code, as text."""

    task_id: str
    kind: str
    path: str
    line: int
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    environment: str | None = None
    critical: bool = False
    idempotent: bool = False
    takes_secrets: bool = False
    script: str = ""
    unknown: tuple[str, ...] = ()


class FoundProcess(Struct, frozen=True, kw_only=True, rename="camel"):
    """A function that ``@process`` decorates."""

    name: str
    path: str
    line: int


class _UnknownError(Exception):
    """A value that can't be told from the code."""


def tasks_in(modules: Modules) -> tuple[FoundTask, ...]:
    """Return every task of the files, by place."""
    found = []
    for module in modules.by_path.values():
        for name, function in module.functions.items():
            kind, decorator = module.kind_of(function)
            if kind in _KINDS:
                found.append(_task(modules, module, (name, kind), decorator))
    return tuple(sorted(found, key=lambda task: (task.path, task.line)))


def processes_in(modules: Modules) -> tuple[FoundProcess, ...]:
    """Return every process of the files, by place."""
    return tuple(
        FoundProcess(name=name, path=module.path, line=function.lineno)
        for module in modules.by_path.values()
        for name, function in module.functions.items()
        if module.kind_of(function)[0] == "process"
    )


def packages_in(modules: Modules) -> tuple[str, ...]:
    """Return the packages that the files import from outside of workspace and Python; none is reviewed."""
    found = set()
    for module in modules.by_path.values():
        for dotted in module.names.values():
            top = dotted.partition(".")[0]
            if top and top not in sys.stdlib_module_names and modules.target(module, dotted) is None:
                found.add(top)
    return tuple(sorted(found - {"babysitter"}))


def unread_permissions(modules: Modules) -> Iterator[Finding]:
    """Yield a finding for each permission that can't be told from the code, so nobody can review it."""
    for task in tasks_in(modules):
        module = modules.by_path[task.path]
        for number, text in enumerate(task.unknown):
            yield _finding(
                module, task.line, f"the task {task.task_id} says {text}, which is computed", number
            )
    for module in modules.by_path.values():
        known = {
            id(node)
            for function in module.functions.values()
            for d in function.decorator_list
            for node in ast.walk(d)
        }
        for number, node in enumerate(ast.walk(module.tree)):
            if isinstance(node, ast.Name | ast.Attribute) and id(node) not in known and module.maker_of(node):
                what = (
                    f"{ast.unparse(node)} is used otherwise than as a decorator: what it makes is not listed"
                )
                yield _finding(module, node.lineno, what, number)


def _finding(module: Module, line: int, message: str, nth: int) -> Finding:
    return Finding(
        tool=TOOL,
        rule="computed-permission",
        category="permission",
        severity="medium",
        path=module.path,
        message=message,
        fingerprint=fingerprint_of(TOOL, "computed-permission", module.path, module.text(line), nth),
        span=Span(line=line),
        fix="Write it as a literal, or as a name that is bound once at the top of the file.",
    )


def _task(modules: Modules, module: Module, named: tuple[str, str], decorator: ast.expr | None) -> FoundTask:
    name, kind = named
    function = module.functions[name]
    call = decorator if isinstance(decorator, ast.Call) else None
    values: dict[str, object] = {}
    unknown = []
    for keyword in call.keywords if call is not None else ():
        try:
            values[keyword.arg or "**"] = _value(modules, module, keyword.value)
        except _UnknownError:
            unknown.append(f"{keyword.arg or '**'}={ast.unparse(keyword.value)}")
    script = ""
    if kind == "node_task" and call is not None:
        given = (
            call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "script"), None)
        )
        try:
            script = str(_value(modules, module, given)) if given is not None else ""
        except _UnknownError:
            unknown.append(f"script={ast.unparse(given) if given is not None else ''}")
    sandbox = values.get("sandbox")
    grants = sandbox if isinstance(sandbox, dict) else {}
    environment = values.get("environment")
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return FoundTask(
        task_id=str(values.get("id") or function.name),
        kind="inline" if values.get("inline") is True else _KINDS[kind],
        path=module.path,
        line=function.lineno,
        environment=environment if isinstance(environment, str) else None,
        critical=values.get("critical") is True,
        idempotent=values.get("idempotent") is True,
        takes_secrets=any(
            "Secret" in ast.unparse(a.annotation) for a in arguments if a.annotation is not None
        ),
        script=script,
        unknown=tuple(unknown),
        **{name: tuple(map(str, grants.get(name, ()))) for name in _GRANTS},
    )


def _value(modules: Modules, module: Module, node: ast.expr, depth: int = 0) -> object:
    """Return what an expression is, where it can be told.

    Raises:
        _UnknownError: it can't.
    """
    if depth > 20:
        raise _UnknownError
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_value(modules, module, item, depth + 1) for item in node.elts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (_value(modules, module, side, depth + 1) for side in (node.left, node.right))
        if isinstance(left, tuple) and isinstance(right, tuple):
            return left + right
        raise _UnknownError
    if isinstance(node, ast.Name | ast.Attribute):
        return _named_value(modules, module, node, depth)
    if isinstance(node, ast.Call):
        return _made(modules, module, node, depth)
    raise _UnknownError


def _named_value(modules: Modules, module: Module, node: ast.expr, depth: int) -> object:
    if isinstance(node, ast.Name) and node.id in module.constants:
        return _value(modules, module, module.constants[node.id], depth + 1)
    dotted = module.dotted(node)
    target = modules.target(module, dotted) if dotted and not dotted.startswith("builtins.") else None
    if target is not None and target[1] in target[0].constants:
        return _value(modules, target[0], target[0].constants[target[1]], depth + 1)
    raise _UnknownError


def _made(modules: Modules, module: Module, node: ast.Call, depth: int) -> object:
    dotted = module.dotted(node.func)
    name = dotted.rpartition(".")[2]
    if dotted.startswith(_OF_US) and name in ("Sandbox", "RetryPolicy") and not node.args:
        if any(keyword.arg is None for keyword in node.keywords):
            raise _UnknownError
        return {str(k.arg): _value(modules, module, k.value, depth + 1) for k in node.keywords}
    if dotted == "datetime.timedelta":
        return None
    raise _UnknownError


assert set(_KINDS) < MAKERS, "each kind of task has its maker"
