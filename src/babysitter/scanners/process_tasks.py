"""What a process may do, as its code says: tasks with their sandboxes, processes, packages from outside.

The code is read, not run: nobody may have reviewed it yet. What can't be read from it (an option that is
computed) is told as such, never left out.
"""

import ast
import sys
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from babysitter.model.findings import Finding, Span, fingerprint_of
from babysitter.scanners.python_names import MAKERS, Module, Modules

TOOL = "babysitter-process"
_KINDS = {"task": "python", "shell_task": "shell", "node_task": "node"}
_MADE = {
    "babysitter.security_scan": ("scan", "security_scan"),
    "babysitter.authoring.scan_task.security_scan": ("scan", "security_scan"),
    "babysitter.security_tests": ("tests", "security-tests"),
    "babysitter.authoring.tests_task.security_tests": ("tests", "security-tests"),
}
"""What makes a task by a call: its kind, and what it is called unless it says otherwise."""
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
        found += [_made_task(modules, module, call) for call in _calls_that_make(module)]
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
        known |= {id(call.func) for call in _calls_that_make(module)}
        for number, node in enumerate(ast.walk(module.tree)):
            if isinstance(node, ast.Name | ast.Attribute) and id(node) not in known and _makes(module, node):
                how = "as a decorator" if module.maker_of(node) else "in a call"
                what = f"{ast.unparse(node)} is used otherwise than {how}: what it makes is not listed"
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


def _makes(module: Module, node: ast.expr) -> bool:
    return bool(module.maker_of(node)) or module.dotted(node) in _MADE


def _calls_that_make(module: Module) -> Iterator[ast.Call]:
    """Yield the calls that make a task which no function of the author's is behind."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and module.dotted(node.func) in _MADE:
            yield node


def _made_task(modules: Modules, module: Module, call: ast.Call) -> FoundTask:
    kind, name = _MADE[module.dotted(call.func)]
    values, unknown = _options(modules, module, call)
    return FoundTask(
        task_id=str(values.get("id") or name),
        kind=kind,
        path=module.path,
        line=call.lineno,
        unknown=tuple(unknown),
        **_said(values),
    )


def _options(modules: Modules, module: Module, call: ast.Call | None) -> tuple[dict[str, object], list[str]]:
    """Return the options of a task, and those that can't be told."""
    values: dict[str, object] = {}
    unknown = []
    for keyword in call.keywords if call is not None else ():
        try:
            values[keyword.arg or "**"] = _value(modules, module, keyword.value)
        except _UnknownError:
            unknown.append(f"{keyword.arg or '**'}={ast.unparse(keyword.value)}")
    return values, unknown


def _said(values: dict[str, object]) -> dict[str, Any]:
    """Return what options say of permissions and of where a task acts."""
    sandbox, environment = values.get("sandbox"), values.get("environment")
    grants = sandbox if isinstance(sandbox, dict) else {}
    return {
        "environment": environment if isinstance(environment, str) else None,
        "critical": values.get("critical") is True,
        "idempotent": values.get("idempotent") is True,
        **{name: tuple(map(str, grants.get(name, ()))) for name in _GRANTS},
    }


def _task(modules: Modules, module: Module, named: tuple[str, str], decorator: ast.expr | None) -> FoundTask:
    name, kind = named
    function = module.functions[name]
    call = decorator if isinstance(decorator, ast.Call) else None
    values, unknown = _options(modules, module, call)
    script = ""
    if kind == "node_task" and call is not None:
        given = (
            call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "script"), None)
        )
        try:
            script = str(_value(modules, module, given)) if given is not None else ""
        except _UnknownError:
            unknown.append(f"script={ast.unparse(given) if given is not None else ''}")
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return FoundTask(
        task_id=str(values.get("id") or function.name),
        kind="inline" if values.get("inline") is True else _KINDS[kind],
        path=module.path,
        line=function.lineno,
        takes_secrets=any(
            "Secret" in ast.unparse(a.annotation) for a in arguments if a.annotation is not None
        ),
        script=script,
        unknown=tuple(unknown),
        **_said(values),
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
