"""What may come into the history, and what may not: no run data, no .env files, no credentials (G03, G06).

Whatever can't be looked at is refused too: an object that is not here, a detector that fails.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from babysitter.config import RUN_DATA
from babysitter.model.findings import Finding
from babysitter.service.founding import ENVIRONMENT_FILES
from babysitter.service.git.credentials import FindCredentials
from babysitter.service.git.incoming import Entry, Push, is_nothing, pushed, staged
from babysitter.service.git.repository import Repository
from babysitter.service.views import View

BLOB_BYTES_MAX = 256 * 1024 * 1024


class Refusal(View, frozen=True, kw_only=True):
    """Something that may not come in.

    rule: ``run-data``, ``environment-file``, ``too-large``, or the detector's own name.
    commit: the commit that brings it; empty for what is staged. line: 0 where it is about the whole file.
    """

    path: str
    rule: str
    message: str
    commit: str = ""
    line: int = 0


class Inspection(View, frozen=True, kw_only=True):
    """What was looked at, and what is refused. ``unchecked``: why nobody looked for credentials."""

    files: int
    refusals: tuple[Refusal, ...]
    unchecked: str = ""


def inspect_staged(repository: Repository, *, find: FindCredentials | None, runs_dir: str = "") -> Inspection:
    """Look at what is about to be committed. ``runs_dir``: relative to the repository, where runs are."""
    return _inspected(repository, staged(repository), find=find, runs_dir=runs_dir)


def inspect_pushed(
    repository: Repository,
    pushes: Sequence[Push],
    *,
    remote: str,
    find: FindCredentials | None,
    runs_dir: str = "",
) -> Inspection:
    """Look at what is about to be pushed: files of each commit, and what commits and tags say."""
    entries = [entry for push in pushes for entry in pushed(repository, push, remote)]
    found = _inspected(repository, entries, find=find, runs_dir=runs_dir)
    said = _said(repository, entries, pushes, find) if find is not None else ()
    return Inspection(files=found.files, refusals=(*found.refusals, *said), unchecked=found.unchecked)


def refused_name(path: str, runs_dir: str = "") -> tuple[str, str] | None:
    """Return the rule and the sentence against a path; None when there is nothing against its name."""
    # On some file systems .A5C and .a5c are one folder.
    lowered = path.lower()
    parts = PurePosixPath(lowered).parts
    if RUN_DATA in parts or (runs_dir and f"{lowered}/".startswith(f"{runs_dir.lower().rstrip('/')}/")):
        return "run-data", "is run data: journals hold your inputs, outputs and answers"
    if any(fnmatchcase(parts[-1], pattern) for pattern in ENVIRONMENT_FILES if parts):
        return "environment-file", "is an environment file, which is where credentials are"
    return None


def _inspected(
    repository: Repository, entries: Iterable[Entry], *, find: FindCredentials | None, runs_dir: str
) -> Inspection:
    refusals: dict[tuple[str, str], Refusal] = {}
    paths: dict[str, list[Entry]] = {}
    count = 0
    for entry in entries:
        count += 1
        against = refused_name(entry.path, runs_dir)
        if against is not None:
            refusals.setdefault((entry.path, against[0]), _refusal(entry, *against))
        elif entry.blob:
            paths.setdefault(entry.blob, []).append(entry)
    found = [] if find is None else _credentials(repository, paths, find)
    unchecked = "" if find is not None else "nobody looked for credentials: there is no detector"
    return Inspection(files=count, refusals=(*refusals.values(), *found), unchecked=unchecked)


def _credentials(
    repository: Repository, paths: dict[str, list[Entry]], find: FindCredentials
) -> list[Refusal]:
    """Return the credentials in the blobs, each blob looked at once and named by every path that has it."""
    sizes = repository.sizes(paths)
    refusals = [
        _refusal(
            entry, "too-large", f"has {size >> 20} MiB, so nobody looks into it; git LFS is for such files"
        )
        for blob, size in sizes
        for entry in {each.path: each for each in paths[blob]}.values()
        if size > BLOB_BYTES_MAX
    ]
    for blob, data in repository.contents(pair for pair in sizes if pair[1] <= BLOB_BYTES_MAX):
        entries = {entry.path: entry for entry in reversed(paths[blob])}
        findings = find(data, _shown(paths[blob][0].path))
        refusals += [_refusal_of(entry, finding) for entry in entries.values() for finding in findings]
    return refusals


def _said(
    repository: Repository, entries: Sequence[Entry], pushes: Sequence[Push], find: FindCredentials
) -> list[Refusal]:
    """Return the credentials in what commits and tags say."""
    commits = dict.fromkeys(entry.commit for entry in entries if entry.commit)
    looked_at = {*commits, *(entry.blob for entry in entries)}
    tags = [push.local for push in pushes if not is_nothing(push.local) and push.local not in looked_at]
    objects = repository.sizes([*commits, *tags])
    refusals = []
    for name, data in repository.contents(objects):
        about = Entry(path="(what the commit or tag says)", blob=name, commit=name)
        refusals += [_refusal_of(about, finding) for finding in find(data, about.path)]
    return refusals


def _refusal(entry: Entry, rule: str, message: str) -> Refusal:
    return Refusal(path=_shown(entry.path), rule=rule, message=message, commit=entry.commit)


def _refusal_of(entry: Entry, finding: Finding) -> Refusal:
    return Refusal(
        path=_shown(entry.path),
        rule=finding.rule,
        message=f"holds a credential: {finding.message}",
        commit=entry.commit,
        line=finding.span.line if finding.span is not None else 0,
    )


def _shown(path: str) -> str:
    """Return a path as text that every encoding takes; bytes that are no UTF-8 are spelt out."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
