"""Run data and credential files in version control (G03, G06, G09)."""

import os
import shlex
from fnmatch import fnmatchcase
from pathlib import Path

from babysitter.config import RUN_DATA
from babysitter.model.errors import RefusedError
from babysitter.service.doctor.check import Check, Result, count, not_applicable, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings
from babysitter.service.founding import CREDENTIAL_FILES, ENVIRONMENT_FILES, IGNORE_LINES, complete_ignore
from babysitter.service.git.repository import texts

NO_REPOSITORY = not_applicable("the workspace is in no git repository")
_SAMPLES = {
    ".a5c/": f"{RUN_DATA}/runs/r/run.json",
    ".env": ".env",
    ".env.local": ".env.local",
    ".env.*.local": ".env.production.local",
    "*.pem": "server.pem",
    "*.key": "server.key",
    "credentials.json": "credentials.json",
}
"""A file that each line of the guide is about."""


def tracked_run_data(here: Surroundings) -> Result:
    """Look for files of run data that git tracks."""
    if here.work_tree is None:
        return NO_REPOSITORY
    tracked = _tracked_run_data(here)
    if not tracked:
        return ok("git tracks no run data")
    return problem(
        f"git tracks {count(len(tracked), 'file')} of run data: {some(tracked)}",
        fix="Stop tracking them; the files stay where they are. What was committed stays in the history.",
        command=f"git rm -r --cached --quiet -- {_folders(here)}",
        places=tuple(tracked),
    )


def untrack_run_data(here: Surroundings) -> list[str]:
    """Have git no longer track run data. The files stay."""
    if here.work_tree is None:
        return []
    tracked = _tracked_run_data(here)
    if not tracked:
        return []
    names = b"".join(os.fsencode(name) + b"\0" for name in tracked)
    # Unlike `git rm --cached` it also takes out what was staged and has changed since.
    here.git.ask("update-index", "--force-remove", "-z", "--stdin", stdin=names)
    return [f"untracked {name}" for name in tracked]


def run_data_in_history(here: Surroundings) -> Result:
    """Look for run data in commits that are still here."""
    if here.work_tree is None:
        return NO_REPOSITORY
    called = here.git.call(
        "--literal-pathspecs", "rev-list", "--all", "--max-count=1000", "--", *_named(here)
    )
    if called.status != 0:
        raise RefusedError(
            f"git rev-list failed: {called.stderr.decode(errors='replace').strip()[:200]}",
            hint="Run `git fsck` to see what is wrong with the repository.",
        )
    commits = called.stdout.decode().split()
    if not commits:
        return ok("no commit of any branch touches run data")
    many = "1000 commits or more" if len(commits) == 1000 else count(len(commits), "commit")
    return problem(
        f"{many} of this repository touched run data; the newest is {commits[0][:12]}",
        fix="Whoever has a clone has it. Rotate what it may hold, then rewrite the history "
        "(git filter-repo), which everybody who has a clone must know about.",
        command=f"git log --all --stat -- {_folders(here)}",
    )


def ignores_itself(here: Surroundings) -> Result:
    """Look whether each folder of run data has a ``.gitignore`` that hides all of it."""
    if not here.run_data:
        return not_applicable("there is no run data yet")
    bare = [folder for folder in here.run_data if not _is_hidden_by_itself(folder)]
    if not bare:
        return ok(f"{some([here.shown(folder) for folder in here.run_data])} ignores itself")
    own = [here.shown(folder / ".gitignore") for folder in bare]
    return problem(
        f"{some(own)} does not ignore everything",
        fix="Write * into it.",
        command="; ".join(f"(umask 077; echo '*' > {shlex.quote(name)})" for name in own),
        places=tuple(own),
    )


def have_it_ignore_itself(here: Surroundings) -> list[str]:
    """Write the missing ``.gitignore``; one that says something else gets a line more."""
    done = []
    for folder in here.run_data:
        if not _is_hidden_by_itself(folder):
            file = folder / ".gitignore"
            refuse_link(file)
            before = file.read_text(encoding="utf-8", errors="surrogateescape") if file.is_file() else ""
            glue = "" if not before or before.endswith("\n") else "\n"
            file.touch(mode=0o600)
            file.write_text(f"{before}{glue}*\n", encoding="utf-8", errors="surrogateescape")
            done.append(f"wrote * into {here.shown(file)}")
    return done


def ignore_lines(here: Surroundings) -> Result:
    """Look whether git ignores what the guide's block names: by its lines, or by whatever does the same."""
    missing = _missing_lines(here)
    if not missing:
        return ok("everything that the guide's .gitignore block names is ignored")
    return problem(
        f"not ignored: {', '.join(missing)}",
        fix="Add the lines to .gitignore; a later line with ! may take one back.",
        command=f"printf '%s\\n' {' '.join(shlex.quote(line) for line in missing)} >> .gitignore",
        places=(".gitignore",),
    )


def add_ignore_lines(here: Surroundings) -> list[str]:
    """Add the lines that are not there; touch nothing else."""
    if not _missing_lines(here):
        return []
    before = _lines_of(here)
    refuse_link(here.root / ".gitignore")
    complete_ignore(here.root / ".gitignore")
    return [f"added {line} to .gitignore" for line in sorted(_lines_of(here) - before) if line[:1] != "#"]


def refuse_link(file: Path) -> None:
    """Return when a file is none that leads elsewhere: what came with a clone would have us write there.

    Raises:
        RefusedError: it is a link.
    """
    if file.is_symlink():
        raise RefusedError(
            f"{file} is a link, and what it leads to is not changed.", hint="Put a file in its place."
        )


def tracked_credential_files(here: Surroundings) -> Result:
    """Look for files that git tracks and that the guide's list names as holding credentials."""
    if here.work_tree is None:
        return NO_REPOSITORY
    listed = texts(here.git.ask("ls-files", "-z", "--cached"))
    found = [name for name in listed if is_credential_file(name)]
    if not found:
        return ok(f"none of {count(len(listed), 'tracked file')} has a name of the guide's list")
    return problem(
        f"git tracks {some(found)}",
        fix="Stop tracking what holds a credential, and rotate it: the history has it. "
        "A public certificate may stay; accept it with its reason in [[doctor.accept]].",
        command=f"git rm --cached -- {' '.join(shlex.quote(name) for name in found[:5])}",
        places=tuple(found),
    )


def is_credential_file(path: str) -> bool:
    """Tell whether a path's name is one of those that the guide wants ignored."""
    name = path.rpartition("/")[2].lower()
    return any(fnmatchcase(name, pattern) for pattern in (*ENVIRONMENT_FILES, *CREDENTIAL_FILES))


def _named(here: Surroundings) -> list[str]:
    """Return the folders of run data that lie inside the workspace, as git names them."""
    inside = [folder for folder in here.run_data if folder.is_relative_to(here.root)]
    return list(dict.fromkeys([RUN_DATA, *(here.shown(folder) for folder in inside)]))


def _folders(here: Surroundings) -> str:
    return " ".join(shlex.quote(name) for name in _named(here))


def _tracked_run_data(here: Surroundings) -> list[str]:
    return texts(here.git.ask("--literal-pathspecs", "ls-files", "-z", "--cached", "--", *_named(here)))


def _is_hidden_by_itself(folder: Path) -> bool:
    try:
        text = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return False
    rules = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    after = rules[::-1][: rules[::-1].index("*")] if "*" in rules else []
    return "*" in rules and not any(rule.startswith("!") for rule in after)


def _missing_lines(here: Surroundings) -> list[str]:
    if here.work_tree is None:
        have = _lines_of(here)
        wanted = [line for _, lines in IGNORE_LINES for line in lines]
        return [line for line in wanted if line not in have and line.rstrip("/") not in have]
    # Run data that ignores itself would hide that the workspace does not: the folder is asked about then.
    own = {".a5c/": RUN_DATA} if (here.root / RUN_DATA).is_dir() else {}
    samples = {**_SAMPLES, **own}
    asked = "".join(f"{name}\0" for name in samples.values()).encode()
    # A person's own excludes say nothing about the next clone.
    options = ("-c", "core.excludesFile=/dev/null")
    called = here.git.call(*options, "check-ignore", "--no-index", "-z", "--stdin", stdin=asked)
    if called.status not in (0, 1):
        said = called.stderr.decode(errors="replace").strip()
        raise RefusedError(f"git check-ignore failed: {said[:200]}", hint="Run it by hand to see more.")
    ignored = set(texts(called.stdout))
    return [line for line, name in samples.items() if name not in ignored]


def _lines_of(here: Surroundings) -> set[str]:
    file = here.root / ".gitignore"
    text = file.read_bytes().decode("utf-8", "surrogateescape") if file.is_file() else ""
    return {line.strip() for line in text.splitlines()}


CHECKS = (
    Check(
        id="D03-tracked-run-data",
        title="git tracks no run data",
        promise="G03",
        severity="high",
        why="journals hold your inputs, outputs and answers; whoever has a clone has them.",
        look=tracked_run_data,
        mend=untrack_run_data,
    ),
    Check(
        id="D03-run-data-in-history",
        title="no commit holds run data",
        promise="G03",
        severity="medium",
        why="removing a file from the newest commit leaves it in all those before.",
        look=run_data_in_history,
    ),
    Check(
        id="D03-run-data-ignores-itself",
        title="run data ignores itself",
        promise="G03",
        severity="medium",
        why="`git add --all` takes it up wherever the workspace's own .gitignore is not read.",
        look=ignores_itself,
        mend=have_it_ignore_itself,
    ),
    Check(
        id="D06-tracked-credential-files",
        title="git tracks no file that is called like one with credentials",
        promise="G06",
        severity="high",
        why="a credential that was committed once is known to everybody who has a clone.",
        look=tracked_credential_files,
    ),
    Check(
        id="D09-ignore-lines",
        title="git ignores what the guide's block names",
        promise="G09",
        severity="medium",
        why="one `git add .` takes up run data, .env files and keys.",
        look=ignore_lines,
        mend=add_ignore_lines,
    ),
)
