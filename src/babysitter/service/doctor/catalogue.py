"""Every check, in the order of the promises. Reference: docs/reference/doctor.md."""

from datetime import UTC, datetime

from babysitter.model.doctor_settings import AcceptedTable
from babysitter.service.doctor import (
    access,
    confinement,
    disks,
    githooks,
    journals,
    keys,
    network,
    notifying,
    permissions,
    rules,
    scanning,
    updates,
    variables,
    version_control,
)
from babysitter.service.doctor.check import Check, Result, count, not_applicable, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings

_MODULES = (
    rules, version_control, githooks, confinement, permissions, variables, network, access, keys, journals,
    disks, updates, scanning, notifying,
)  # fmt: skip


def acceptances_hold(here: Surroundings) -> Result:
    """Look whether each [[doctor.accept]] names a check, and has not run out."""
    accepted = here.settings.doctor.accept
    if not accepted:
        return not_applicable("[[doctor.accept]] accepts nothing")
    known = {check.id for check in CHECKS}
    wrong = [f"{each.check} is no check" for each in accepted if each.check not in known]
    wrong += [f"{each.check} was accepted until {each.until}" for each in accepted if has_run_out(each, here)]
    if not wrong:
        return ok(f"{count(len(accepted), 'acceptance')} hold")
    return problem(
        some(wrong),
        fix="Take it out of babysitter.toml, or renew it with a new day.",
        command="grep -n -A3 'doctor.accept' babysitter.toml",
        places=("babysitter.toml",),
    )


def acceptance_of(check_id: str, here: Surroundings) -> AcceptedTable | None:
    """Return why what a check finds is accepted today; None when it is not."""
    accepted = here.workspace.place.settings.doctor.accept if here.workspace is not None else ()
    return next((each for each in accepted if each.check == check_id and not has_run_out(each, here)), None)


def has_run_out(accepted: AcceptedTable, here: Surroundings) -> bool:
    """Tell whether the last day is over, by UTC."""
    return bool(accepted.until) and f"{datetime.fromtimestamp(here.now_s, UTC):%Y-%m-%d}" > accepted.until


_ACCEPTED = Check(
    id="D28-acceptances",
    title="what is accepted is a check, and not for longer than was said",
    promise="G28",
    severity="low",
    why="an acceptance that nobody looks at again hides what comes later.",
    look=acceptances_hold,
)
CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (*(check for module in _MODULES for check in module.CHECKS), _ACCEPTED),
        key=lambda check: (check.promise, check.id),
    )
)


def chosen(only: tuple[str, ...]) -> tuple[Check, ...]:
    """Return the checks that are asked for: by id, by its beginning (``D03``), or by promise (``G03``)."""
    if not only:
        return CHECKS
    return tuple(
        check for check in CHECKS if any(check.id.startswith(word) or check.promise == word for word in only)
    )
