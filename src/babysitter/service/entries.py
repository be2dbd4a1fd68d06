"""From an ENTRY to a process: its file, its import closure inside the workspace, and their digest.

The closure is found by reading the code, not by running it: every module that
the entry imports, directly or not, from inside the workspace. The digest is the
SHA-256 of the canonical JSON of {path: SHA-256 of the file}; RUN_CREATED holds it.
"""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from babysitter.authoring.process import Process
from babysitter.authoring.task_options import SOURCE_NAME
from babysitter.model.errors import BabysitterError, EntryError, SecretError
from babysitter.model.secret import Secret
from babysitter.model.values import canonical_json, sha256_hex

_STAMP = "__source_sha256__"
_NOT_OURS = frozenset({".venv", "venv", "site-packages", "node_modules", "__pycache__", ".a5c"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProcess:
    """A process ready to run.

    entry: normalised, relative to the workspace: ``path/to/file.py#name`` or ``package.module:name``.
    closure: path relative to the workspace to SHA-256, of each file of the closure.
    secrets: the references that the closure names as literals.
    authors: who counts as an author of every run: the owners of the process and of its secrets.
    shows_changes: whether a call somewhere in the closure has ``diff=``, so that the beginning is kept.
    """

    process: Process[Any, Any]
    entry: str
    closure: dict[str, str]
    digest: str
    secrets: tuple[str, ...]
    authors: tuple[str, ...] = ()
    shows_changes: bool = False


def load_process(entry: str, root: Path) -> LoadedProcess:
    """Load the process of an ENTRY.

    Raises:
        EntryError: no such file or name, more than one process and none named, or the file does not load.
    """
    file, module, name = load_module(entry, root)
    process = _pick(module, name, entry)
    closure = import_closure(file, root)
    digests = {path: sha256_hex((root / path).read_bytes()) for path in sorted(closure)}
    shown = (
        f"{_shown(file, root)}#{process.name}"
        if _is_path(entry)
        else f"{entry.partition(':')[0]}:{process.name}"
    )
    _stamp(digests, root)
    facts = [_facts_of(root / path) for path in sorted(closure)]
    owners = {process.owner, *(owner for each in facts for owner in each.owners)}
    return LoadedProcess(
        process=process,
        entry=shown,
        closure=digests,
        digest=sha256_hex(canonical_json(digests)),
        secrets=tuple(sorted({ref for each in facts for ref in each.secrets})),
        authors=tuple(sorted(owner for owner in owners if owner)),
        shows_changes=any(each.shows_changes for each in facts),
    )


def loaded_child(process: Process[Any, Any], root: Path) -> LoadedProcess:
    """Return a process that is loaded already, as a child run needs it.

    Raises:
        EntryError: its file lies outside the workspace, so a later driver could not load it.
    """
    file = Path(process.source_file).resolve()
    if not file.is_relative_to(root.resolve()):
        raise EntryError(
            f"the process {process.name} is defined in {file}, outside the workspace {root}.",
            hint="Start it from a file of the workspace.",
        )
    return load_process(f"{_shown(file, root)}#{process.name}", root)


def _is_path(entry: str) -> bool:
    return "#" in entry or entry.endswith(".py")


def _stamp(digests: dict[str, str], root: Path) -> None:
    """Note on each loaded module of the closure which bytes it was loaded from."""
    below = root.resolve().as_posix() + "/"
    for module in list(sys.modules.values()):
        facts = getattr(module, "__dict__", {})
        file = facts.get("__file__") or ""
        if _STAMP not in facts and file.startswith(below) and file.removeprefix(below) in digests:
            facts[_STAMP] = digests[file.removeprefix(below)]


def _forget_changed(root: Path) -> None:
    """Forget a workspace's modules when one of them has changed, and those of other workspaces.

    Otherwise a driver that lives long would run old code under the digest of the new, or a neighbour's.
    """
    stamped = {
        name: module
        for name, module in list(sys.modules.items())
        if _STAMP in getattr(module, "__dict__", {})
    }
    here = {name for name, module in stamped.items() if _is_unchanged(module, root)}
    ours = {
        name for name, module in stamped.items() if Path(str(module.__file__)).is_relative_to(root.resolve())
    }
    for name in stamped.keys() - (here if here == ours else set()):
        if name in ours or not name.startswith("_process_"):
            del sys.modules[name]


def _is_unchanged(module: ModuleType, root: Path) -> bool:
    file = Path(str(module.__file__))
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        return False
    return bool(module.__dict__[_STAMP] == sha256_hex(file.read_bytes()))


def load_module(entry: str, root: Path) -> tuple[Path, ModuleType, str]:
    """Load what an ENTRY names; return its file, its module, and the name after the mark, if any.

    Raises:
        EntryError: there is no such file or module, or it does not load.
    """
    _forget_changed(root)
    importlib.invalidate_caches()
    path_text, _, name = entry.partition("#")
    if _is_path(entry):
        file = (root / path_text).resolve()
        if not file.is_file():
            raise EntryError(
                f"there is no file {path_text} under {root}.", hint="Give ENTRY as path/to/file.py#name."
            )
        if not file.is_relative_to(root.resolve()):
            raise EntryError(
                f"{path_text} lies outside the workspace {root}.", hint="Run from the folder that holds it."
            )
        return file, _import_file(file, root, entry), name
    module_name, _, name = entry.partition(":")
    with _paths_first(root, root):
        try:
            module = importlib.import_module(module_name)
        except (Exception, SystemExit) as error:
            raise _load_failure(entry, error) from error
    if not module.__file__:
        raise EntryError(f"{module_name} is not a file.", hint="Name the module that defines the process.")
    return Path(module.__file__).resolve(), module, name


def _import_file(file: Path, root: Path, entry: str) -> ModuleType:
    module_name = f"_process_{sha256_hex(str(file).encode())[:12]}"
    known = sys.modules.get(module_name)
    if known is not None and known.__dict__.get(_STAMP) == sha256_hex(file.read_bytes()):
        return known
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise EntryError(f"{entry} is not a Python file.", hint="Give ENTRY as path/to/file.py#name.")
    module = importlib.util.module_from_spec(spec)
    module.__dict__[_STAMP] = sha256_hex(file.read_bytes())
    # Where a task of this file is found again, in whatever process performs it.
    module.__dict__[SOURCE_NAME] = _shown(file, root)
    sys.modules[module_name] = module
    with _paths_first(file.parent, root):
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[module_name]
            raise _load_failure(entry, error) from error
    return module


class _paths_first:  # noqa: N801 (used as a statement)
    """Have folders first on the import path inside the block."""

    def __init__(self, *folders: Path) -> None:
        self._folders = [str(folder) for folder in folders]

    def __enter__(self) -> None:
        sys.path[:0] = self._folders

    def __exit__(self, *_: object) -> None:
        for folder in self._folders:
            sys.path.remove(folder)


def _load_failure(entry: str, error: Exception | SystemExit) -> EntryError:
    if isinstance(error, BabysitterError):
        return EntryError(f"{entry} does not load: {error.message}", hint=error.hint)
    line = ""
    trace = error.__traceback__
    while trace is not None:
        line = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        line = f"{error.filename}:{error.lineno}"
    return EntryError(
        f"{entry} does not load: {type(error).__name__}: {error}, at {line}.", hint="Mend the file."
    )


def _pick(module: ModuleType, name: str, entry: str) -> Process[Any, Any]:
    found = {key: value for key, value in vars(module).items() if isinstance(value, Process)}
    own = {key: value for key, value in found.items() if value.function.__module__ == module.__name__}
    if name:
        if name not in found:
            known = ", ".join(sorted(own)) or "none"
            raise EntryError(f"{entry} names no process; found: {known}.", hint="Decorate it with @process.")
        return found[name]
    if len(own) != 1:
        known = ", ".join(sorted(own)) or "none"
        raise EntryError(
            f"{entry} has {len(own)} processes ({known}).", hint="Say which: path/to/file.py#name."
        )
    return next(iter(own.values()))


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root.resolve()).as_posix()


def import_closure(file: Path, root: Path) -> set[str]:
    """Return the workspace's files that a file consists of: itself and all it imports."""
    root = root.resolve()
    seen: set[str] = set()
    names = _Listings()
    todo = [file]
    while todo:
        current = todo.pop()
        if not current.is_relative_to(root):
            continue
        shown = _shown(current, root)
        if shown in seen or _NOT_OURS & set(Path(shown).parts):
            continue
        seen.add(shown)
        # Importing a module runs the packages that it lies in first.
        packages = (folder for folder in current.parents if folder != root and folder.is_relative_to(root))
        todo.extend(folder / "__init__.py" for folder in packages if "__init__.py" in names[folder])
        for module, level in _facts_of(current).imports:
            folders = [current.parents[level - 1]] if level else [file.parent, root]
            todo.extend(_files_of(module, folders, names))
    return seen


class _Facts(NamedTuple):
    """What a file's text says: modules it imports with their level, references it names, their owners."""

    imports: tuple[tuple[str, int], ...]
    secrets: tuple[str, ...]
    owners: tuple[str, ...]
    shows_changes: bool


@lru_cache(maxsize=1024)
def _facts(source: bytes) -> _Facts:
    # By content: a driver of many runs of one process parses its files once, and a changed file anew.
    tree = ast.parse(source)
    found = tuple(_secrets(tree))
    return _Facts(
        imports=tuple(_imports(tree)),
        secrets=tuple(ref for ref, _ in found),
        owners=tuple(owner for _, owner in found if owner),
        shows_changes=any(isinstance(node, ast.keyword) and node.arg == "diff" for node in ast.walk(tree)),
    )


def _facts_of(file: Path) -> _Facts:
    try:
        return _facts(file.read_bytes())
    except SyntaxError as error:
        raise EntryError(
            f"{file}:{error.lineno} is not Python: {error.msg}.", hint="Mend that line."
        ) from None


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module, node.level
            # ``from package import module``: the name may be a module of its own.
            yield from ((f"{module}.{alias.name}".strip("."), node.level) for alias in node.names)


class _Listings(dict[Path, frozenset[str]]):
    """The names in folders, each read once: most imports are of modules that are not in the workspace."""

    def __missing__(self, folder: Path) -> frozenset[str]:
        try:
            names = frozenset(entry.name for entry in folder.iterdir())
        except OSError:
            names = frozenset()
        self[folder] = names
        return names


def _files_of(module: str, folders: Iterable[Path], names: _Listings) -> Iterator[Path]:
    """Yield the files that importing a module from these folders reads."""
    for folder in folders:
        place = folder
        for part in module.split("."):
            if f"{part}.py" in names[place]:
                yield (place / f"{part}.py").resolve()
            if part not in names[place]:
                break
            place /= part
            if "__init__.py" in names[place]:
                yield (place / "__init__.py").resolve()


def _secrets(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """Yield each reference that the code names as a literal, with its ``owner=``."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("secret", "Secret") and isinstance(node.args[0].value, str):
            with suppress(SecretError):
                # Another function of that name may be called with what is no reference.
                yield Secret(node.args[0].value).ref, _owner(node)


def _owner(call: ast.Call) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == "owner" and isinstance(keyword.value, ast.Constant):
            return keyword.value.value if isinstance(keyword.value.value, str) else None
    return None
