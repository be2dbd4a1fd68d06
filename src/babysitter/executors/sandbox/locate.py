"""Find a program before its sandbox is made, so that "not installed" and "not visible" are told apart."""

import os

from babysitter.executors.sandbox.access import Access
from babysitter.model.errors import MissingToolError, SandboxError
from babysitter.model.runner import Program


def locate(program: Program, path: str, access: Access, visible: tuple[str, ...]) -> str:
    """Return what to start for ``program.argv[0]``: its path when PATH was searched, itself otherwise.

    Args:
        program: with its argv and cwd.
        path: the PATH it gets.
        access: what the task may touch.
        visible: further directories that are there.

    Raises:
        MissingToolError: it is nowhere on this machine.
        SandboxError: it is here, but the sandbox does not show it.
    """
    name = program.argv[0]
    folder = os.path.normpath(os.path.join(access.workspace, program.cwd))
    candidates = (
        [os.path.join(folder, name)] if "/" in name else [os.path.join(p, name) for p in path.split(":")]
    )
    unseen = ""
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            if _shown(candidate, access, visible):
                return name if "/" in name else candidate
            unseen = unseen or candidate
    if unseen:
        raise SandboxError(
            f"{unseen} is on this machine, but the sandbox does not show it.",
            hint=f'Grant it: Sandbox(read=("{os.path.dirname(os.path.realpath(unseen))}",)).',
        )
    raise MissingToolError(
        f"the program {name} is not on this machine.",
        hint=f"Install it, or give its path. Looked in {path if '/' not in name else folder}.",
        tool=name,
    )


def _shown(candidate: str, access: Access, visible: tuple[str, ...]) -> bool:
    places = (access.workspace, *visible)
    for path in (os.path.normpath(candidate), os.path.realpath(candidate)):
        if any(_inside(path, folder) for folder in access.hidden) or not any(
            _inside(path, p) for p in places
        ):
            return False
    return True


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
