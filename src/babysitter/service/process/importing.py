"""Importing exactly the bytes that were digested: a finder that serves a closure's modules from memory.

Invariants, each with a test in tests/unit/service/process/test_importing.py:
    - a module of the workspace is made of the bytes of a closure, never of what stands on disk by then, and
      never of a ``.pyc``;
    - process code that asks for a module of the workspace that is in no closure (by a computed name, from a
      folder that it put on the path, through a library, as a compiled extension) gets an ImportError, not
      that module.

The workspace is not put on ``sys.path``. Code that is not of a closure imports as ever.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import NoReturn

import babysitter
from babysitter.authoring.task_options import SOURCE_NAME
from babysitter.model.errors import EntryError
from babysitter.model.values import sha256_hex
from babysitter.service.process.closure import Sources

_STAMP = "__source_sha256__"
_CLOSURES_MAX = 256
Spec = importlib.machinery.ModuleSpec


def load_entry(sources: Sources) -> ModuleType:
    """Return the module of the entry's file, made of the sources' bytes; a loaded one when it is the same.

    Raises:
        Exception: whatever the author's code raises while it is loaded.
    """
    finder = _installed()
    # One at a time: another thread must not be given a module that is still being made.
    with finder.loading:
        return _load(finder, sources)


def _load(finder: "ClosureFinder", sources: Sources) -> ModuleType:
    if not finder.has_just_loaded(sources):
        finder.know(sources)
        _forget_others(sources)
        importlib.invalidate_caches()
    if not sources.entry.endswith(".py"):
        return importlib.import_module(sources.entry)
    file = sources.root / sources.file
    name = f"_process_{sha256_hex(str(file).encode())[:12]}"
    known = sys.modules.get(name)
    if known is not None and known.__dict__.get(_STAMP) == sources.digests[sources.file]:
        return known
    spec = _spec_of(name, file, sources.files[sources.file])
    module = importlib.util.module_from_spec(spec)
    # Where a task of this file is found again, in whatever process performs it.
    module.__dict__[SOURCE_NAME] = sources.file
    sys.modules[name] = module
    assert spec.loader is not None, "made with one"
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Loader(importlib.abc.SourceLoader):
    """Loads one module from bytes. Other files, as ``pkgutil.get_data`` wants them, are read from disk."""

    def __init__(self, file: str, content: bytes) -> None:
        self._file = file
        self._content = content

    def get_filename(self, fullname: str) -> str:
        """Return where the module's file is."""
        del fullname
        return self._file

    def get_data(self, path: str | bytes) -> bytes:
        """Return the module's own bytes, or those of another file."""
        return self._content if path == self._file else Path(str(path)).read_bytes()

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's body, after noting which bytes it is made of."""
        module.__dict__[_STAMP] = sha256_hex(self._content)
        super().exec_module(module)


class ClosureFinder(importlib.abc.MetaPathFinder):
    """Finds modules of the closures that it knows; asks the other finders for all else."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, str], Sources] = {}
        self._lock = threading.Lock()
        self.loading = threading.RLock()

    def know(self, sources: Sources) -> None:
        """Have this closure asked first from now on; it takes the place of the entry's closure before."""
        with self._lock:
            fresh = dict(self._known)
            fresh.pop((sources.root, sources.entry), None)
            while len(fresh) >= _CLOSURES_MAX:
                del fresh[next(iter(fresh))]
            fresh[sources.root, sources.entry] = sources
            self._known = fresh

    def has_just_loaded(self, sources: Sources) -> bool:
        """Tell whether the closure that was taken last is this one: then nothing is to be forgotten."""
        known = self._known
        last = known[next(reversed(known))] if known else None
        return (
            last is not None
            and (last.root, last.entry, last.folders) == (sources.root, sources.entry, sources.folders)
            and last.files == sources.files
        )

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> Spec | None:
        """See importlib.abc.MetaPathFinder."""
        frame = sys._getframe(1)  # noqa: SLF001 (the one way to know who imports)
        asks = _asks_for_a_process(frame)
        if asks and (path is not None or fullname not in sys.builtin_module_names):
            spec = self._reviewed(fullname, path)
            if spec is not None:
                return spec
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            found: Spec | None = None
            if find is not None and finder is not self:
                found = find(fullname, path, target)
            if found is not None:
                unread = self._is_unread(found) and (asks or _is_below_a_process(frame))
                return self._reviewed(fullname, path) or _refuse(fullname, found) if unread else found
        return None

    def _reviewed(self, fullname: str, path: Sequence[str] | None) -> Spec | None:
        """Return the spec of a module of the closure that was taken last and has one."""
        specs = (find_in(sources, fullname, path) for sources in reversed(list(self._known.values())))
        return next((spec for spec in specs if spec is not None), None)

    def _is_unread(self, spec: Spec) -> bool:
        """Tell whether it is a file of a workspace as it stands on disk, and of nothing that is installed."""
        if not spec.origin or not spec.has_location:
            return False
        file = Path(spec.origin).resolve()
        installed = (Path(sys.prefix), Path(sys.base_prefix), Path(babysitter.__file__).resolve().parent)
        if any(file.is_relative_to(folder.resolve()) for folder in installed):
            return False
        return any(file.is_relative_to(sources.root) for sources in self._known.values())


def _refuse(fullname: str, spec: Spec) -> NoReturn:
    raise ImportError(
        f"{fullname} is {Path(str(spec.origin)).name} of the workspace, which the process does not name in "
        "an import, so nobody has reviewed it; import it by its name.",
        name=fullname,
    )


def find_in(sources: Sources, fullname: str, path: Sequence[str] | None) -> Spec | None:
    """Return the spec of a module of a closure; None when the closure has none of that name."""
    part = fullname.rpartition(".")[2]
    folders = sources.folders if path is None else [Path(folder) for folder in path]
    portions = []
    for folder in folders:
        if not folder.is_relative_to(sources.root):
            continue
        inner = (folder / part).relative_to(sources.root).as_posix()
        for file in (f"{inner}/__init__.py", f"{inner}.py"):
            if file in sources.files:
                return _spec_of(fullname, sources.root / file, sources.files[file])
        if any(file.startswith(f"{inner}/") for file in sources.files):
            portions.append(str(folder / part))
    if not portions:
        return None
    # A folder without an __init__ is a namespace package, whose modules are of the closure or are not there.
    spec = Spec(fullname, None, is_package=True, loader_state=sources)
    spec.submodule_search_locations = portions
    return spec


def _spec_of(name: str, file: Path, content: bytes) -> Spec:
    is_package = file.name == "__init__.py" and not name.startswith("_process_")
    spec = importlib.util.spec_from_file_location(
        name,
        file,
        loader=_Loader(str(file), content),
        submodule_search_locations=[str(file.parent)] if is_package else None,
    )
    if spec is None:
        raise EntryError(f"{file.name} is not a Python file.", hint="Give ENTRY as path/to/file.py#name.")
    # No bytecode is read or written: it could be of other sources of the same time and size.
    spec.cached = None
    return spec


@cache
def _installed() -> ClosureFinder:
    finder = ClosureFinder()
    sys.meta_path.insert(0, finder)
    return finder


def _asks_for_a_process(frame: FrameType | None) -> bool:
    """Tell whether the import is asked for by a module of a closure, or by ``load_entry``."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(("importlib", "_frozen_importlib")):
            return _STAMP in frame.f_globals or frame.f_globals is globals()
        frame = frame.f_back
    return False


def _is_below_a_process(frame: FrameType | None) -> bool:
    """Tell whether code of a closure is what waits for the import: it may have a library ask for it."""
    while frame is not None:
        if _STAMP in frame.f_globals:
            return True
        frame = frame.f_back
    return False


def _forget_others(sources: Sources) -> None:
    """Forget the modules of other workspaces, and all of this one when it has one of them otherwise by now.

    Otherwise a driver that lives long would run old code under the digest of the new, or a neighbour's.
    """
    stale, ours = [], []
    for name, module in list(sys.modules.items()):
        folder = _folder_of(module)
        if folder is None:
            continue
        if folder.is_relative_to(sources.root):
            ours.append(name)
            if _is_otherwise(sources, name, module):
                stale += ours
        elif not name.startswith("_process_"):
            stale.append(name)
    if set(stale) & set(ours):
        # What imported the one that changed holds it, and is made anew as well.
        stale += ours
    for name in dict.fromkeys(stale):
        del sys.modules[name]


def _folder_of(module: ModuleType) -> Path | None:
    """Return the folder of a module that a closure gave; None for any other module."""
    facts = getattr(module, "__dict__", {})
    if _STAMP in facts:
        return Path(str(module.__file__)).parent
    spec = facts.get("__spec__")
    is_namespace = isinstance(getattr(spec, "loader_state", None), Sources)
    return Path(next(iter(module.__path__))) if is_namespace else None


def _is_otherwise(sources: Sources, name: str, module: ModuleType) -> bool:
    """Tell whether this closure has a module of that name that is not this one."""
    if name.startswith("_process_"):
        # ``load_entry`` compares it itself; what it imported stands here under its own name.
        return False
    file = str(getattr(module, "__file__", None) or "")
    inner = Path(file).relative_to(sources.root).as_posix() if file else ""
    if inner in sources.files:
        return bool(module.__dict__[_STAMP] != sha256_hex(sources.files[inner]))
    spec = find_in(sources, name.partition(".")[0], None)
    if spec is None or not file:
        return spec is not None and spec.submodule_search_locations != list(module.__path__)
    return True
