"""The process of one Python task, inside the sandbox: read the call, perform it, write the result.

Descriptor 3 holds ``{"workspace", "source", "qualname", "input"}``; descriptor 4 gets
``{"ok": result}`` or ``{"error": {"name", "message", "data"}}``. A traceback goes to
stderr, which is masked on its way to the log.

Nothing of ours but ``model`` and the author's own imports is loaded: starting is most of
what a small task costs.
"""

import importlib
import importlib.util
import json
import os
import sys
import traceback
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
    try:
        told = _encoded(
            {"ok": load(call["source"], call["qualname"], Path(call["workspace"])).perform(call["input"])}
        )
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


def load(source: str, qualname: str, workspace: Path) -> Any:  # noqa: ANN401 (a tasks.Task, which is not imported for its type)
    """Return the task that stands at ``qualname`` in a file of the workspace or in a module.

    Raises:
        ImportError: there is none.
    """
    module = (
        _from_file(workspace / source, source, workspace)
        if source.endswith(".py")
        else _from_path(source, workspace)
    )
    found: Any = module
    for name in qualname.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise ImportError(
                f"{source} has no task {qualname}; define it at the module's top level."
            ) from None
    return found


def _from_path(source: str, workspace: Path) -> ModuleType:
    sys.path.insert(0, str(workspace))
    return importlib.import_module(source)


def _from_file(file: Path, source: str, workspace: Path) -> ModuleType:
    sys.path[:0] = dict.fromkeys((str(file.parent), str(workspace)))
    name = file.stem
    if name in sys.modules or name in sys.stdlib_module_names or not name.isidentifier():
        name = f"_task_source_{name}"
    spec = importlib.util.spec_from_file_location(name, file)
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
