"""Who may read and write what a workspace keeps (G05, G10)."""

import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from babysitter.config import FILE_NAME
from babysitter.service.doctor.check import Check, Result, count, not_applicable, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings

NO_RUN_DATA = not_applicable("there is no run data yet")
_OTHERS = 0o077
_OTHERS_WRITE = 0o022


def run_data_is_private(here: Surroundings) -> Result:
    """Look for run data that others may read or change."""
    if not here.run_data:
        return NO_RUN_DATA
    open_, looked = _open(here.files_of_run_data(), _OTHERS)
    if not open_:
        return ok(f"{count(looked, 'file')} and folders of run data are for their owner alone")
    names = [here.shown(path) for path in open_]
    keys = [path for path in open_ if path.name.endswith(".key") or "run-keys" in path.parts]
    return problem(
        f"others may read or change {count(len(open_), 'file')} and folders of run data: {some(names)}",
        fix="Take everybody else's rights away.",
        command=f"chmod -R go= -- {' '.join(shlex.quote(here.shown(each)) for each in here.run_data)}",
        severity="critical" if keys else None,
        places=tuple(names),
    )


def close_run_data(here: Surroundings) -> list[str]:
    """Take the group's and the others' rights away."""
    return _close(here, here.files_of_run_data(), _OTHERS)


def settings_are_ours(here: Surroundings) -> Result:
    """Look for settings, signers and rules that others may change."""
    files = [path for path in _decisive(here) if path.exists()]
    open_, _ = _open(files, _OTHERS_WRITE)
    if not open_:
        return ok(f"nobody else may change {some([here.shown(path) for path in files])}")
    names = [here.shown(path) for path in open_]
    return problem(
        f"others may change {some(names)}",
        fix="Take the right to write away.",
        command=f"chmod go-w -- {' '.join(shlex.quote(name) for name in names)}",
        places=tuple(names),
    )


def close_settings(here: Surroundings) -> list[str]:
    """Take the group's and the others' right to write away."""
    return _close(here, [path for path in _decisive(here) if path.exists()], _OTHERS_WRITE)


def environment_files_are_private(here: Surroundings) -> Result:
    """Look for ``.env`` files that others may read."""
    files = here.environment_files()
    if not files:
        return not_applicable("there is no .env file")
    open_, _ = _open(files, _OTHERS)
    if not open_:
        return ok(f"{some([here.shown(path) for path in files])} is for its owner alone")
    names = [here.shown(path) for path in open_]
    return problem(
        f"others may read {some(names)}",
        fix="Take everybody else's rights away.",
        command=f"chmod go= -- {' '.join(shlex.quote(name) for name in names)}",
        places=tuple(names),
    )


def close_environment_files(here: Surroundings) -> list[str]:
    """Take the group's and the others' rights away."""
    return _close(here, here.environment_files(), _OTHERS)


def workspace_is_ours(here: Surroundings) -> Result:
    """Look for folders and files of somebody else: they decide what runs here."""
    looked = [here.root, *(path for path in _decisive(here) if path.exists()), *here.files_of_run_data()]
    owners = {path: owner for path in looked if (owner := _owner(path)) not in (None, here.uid)}
    if not owners:
        return ok("the workspace, its settings and its run data belong to whoever runs this")
    names = [here.shown(path) for path in owners]
    owner = next(iter(owners.values()))
    return problem(
        f"{count(len(owners), 'file')} or folders belong to somebody else (user {owner}): {some(names)}",
        fix="Give them to the user that drives runs, or run as their owner.",
        command=f"sudo chown -R {here.uid} -- {' '.join(shlex.quote(name) for name in names[:3])}",
        places=tuple(names),
    )


def _decisive(here: Surroundings) -> list[Path]:
    """Return the files that say who may approve what, and the folder they are in."""
    files = [here.root, here.root / FILE_NAME]
    if here.workspace is not None:
        files += [here.workspace.signers_path, here.workspace.revoked_path]
        files += [here.root / name for name in here.workspace.policy.cedar]
    return files


def _owner(path: Path) -> int | None:
    """Return whose a file is; None when it is gone."""
    try:
        return path.lstat().st_uid
    except FileNotFoundError:
        return None


def _open(paths: Iterable[Path], rights: int) -> tuple[list[Path], int]:
    """Return the paths with one of the rights, and how many were looked at. A symlink has none of its own."""
    found: list[Path] = []
    looked = 0
    for path in paths:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue  # A driver has removed it meanwhile.
        looked += 1
        if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) & rights:
            found.append(path)
    return found, looked


def _close(here: Surroundings, paths: Iterable[Path], rights: int) -> list[str]:
    done = []
    for path in _open(paths, rights)[0]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        path.chmod(mode & ~rights)
        done.append(f"{here.shown(path)}: {mode:04o} is now {mode & ~rights:04o}")
    return done


CHECKS = (
    Check(
        id="D05-run-data-is-private",
        title="run data is for its owner alone",
        promise="G05",
        severity="high",
        why="journals hold your inputs, outputs and answers, and whoever may write can put a run there.",
        look=run_data_is_private,
        mend=close_run_data,
    ),
    Check(
        id="D05-settings-are-ours",
        title="nobody else may change settings and signers",
        promise="G05",
        severity="high",
        why="whoever writes babysitter.toml or the file of signers says who may approve.",
        look=settings_are_ours,
        mend=close_settings,
    ),
    Check(
        id="D05-workspace-is-ours",
        title="the workspace belongs to whoever drives it",
        promise="G05",
        severity="high",
        why="an owner can change rules, code and run data whatever their modes say.",
        look=workspace_is_ours,
    ),
    Check(
        id="D10-environment-files-are-private",
        title=".env files are for their owner alone",
        promise="G10",
        severity="high",
        why="they hold credentials in the clear.",
        look=environment_files_are_private,
        mend=close_environment_files,
    ),
)
