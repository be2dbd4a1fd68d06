"""Processes and tasks as pages, found in the text of a workspace's Python files. Nothing of them is run.

What a decorator is called says what a function is: ``@process``, ``@task``, ``@shell_task``, ``@node_task``.
One under another name is found when a run names it.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from babysitter.model.errors import EntryError
from babysitter.service.atlas.graph import Graph, Node
from babysitter.service.atlas.ids import page_id, process_page_id
from babysitter.service.process.closure import read_sources
from babysitter.service.process.facts import parsed

PROCESSES_MAX = 200
"""So many processes tell of which files they consist; of others the page says that nobody looked."""
_DECORATED = re.compile(rb"^@[\w.]*(?:process|task)\b", re.MULTILINE)
_TASKS = frozenset({"task", "shell_task", "node_task"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """A function that is a process or a task. decorator: which; id: the one it was given, or its name."""

    decorator: str
    name: str
    id: str
    file: str
    line: int
    about: str

    @property
    def entry(self) -> str:
        """The ENTRY of a process."""
        return f"{self.file}#{self.name}"


@dataclass(slots=True)
class Code:
    """All that was found: processes, and tasks by file."""

    processes: list[Defined] = field(default_factory=list)
    tasks: dict[str, list[Defined]] = field(default_factory=lambda: defaultdict(list))

    def by_file(self) -> dict[str, tuple[str, ...]]:
        """Return the ids of the processes of each file that has any."""
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.processes:
            found[each.file].append(process_page_id(each.entry))
        return {file: tuple(ids) for file, ids in found.items()}


def read_code(files: Iterable[tuple[str, bytes]]) -> Code:
    """Return what the files define. A file that is not Python defines nothing."""
    code = Code()
    for path, content in files:
        if _DECORATED.search(content) is None:
            # Parsing every file of a workspace would take seconds, and few define anything.
            continue
        try:
            found = list(_defined(parsed(content), path))
        except (SyntaxError, ValueError, RecursionError):
            continue
        code.processes += [each for each in found if each.decorator == "process"]
        if tasks := [each for each in found if each.decorator != "process"]:
            code.tasks[path] += tasks
    return code


def code_graph(code: Code, root: Path) -> Graph:
    """Return processes and tasks as pages, with an edge from each process to the tasks of its files."""
    graph = Graph()
    places: dict[str, list[Defined]] = defaultdict(list)
    for each in (task for tasks in code.tasks.values() for task in tasks):
        places[each.id].append(each)
    for task_id, definitions in places.items():
        graph.add(_task_node(task_id, definitions))
    for number, process in enumerate(code.processes):
        node_id = process_page_id(process.entry)
        facts: dict[str, Any] = {"notLookedInto": True}
        if number < PROCESSES_MAX:
            facts = _consists_of(process, root)
        graph.add(_process_node(node_id, process, facts))
        for file in facts.get("files", {}):
            for task in code.tasks.get(file, ()):
                graph.join(node_id, "has_task", page_id("task", task.id))
    return graph


def _consists_of(process: Defined, root: Path) -> dict[str, Any]:
    """Return the process's digest and files, or why they can't be told."""
    try:
        sources = read_sources(process.entry, root)
    except EntryError as error:
        return {"unreadable": error.message}
    return {"digest": sources.digest, "files": sources.digests}


def _process_node(node_id: str, process: Defined, facts: dict[str, Any]) -> Node:
    return Node(
        id=node_id,
        kind="Process",
        file=process.file,
        cluster="processes",
        attributes={
            "nodeKind": "Process",
            "title": process.name,
            "displayName": process.name,
            "processId": process.id,
            "entry": process.entry,
            "line": process.line,
            "about": process.about,
            **facts,
        },
    )


def _task_node(task_id: str, definitions: list[Defined]) -> Node:
    return Node(
        id=page_id("task", task_id),
        kind="Task",
        file=definitions[0].file,
        cluster="processes",
        attributes={
            "nodeKind": "Task",
            "title": task_id,
            "displayName": task_id,
            "taskId": task_id,
            "definitions": [
                {"file": each.file, "line": each.line, "decorator": each.decorator, "about": each.about}
                for each in definitions
            ],
        },
    )


def _defined(tree: ast.Module, path: str) -> Iterator[Defined]:
    # Only what stands at the top of a file can be named by an ENTRY, or found by another process.
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            name = _called(decorator)
            if name == "process" or name in _TASKS:
                yield Defined(
                    decorator=name,
                    name=node.name,
                    id=_given_id(decorator) or node.name,
                    file=path,
                    line=node.lineno,
                    about=ast.get_docstring(node) or "",
                )
                break


def _called(decorator: ast.expr) -> str:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")


def _given_id(decorator: ast.expr) -> str:
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == "id" and isinstance(keyword.value, ast.Constant):
            return keyword.value.value if isinstance(keyword.value.value, str) else ""
    return ""
