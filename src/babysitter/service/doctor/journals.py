"""The journals and the log: whole, not from the future, not held by the dead, seen by others (G23, G26)."""

import os

from babysitter.model.clock import parse_time
from babysitter.service.doctor.check import Check, Result, count, not_applicable, note, ok, problem, some
from babysitter.service.doctor.rules import production_rules
from babysitter.service.doctor.surroundings import Surroundings

_NO_RUNS = not_applicable("there is no run yet")
_AHEAD_NS = 5 * 60 * 1_000_000_000
OLD_DAYS = 30
_DAY_NS = 86_400 * 1_000_000_000


def journals_chain(here: Surroundings) -> Result:
    """Read every journal and follow its chain."""
    if not here.journals:
        return _NO_RUNS
    wrong = [facts for facts in here.journals if facts.problem and not facts.torn]
    if wrong:
        return problem(
            some([f"{facts.run_id}: {facts.problem}" for facts in wrong]),
            fix="No crash does this. Change nothing, find out who did, restore the folder from a copy.",
            command=f"babysitter journal verify {wrong[0].run_id}",
            severity="critical",
            places=tuple(_place(here, facts.run_id) for facts in wrong),
        )
    torn = [facts for facts in here.journals if facts.torn and here.wired.store.holder(facts.run_id) is None]
    if torn:
        return problem(
            f"a crash tore the end of {count(len(torn), 'journal')}: {some([each.run_id for each in torn])}",
            fix="Resume the run: that cuts the tail off, keeps its bytes, and says so in the journal.",
            command=f"babysitter resume {torn[0].run_id}",
            severity="low",
            places=tuple(_place(here, facts.run_id) for facts in torn),
        )
    lines = sum(facts.lines for facts in here.journals)
    return ok(f"{count(len(here.journals), 'journal')} with {count(lines, 'line')} chain from first to last")


def clock_is_right(here: Surroundings) -> Result:
    """Look for journal lines that are from the future."""
    if not here.journals:
        return _NO_RUNS
    now = here.clock.now_ns()
    ahead = [facts for facts in here.journals if facts.last and parse_time(facts.last) > now + _AHEAD_NS]
    if not ahead:
        return ok("no journal has a line from the future")
    newest = max(ahead, key=lambda facts: facts.last)
    return problem(
        f"{newest.run_id} has a line of {newest.last}, which is yet to come",
        fix="Either this machine's clock is slow now, or it was fast then. Have it set by NTP.",
        command="timedatectl set-ntp true",
        places=tuple(_place(here, facts.run_id) for facts in ahead),
    )


def locks_are_alive(here: Surroundings) -> Result:
    """Look for runs that are locked for a driver that is gone."""
    if not here.journals:
        return _NO_RUNS
    gone: dict[str, str] = {}
    held = 0
    for facts in here.journals:
        holder = here.wired.store.holder(facts.run_id)
        if holder is None:
            continue
        held += 1
        if holder.host == here.place.host and not _is_alive(holder.pid):
            gone[facts.run_id] = f"{facts.run_id} (process {holder.pid} of {holder.user})"
    if not gone:
        return ok(f"{count(held, 'run')} held, each by a process that is alive or on another machine")
    return problem(
        f"locked for a driver that is gone: {some(list(gone.values()))}",
        fix="A program that the driver started has inherited the lock. Find it and end it; there is no lock "
        "file to delete.",
        command=f"fuser -v {here.shown(here.place.runs_dir / next(iter(gone)) / 'run.json')}",
    )


def log_is_there(here: Surroundings) -> Result:
    """Look whether runs have a log over them, and the log its key."""
    if not here.journals:
        return _NO_RUNS
    folder = here.wired.log_folder
    missing = [name for name in ("log.jsonl", "checkpoint", "log.key") if not (folder / name).is_file()]
    if not missing:
        return ok(f"{here.shown(folder)} has lines, a checkpoint and its key")
    return problem(
        f"{here.shown(folder)} lacks {', '.join(missing)}",
        fix="Bring back the newest copy of the whole of .a5c. Without one, move .a5c aside, keep it, begin "
        "anew, and tell your auditors.",
        command="babysitter journal verify --all",
        places=tuple(here.shown(folder / name) for name in missing),
    )


def log_is_witnessed(here: Surroundings) -> Result:
    """Look whether somebody else sees the log's checkpoints."""
    witnesses = here.settings.log.witnesses
    if witnesses:
        return ok(f"{some([each.name for each in witnesses])} sees the log's checkpoints")
    if not here.journals:
        return _NO_RUNS
    found = "nobody else sees the log: whoever has this machine and its keys can rewrite it unseen"
    fix = (
        "Name a witness in [[log.witnesses]]; a git remote that refuses to lose history is a cheap one. See "
    )
    fix += "docs/how-to/run-a-witness.md."
    if production_rules(here):
        return problem(found, fix=fix, command="babysitter witness serve --help", places=("babysitter.toml",))
    return note(found, fix=fix)


def runs_are_not_old(here: Surroundings) -> Result:
    """Name the ended runs that the guide's example would remove."""
    if not here.journals:
        return _NO_RUNS
    before = here.clock.now_ns() - OLD_DAYS * _DAY_NS
    old = [each for each in here.journals if each.ended and each.last and parse_time(each.last) < before]
    if not old:
        return ok(f"no ended run is older than {OLD_DAYS} days")
    found = (
        f"{count(len(old), 'ended run')} older than {OLD_DAYS} days; the first is {old[0].run_id}. "
        "This version removes none by itself"
    )
    if not here.settings.retention.rules:
        return note(
            found,
            fix="Say in [[retention.rules]] how long runs are kept: docs/reference/retention.md. Without "
            "rules, the guide's way: look at the list, keep the digests, then remove.",
            command=f"find {here.shown(here.place.runs_dir)} -maxdepth 1 -mindepth 1 -type d "
            f"-mtime +{OLD_DAYS}",
        )
    return note(
        found,
        fix="The rules say which of them are due: look at the list, keep the digests, then remove.",
        command="babysitter retention plan",
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _place(here: Surroundings, run_id: str) -> str:
    return here.shown(here.place.runs_dir / run_id / "journal" / "journal.jsonl")


CHECKS = (
    Check(
        id="D23-journals-chain",
        title="every journal is whole",
        promise="G23",
        severity="critical",
        why="a journal that does not chain proves nothing.",
        look=journals_chain,
    ),
    Check(
        id="D23-clock",
        title="the clock goes with the journals",
        promise="G23",
        severity="medium",
        why="expiry, windows and the order of events hang on it.",
        look=clock_is_right,
    ),
    Check(
        id="D23-locks",
        title="no run is locked for a driver that is gone",
        promise="G23",
        severity="medium",
        why="nobody can drive it on.",
        look=locks_are_alive,
    ),
    Check(
        id="D23-log",
        title="the log over the runs is there",
        promise="G23",
        severity="high",
        why="without it, a run that was removed or written anew is missed by nobody.",
        look=log_is_there,
    ),
    Check(
        id="D23-witness",
        title="somebody else sees the log",
        promise="G23",
        severity="medium",
        why="what nobody else has seen can be rewritten by whoever has every key of this machine.",
        look=log_is_witnessed,
    ),
    Check(
        id="D26-old-runs",
        title="runs are not kept for ever",
        promise="G26",
        severity="low",
        why="data that is no longer there can't be stolen.",
        look=runs_are_not_old,
    ),
)
