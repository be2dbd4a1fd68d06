"""What process code does besides ``ctx``: faults of determinism, and what runs while its files load.

Looked at: what every ``@process`` of the files reaches (helpers, methods of classes it names, functions that
it hands on), and what stands at the top of a file, which runs when it is loaded. Not looked at: the bodies
of tasks, which run in their sandbox. It reads code and can be deceived by code that hides; the guard, the
journal's replay and the sandbox do not depend on it.
"""

import ast
from collections.abc import Iterator, Mapping

from babysitter.model.findings import Finding, Span, fingerprint_of, in_order
from babysitter.model.rules import Severity
from babysitter.scanners.determinism_reach import Place, own_nodes, reached
from babysitter.scanners.determinism_rules import EVERYTHING, HARMLESS, RULES, SET_ORDER, STATE, Rule
from babysitter.scanners.python_names import Module, Modules

TOOL = "babysitter-process"
_ITERATES = frozenset(
    {"builtins.list", "builtins.tuple", "builtins.enumerate", "builtins.iter", "builtins.next"}
)
_SET_METHODS = ("union", "intersection", "difference", "symmetric_difference", "copy")
_DYNAMIC_IMPORT = ("importlib.import_module", "builtins.__import__")


def determinism_faults(modules: Modules) -> tuple[Finding, ...]:
    """Return what process code does that it must not do, each with line and fix, the worst first."""
    found: dict[tuple[str, int, int, str], Finding] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for place in reached(modules):
        for rule, severity, node, what in _faults(place):
            key = (place.module.path, node.lineno, node.col_offset, rule.name)
            if key in found and _rank(found[key].severity) >= _rank(severity):
                continue
            text = place.module.text(node.lineno)
            same = (rule.name, place.module.path, " ".join(text.split()))
            nth = counts[same] = counts.get(same, -1) + 1
            found[key] = _finding(place, rule, severity, node, (what, nth))
    return in_order(found.values())


def _rank(severity: Severity) -> int:
    return ("low", "medium", "high", "critical").index(severity)


def _finding(
    place: Place, rule: Rule, severity: Severity, node: ast.expr | ast.stmt, told: tuple[str, int]
) -> Finding:
    # Named, not quoted: a line of code may hold what no finding may repeat.
    what, nth = told
    module = place.module
    who = "process code" if place.where == "process" else "loading this file, in the driver and unconfined,"
    return Finding(
        tool=TOOL,
        rule=rule.name,
        category=rule.category,
        severity=severity,
        path=module.path,
        message=f"{who} {rule.says}: {what}",
        fingerprint=fingerprint_of(TOOL, rule.name, module.path, module.text(node.lineno), nth),
        span=Span(
            line=node.lineno,
            column=node.col_offset + 1,
            end_line=node.end_lineno or node.lineno,
            end_column=(node.end_col_offset or node.col_offset) + 1,
        ),
        fix=rule.fix,
    )


def _faults(place: Place) -> Iterator[tuple[Rule, Severity, ast.expr | ast.stmt, str]]:
    local = _locals_of(place)
    for node in own_nodes(place):
        if isinstance(node, ast.Call):
            yield from _called(place, node, local)
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            # What is not called at once may be handed to something that calls it.
            yield from _matching(place, node, place.module.dotted(node, local))
        elif isinstance(node, ast.Attribute | ast.Global):
            yield from _stored(place, node, local)
        elif isinstance(node, ast.ImportFrom):
            yield from _everything(node)
        elif place.where == "process":
            yield from _iterated(place, node, local)


Fault = tuple[Rule, Severity, ast.expr | ast.stmt, str]


def _called(place: Place, node: ast.Call, local: Mapping[str, str]) -> Iterator[Fault]:
    dotted = place.module.dotted(node.func, local)
    if dotted == "random.Random" and not node.args and not node.keywords:
        yield from _as(place, "dice", node, "random.Random() without a seed")
    elif dotted == "builtins.open" and _mode_of(node).strip("rbtU"):
        yield from _as(place, "file-writes", node, dotted)
    elif dotted in _DYNAMIC_IMPORT and not (node.args and isinstance(node.args[0], ast.Constant)):
        yield from _as(place, "computed-code", node, dotted)
    elif dotted == "builtins.getattr":
        yield from _matching(place, node, place.module.dotted(node, local))
    elif place.where == "process" and node.args and _is_iterated_by(dotted, node):
        yield from _over_set(place, node.args[0], local)


def _is_iterated_by(dotted: str, node: ast.Call) -> bool:
    is_join = isinstance(node.func, ast.Attribute) and node.func.attr in ("join", "extend")
    return dotted in _ITERATES or is_join


def _mode_of(node: ast.Call) -> str:
    given = node.args[1] if len(node.args) > 1 else None
    for keyword in node.keywords:
        given = keyword.value if keyword.arg == "mode" else given
    if given is None:
        return "r"
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else "?"


def _stored(place: Place, node: ast.Attribute | ast.Global, local: Mapping[str, str]) -> Iterator[Fault]:
    if isinstance(node, ast.Attribute):
        dotted = place.module.dotted(node, local)
        if dotted.startswith(("sys.", "builtins.", "importlib.")):
            yield from _as(place, "import-path", node, dotted)
    elif place.where == "process":
        yield STATE, "low", node, f"global {', '.join(node.names)}"


def _everything(node: ast.ImportFrom) -> Iterator[Fault]:
    if any(alias.name == "*" for alias in node.names):
        yield EVERYTHING, "high", node, f"from {'.' * node.level}{node.module or ''} import *"


def _iterated(place: Place, node: ast.AST, local: Mapping[str, str]) -> Iterator[Fault]:
    if isinstance(node, ast.For | ast.AsyncFor):
        yield from _over_set(place, node.iter, local)
    elif isinstance(node, ast.ListComp | ast.DictComp | ast.GeneratorExp):
        for generator in node.generators:
            yield from _over_set(place, generator.iter, local)
    elif isinstance(node, ast.Starred):
        yield from _over_set(place, node.value, local)


def _over_set(place: Place, node: ast.expr, local: Mapping[str, str]) -> Iterator[Fault]:
    if _is_set(place, node, local):
        yield SET_ORDER, "low", node, "a set"


def _is_set(place: Place, node: ast.expr, local: Mapping[str, str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return _is_set(place, node.left, local) or _is_set(place, node.right, local)
    dotted = place.module.dotted(node, local)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SET_METHODS:
        return _is_set(place, node.func.value, local)
    return dotted in ("builtins.set()", "builtins.frozenset()")


def _locals_of(place: Place) -> dict[str, str]:
    """Return what names that are bound once in a place stand for, as far as that is plain."""
    bound: dict[str, list[ast.expr]] = {}
    for node in own_nodes(place):
        for name, value in _bindings(node):
            bound.setdefault(name, []).append(value)
    known: dict[str, str] = {}
    for name, values in bound.items():
        if len(values) == 1:
            is_set = isinstance(values[0], ast.Set | ast.SetComp)
            if dotted := "builtins.set()" if is_set else place.module.dotted(values[0], known):
                known[name] = dotted
    if place.function is not None:
        arguments = place.function.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            # A parameter hides what the file binds; an annotation may say what it is.
            known[argument.arg] = known.get(argument.arg) or _annotated(place.module, argument.annotation)
    return known


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a statement binds to the value of an expression."""
    pairs: list[tuple[ast.expr | None, ast.expr | None]] = []
    if isinstance(node, ast.Assign):
        pairs = [(target, node.value) for target in node.targets]
    elif isinstance(node, ast.AnnAssign):
        pairs = [(node.target, node.value)]
    elif isinstance(node, ast.withitem):
        pairs = [(node.optional_vars, node.context_expr)]
    for target, value in pairs:
        if isinstance(target, ast.Name) and value is not None:
            yield target.id, value


def _annotated(module: Module, annotation: ast.expr | None) -> str:
    dotted = module.dotted(annotation) if annotation is not None else ""
    if isinstance(annotation, ast.Subscript):
        dotted = module.dotted(annotation.value)
    return f"{dotted}()" if dotted in ("pathlib.Path", "builtins.set", "builtins.frozenset") else ""


def _matching(place: Place, node: ast.expr, dotted: str) -> Iterator[Fault]:
    # A generator is looked at where it is made: with a seed it does the same every time.
    if dotted and dotted not in HARMLESS and not dotted.startswith("random.Random()"):
        for rule in RULES:
            if _is_one_of(dotted, rule.calls):
                yield from _as(place, rule.name, node, dotted)
                return


def _is_one_of(dotted: str, calls: tuple[str, ...]) -> bool:
    return any(dotted.startswith(call[:-1]) if call.endswith(".*") else dotted == call for call in calls)


def _as(place: Place, name: str, node: ast.expr, what: str) -> Iterator[Fault]:
    rule = next(rule for rule in RULES if rule.name == name)
    severity = rule.in_process if place.where == "process" else rule.at_import
    if severity is not None:
        yield rule, severity, node, what
