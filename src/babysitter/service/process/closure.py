"""The sources of a process: every file of the workspace that it consists of, found without running any.

The closure: the entry's file, what it imports from inside the workspace, directly or not, at the top or
inside of functions, by statement or by a literal name; the ``__init__`` of each package on the way; the
scripts of its Node tasks and what they import by relative literals. Not in it: installed packages, data
files, programs of the workspace that tasks start, names of modules that are computed. A module of the
workspace that is not in the closure does not load (importing.py).

The digest is the SHA-256 of the canonical JSON of {path: SHA-256 of the file}; RUN_CREATED holds it. Each
file is read once: what is digested is what is reviewed, and is what runs.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import babysitter
from babysitter.model.errors import EntryError
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.service.process.facts import Facts, facts_of, node_imports

NOT_OURS = frozenset({".venv", "venv", "site-packages", "node_modules", "__pycache__", ".a5c", ".git"})
ASK = "babysitter:ask"
"""The ENTRY of the one process that comes with this product; no module of a workspace takes its place."""
ASK_MODULE = "babysitter.authoring.asking"
_NODE_ENDINGS = ("", ".js", ".mjs", ".cjs", ".json", "/index.js")
_PRODUCT = Path(babysitter.__file__).resolve().parent
_FILES_MAX = 5000
_FILE_BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What a process consists of, as bytes.

    entry: normalised, without the process's name: ``path/to/file.py`` or ``package.module``.
    name: of the process, where the ENTRY gives one.
    file: the entry's file. files: path relative to the workspace to content, the whole closure.
    folders: where a module that is imported absolutely is looked for, first one first.
    is_built_in: it is this product's own, whatever the workspace holds; then ``root`` is where that lies.
    """

    root: Path
    entry: str
    name: str
    file: str
    files: dict[str, bytes]
    folders: tuple[Path, ...]
    is_built_in: bool = False

    @property
    def named(self) -> str:
        """The ENTRY, with the process's name where one was given."""
        if not self.name:
            return self.entry
        return f"{self.entry}{'#' if is_path(self.entry) else ':'}{self.name}"

    @cached_property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file."""
        return {path: sha256_hex(content) for path, content in sorted(self.files.items())}

    @cached_property
    def digest(self) -> str:
        """The digest of all of it."""
        return closure_digest(self.digests)

    def facts(self) -> Iterator[tuple[str, Facts]]:
        """Yield what each Python file says."""
        for path in sorted(self.files):
            if path.endswith(".py"):
                yield path, facts_of(self.files[path], path)


def closure_digest(digests: dict[str, str]) -> str:
    """Return the digest of a closure from those of its files."""
    return sha256_hex(canonical_json(digests))


def read_sources(entry: str, root: Path) -> Sources:
    """Return the sources of the process that an ENTRY names. Nothing of them is run.

    Raises:
        EntryError: there is no such file or module in the workspace, or a file of it is not Python.
    """
    if entry == ASK:
        return _built_in()
    root = root.resolve()
    file, shown, name = _entry_file(entry, root)
    files: dict[str, bytes] = {}
    # A package is imported from the workspace's own folder, a file from the one that it lies in too.
    own = (file.parent,) if is_path(entry) else ()
    folders = tuple(dict.fromkeys((*own, root, *_on_the_path(root, tuple(sys.path)))))
    walk = _Walk(root, folders, files)
    walk.take(file)
    return Sources(root=root, entry=shown, name=name, file=relative(file, root), files=files, folders=folders)


@cache
def _built_in() -> Sources:
    """Return the sources of the product's own process, read once: its module is imported once, too."""
    file = _PRODUCT / "authoring" / "asking.py"
    shown = relative(file, _PRODUCT.parent)
    return Sources(
        root=_PRODUCT.parent,
        entry="babysitter",
        name="ask",
        file=shown,
        files={shown: _read(file, shown)},
        folders=(),
        is_built_in=True,
    )


def covered(sources: Sources) -> dict[str, str]:
    """Return the digest of each file as an entry of its own, where the closure has all of that.

    A child run's process is such a file: who trusts the whole trusts the part, and exactly that part.
    """
    found = {}
    for path, content in sorted(sources.files.items()):
        if path.endswith(".py") and b"process" in content:
            part = read_sources(path, sources.root)
            if part.files.items() <= sources.files.items():
                found[path] = part.digest
    return found


def is_path(entry: str) -> bool:
    """Tell whether an ENTRY names a file, and not a module."""
    return "#" in entry or entry.endswith(".py")


def relative(file: Path, root: Path) -> str:
    """Return a file's path relative to the workspace."""
    return file.relative_to(root.resolve()).as_posix()


def _entry_file(entry: str, root: Path) -> tuple[Path, str, str]:
    return _named_file(entry, root) if is_path(entry) else _named_module(entry, root)


def _named_file(entry: str, root: Path) -> tuple[Path, str, str]:
    path_text, _, name = entry.partition("#")
    file = root / path_text
    try:
        file = file.resolve()
        # First: who starts runs by a server must not learn by this which files there are elsewhere.
        is_inside = file.is_relative_to(root)
        is_there = is_inside and file.is_file()
    except (OSError, ValueError, RuntimeError):
        # Too long, a loop of links, or no name at all.
        is_inside, is_there = True, False
    if not is_inside:
        raise EntryError(
            f"{path_text} lies outside the workspace {root}.", hint="Run from the folder that holds it."
        )
    if not is_there:
        raise EntryError(
            f"there is no file {path_text} under {root}.", hint="Give ENTRY as path/to/file.py#name."
        )
    if file.suffix != ".py":
        raise EntryError(f"{path_text} is not a Python file.", hint="Give ENTRY as path/to/file.py#name.")
    return file, relative(file, root), name


def _named_module(entry: str, root: Path) -> tuple[Path, str, str]:
    module, _, name = entry.partition(":")
    walk = _Walk(root, (), {})
    parts = module.split(".")
    for folder in (root, *_on_the_path(root, tuple(sys.path))):
        for path in (folder.joinpath(*parts, "__init__.py"), folder.joinpath(*parts).with_suffix(".py")):
            if not all(part.isidentifier() for part in parts) or not path.is_file():
                continue
            if walk.is_ours(file := path.resolve()):
                return file, module, name
    raise EntryError(
        f"there is no module {module} in the workspace {root}.",
        hint="Name one of the workspace; for an installed package, write a file here that imports it.",
    )


@lru_cache(maxsize=256)
def _on_the_path(root: Path, path: tuple[str, ...]) -> tuple[Path, ...]:
    """Return the folders of the workspace that Python imports from, as after ``pip install -e``."""
    found = (Path(folder).resolve() for folder in path if folder)
    return tuple(
        folder
        for folder in found
        if folder.is_relative_to(root) and not NOT_OURS & set(folder.relative_to(root).parts)
    )


class _Step(NamedTuple):
    file: Path
    content: bytes


class _Walk:
    """One walk over the files of a closure, into ``files``."""

    def __init__(self, root: Path, folders: tuple[Path, ...], files: dict[str, bytes]) -> None:
        self._root = root
        self._folders = folders
        self._files = files
        self._names = _Listings()

    def is_ours(self, file: Path) -> bool:
        """Tell whether a file is the workspace's own: not an installed package's, not this very product's."""
        if not file.is_relative_to(self._root) or file.is_relative_to(_PRODUCT):
            return False
        return not NOT_OURS & set(file.relative_to(self._root).parts)

    def take(self, file: Path) -> None:
        """Read the file and all that it leads to."""
        todo = [file]
        while todo:
            current = todo.pop()
            if not self.is_ours(current):
                continue
            shown = relative(current, self._root)
            if shown in self._files:
                continue
            content = self._files[shown] = _read(current, shown)
            if len(self._files) > _FILES_MAX:
                raise EntryError(
                    f"{relative(file, self._root)} imports more than {_FILES_MAX} files of the workspace.",
                    hint="Import less, or open a smaller workspace.",
                )
            step = _Step(current, content)
            todo.extend(self._python(step, shown) if shown.endswith(".py") else self._node(step))

    def _python(self, step: _Step, shown: str) -> Iterator[Path]:
        file, content = step
        # Importing a module runs the packages that it lies in first.
        for folder in file.parents:
            if folder != self._root and folder.is_relative_to(self._root):
                yield from self._existing(folder, "__init__.py")
        facts = facts_of(content, shown)
        for module, level in facts.imports:
            if level:
                above = file.parents[level - 1 : level]
                yield from self._modules(module, above)
            else:
                yield from self._modules(module, dict.fromkeys((file.parent, *self._folders)))
        for script in facts.scripts:
            path = self._root / script
            if path.is_file():
                yield path.resolve()

    def _modules(self, module: str, folders: Iterable[Path]) -> Iterator[Path]:
        """Yield the files that importing a module from these folders reads."""
        for folder in folders:
            place = folder
            for part in module.split("."):
                yield from self._existing(place, f"{part}.py")
                if part not in self._names[place]:
                    break
                place /= part
                yield from self._existing(place, "__init__.py")

    def _existing(self, folder: Path, name: str) -> Iterator[Path]:
        # A pipe would be waited for, and a link that leads to itself leads nowhere.
        if name in self._names[folder] and (folder / name).is_file():
            yield (folder / name).resolve()

    def _node(self, step: _Step) -> Iterator[Path]:
        for name in node_imports(step.content):
            for ending in _NODE_ENDINGS:
                path = step.file.parent / PurePosixPath(f"{name}{ending}")
                if path.is_file():
                    yield path.resolve()
                    break


def _read(file: Path, shown: str) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise EntryError(f"{shown} can't be read: {error.strerror}.", hint="Check its permissions.") from None
    if len(content) > _FILE_BYTES_MAX:
        raise EntryError(f"{shown} has more than {_FILE_BYTES_MAX} bytes.", hint="No source is that large.")
    return content


class _Listings(dict[Path, frozenset[str]]):
    """The names in folders, each read once: most imports are of modules that are not in the workspace."""

    def __missing__(self, folder: Path) -> frozenset[str]:
        try:
            names = frozenset(entry.name for entry in folder.iterdir())
        except OSError:
            names = frozenset()
        self[folder] = names
        return names
