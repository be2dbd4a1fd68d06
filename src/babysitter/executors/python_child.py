"""The process of one Python task, inside the sandbox: read the call, perform it, write the result.

Descriptor 3 holds ``{"workspace", "source", "qualname", "code", "input"}``, where ``code`` is the process's
own
files as they were trusted: they are what is imported, not what stands on disk by now. Descriptor 4 gets
``{"ok": result}`` or ``{"error": {"name", "message", "data"}}``. A traceback goes to
stderr, which is masked on its way to the log.

Nothing of ours but ``model`` and the author's own imports is loaded: starting is most of
what a small task costs.
"""

import base64
import importlib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

INPUT_FD, RESULT_FD = 3, 4
SOURCE_NAME = "__babysitter_source__"
"""Where a module says which file of the workspace it is; ``tasks.py`` reads it."""


def main() -> None:
    """Perform the call of descriptor 3; exit with 0, or with 1 after an error, which is written too."""
    with os.fdopen(INPUT_FD, "rb") as file:
        call = json.load(file)
    # Neither is for programs that the function starts.
    os.set_inheritable(RESULT_FD, False)  # noqa: FBT003 (the one argument there is)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    reviewed = Reviewed(Path(call["workspace"]), call.get("code", {}))
    try:
        told = _encoded({"ok": load(call["source"], call["qualname"], reviewed).perform(call["input"])})
        status = 0
    except BaseException as error:  # noqa: BLE001 (author code may raise anything, SystemExit too; all of it is the outcome)
        told = _encoded({"error": describe(error)})
        traceback.print_exception(without_our_frames(error))
        status = 1
    _write(told)
    sys.exit(status)


def _encoded(told: dict[str, Any]) -> bytes:
    return json.dumps(told, allow_nan=False, separators=(",", ":"), ensure_ascii=True).encode()


def _write(content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(RESULT_FD, rest) :]


class _CodeLoader(SourceFileLoader):
    """Loads a module from the bytes that it is given; no bytecode is read or written."""

    def __init__(self, name: str, file: str, code: str) -> None:
        super().__init__(name, file)
        self._code = base64.b64decode(code)

    def get_data(self, path: str) -> bytes:
        """Return the module's bytes, or those of another file."""
        return self._code if path == self.path else super().get_data(path)

    def path_stats(self, path: str) -> dict[str, float]:
        """Raise OSError: nothing on disk says how old these bytes are, so no bytecode is of them."""
        raise OSError(path)


class Reviewed:
    """The process's own files, by their paths relative to the workspace; a finder of their modules."""

    def __init__(self, workspace: Path, code: dict[str, str]) -> None:
        self.workspace = workspace
        self._code = code
        self._folders = [str(workspace)]

    def look_in(self, folder: Path) -> None:
        """Import from this folder first, then the workspace's own: the process's files, else from disk."""
        self._folders = list(dict.fromkeys((str(folder), str(self.workspace))))
        sys.path[:0] = self._folders
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Sequence[str] | None, _target: object = None) -> ModuleSpec | None:
        """See importlib.abc.MetaPathFinder."""
        part = name.rpartition(".")[2]
        for folder in self._folders if path is None else path:
            for file in (Path(folder, part, "__init__.py"), Path(folder, f"{part}.py")):
                spec = self.spec_of(name, file)
                if spec is not None:
                    return spec
        return None

    def spec_of(self, name: str, file: Path) -> ModuleSpec | None:
        """Return the spec of one of the process's own files; None for any other."""
        code = self._code.get(file.relative_to(self.workspace).as_posix()) if self._is_inside(file) else None
        if code is None:
            return None
        folders = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name,
            file,
            loader=_CodeLoader(name, str(file), code),
            submodule_search_locations=folders,
        )

    def _is_inside(self, file: Path) -> bool:
        return file.is_relative_to(self.workspace)


def load(source: str, qualname: str, reviewed: Reviewed) -> Any:  # noqa: ANN401 (a tasks.Task, which is not imported for its type)
    """Return the task that stands at ``qualname`` in a file of the workspace or in a module.

    Raises:
        ImportError: there is none.
    """
    if source.endswith(".py"):
        module = _from_file(reviewed.workspace / source, source, reviewed)
    else:
        reviewed.look_in(reviewed.workspace)
        module = importlib.import_module(source)
    found: Any = module
    for name in qualname.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise ImportError(
                f"{source} has no task {qualname}; define it at the module's top level."
            ) from None
    return found


def _from_file(file: Path, source: str, reviewed: Reviewed) -> ModuleType:
    reviewed.look_in(file.parent)
    name = file.stem
    if name in sys.modules or name in sys.stdlib_module_names or not name.isidentifier():
        name = f"_task_source_{name}"
    spec = reviewed.spec_of(name, file) or importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    module.__dict__[SOURCE_NAME] = source
    # Before it runs: dataclasses and annotations look their module up while it is being made.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def describe(error: BaseException) -> dict[str, Any]:
    """Return an exception as the journal has it: class name, text, and its ``data`` when that is JSON."""
    data = getattr(error, "data", None)
    try:
        json.dumps(data, allow_nan=False)
    except (TypeError, ValueError):
        data = None
    return {"name": type(error).__name__, "message": _text(error), "data": data}


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 (an author's __str__ may raise anything)
        text = f"(its text cannot be had: {type(broken).__name__})"
    return text.encode(errors="replace").decode()


def without_our_frames(error: BaseException) -> BaseException:
    """Return the error with a traceback that begins in the author's code, when it got that far."""
    ours = str(Path(__file__).parent.parent)
    frames = error.__traceback__
    while frames is not None and (
        frames.tb_frame.f_code.co_filename.startswith((ours, "<frozen ", "<string>"))
    ):
        frames = frames.tb_next
    return error.with_traceback(frames or error.__traceback__)
