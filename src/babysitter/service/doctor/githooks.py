"""Hooks: ours in git, and those of others that would run (G06, G07)."""

import os
from pathlib import Path

from babysitter.config import RUN_DATA
from babysitter.service.doctor.check import (
    Check,
    Result,
    could_not_check,
    not_applicable,
    note,
    ok,
    problem,
    some,
)
from babysitter.service.doctor.surroundings import Surroundings
from babysitter.service.doctor.version_control import NO_REPOSITORY
from babysitter.service.git.hooks import Hooks, is_ours

_RUNS_A_PROGRAM = (
    "core.fsmonitor",
    "core.sshcommand",
    "core.editor",
    "core.pager",
    "diff.external",
    "sequence.editor",
)


def our_hooks_are_there(here: Surroundings) -> Result:
    """Look whether git asks us before a commit and before a push."""
    if here.work_tree is None:
        return NO_REPOSITORY
    missing = _hooks(here).missing()
    if not missing:
        return ok("git asks before each commit and each push")
    return problem(
        f"no {' and no '.join(missing)} hook looks for run data and credentials",
        fix="Put them there; a hook that is there already is kept and called too.",
        command="babysitter git install-hooks",
    )


def other_hooks_are_known(here: Surroundings) -> Result:
    """Name what git runs in this repository that is not ours."""
    if here.work_tree is None:
        return NO_REPOSITORY
    folder = _hooks(here).where()
    found = [str(path) for path in _started(folder)]
    named = here.git.call("config", "--local", "--name-only", "--list", "-z", safe=False)
    keys = named.stdout.decode(errors="replace").lower().split("\0") if named.status == 0 else []
    programs = [key for key in keys if key in _RUNS_A_PROGRAM or _is_filter(key)]
    if found and _comes_with_a_clone(folder, here.work_tree):
        return problem(
            f"core.hooksPath leads into the work tree: {some(found)} runs at your next commit",
            fix="Review changes of that folder as you review code that you run.",
            command="git config --show-origin --get core.hooksPath",
            places=tuple(found),
        )
    if found or programs:
        return note(
            f"git runs here what is not ours: {some([*found, *programs], 5)}",
            fix="Look at them when a repository came as a folder, not by git clone: a clone brings none.",
            command="git config --local --list --show-origin",
            places=tuple(found),
        )
    return ok("git runs no program here that is not ours")


def family_hooks_are_idle(here: Surroundings) -> Result:
    """Look for hook folders of the kind that other tools of this family run unasked."""
    folder = here.root / RUN_DATA / "hooks"
    if not folder.is_dir():
        return not_applicable(f"there is no {RUN_DATA}/hooks")
    files = sorted(here.shown(path) for path in folder.rglob("*") if path.is_file())
    if not files:
        return ok(f"{RUN_DATA}/hooks is empty, and nothing of ours would run what is in it")
    return note(
        f"{some(files)}: we never run these; other tools that know the folder do",
        fix="Remove what you did not put there.",
        command=f"ls -lR {RUN_DATA}/hooks",
        places=tuple(files),
    )


def trusted_code_is_the_code(here: Surroundings) -> Result:
    """Look for processes that somebody trusted and that are no longer what was trusted."""
    if here.words is None:
        return could_not_check(
            "this version keeps nobody's word about processes", fix="Review a process before you start it."
        )
    words = here.words()
    if not words:
        return not_applicable("nobody has trusted a process here yet")
    held = {word.entry for word in words if word.current and word.state == "in force"}
    lapsed = {word.entry: word.state for word in words if word.entry not in held}
    if not lapsed:
        return ok(f"{some(sorted(held))}: what was trusted is what would run")
    told = [
        f"{entry or 'a record'} ({'its code has changed' if state == 'in force' else state})"
        for entry, state in lapsed.items()
    ]
    return problem(
        f"no longer trusted: {some(told)}",
        fix="Review what has changed, and trust it anew; or take the old word back.",
        command=f"babysitter process review {next(iter(lapsed))}",
        places=tuple(entry.partition("#")[0] for entry in lapsed if entry),
    )


def _hooks(here: Surroundings) -> Hooks:
    return Hooks(repository=here.git, python="", package="")


def _started(folder: Path) -> list[Path]:
    """Return the hooks that git would start there and that are not ours."""
    if not folder.is_dir():
        return []
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".sample")
    return [path for path in files if os.access(path, os.X_OK) and not is_ours(path)]


def _comes_with_a_clone(folder: Path, work_tree: Path) -> bool:
    """Tell whether the folder lies among the files that git tracks, not in git's own folder."""
    resolved, root = folder.resolve(), work_tree.resolve()
    return resolved.is_relative_to(root) and ".git" not in resolved.relative_to(root).parts


def _is_filter(key: str) -> bool:
    return key.startswith("filter.") and key.endswith((".clean", ".smudge", ".process"))


CHECKS = (
    Check(
        id="D06-hooks",
        title="git refuses run data and credentials",
        promise="G06",
        severity="low",
        why="ignore lines do not stop `git add --force`, and know no credential in a source file.",
        look=our_hooks_are_there,
    ),
    Check(
        id="D07-trusted-processes",
        title="processes that were trusted are what they were",
        promise="G07",
        severity="low",
        why="a run of changed code is refused, at the moment when it is wanted.",
        look=trusted_code_is_the_code,
    ),
    Check(
        id="D07-other-hooks",
        title="what git runs here is known",
        promise="G07",
        severity="medium",
        why="a hook, a filter or a monitor runs with all of your rights, whenever git is called.",
        look=other_hooks_are_known,
    ),
    Check(
        id="D07-family-hooks",
        title="no hook folder waits for another tool",
        promise="G07",
        severity="low",
        why="other tools run whatever lies in that folder of a cloned repository.",
        look=family_hooks_are_idle,
    ),
)
