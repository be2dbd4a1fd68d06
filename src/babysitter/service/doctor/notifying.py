"""Whether people are told of what waits for them, as the rules want it (G12)."""

from babysitter.model.errors import RefusedError, SettingsError
from babysitter.service.doctor.check import Check, Result, count, not_applicable, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings
from babysitter.service.notify.opening import check_names
from babysitter.service.notify.telling import opened_channel

_SETTINGS = ("babysitter.toml",)


def people_are_told(here: Surroundings) -> Result:
    """Look whether each channel can be used, and whether there is one where a rule wants people told."""
    channels = here.settings.notify.channels
    if not channels:
        return _no_channel(here)
    try:
        check_names(here.settings.notify, here.wired.policy)
    except SettingsError as error:
        return problem(error.message, fix=error.hint, places=_SETTINGS)
    wrong = []
    hint = ""
    for table in channels:
        try:
            opened_channel(here.wired, table)
        except RefusedError as error:
            wrong.append(error.message.rstrip("."))
            hint = hint or error.hint
    if wrong:
        return problem(some(wrong), fix=hint, command="babysitter notify list --state owed", places=_SETTINGS)
    return ok(f"{count(len(channels), 'channel')} can be used: {some([each.name for each in channels])}")


def _no_channel(here: Surroundings) -> Result:
    rules = [
        each.id for each in here.wired.policy.rules if each.notify or each.remind_after or each.escalate_to
    ]
    if not rules:
        return not_applicable("babysitter.toml has no channel, and no rule wants people told")
    return problem(
        f"rule {some(rules)} wants people told, and there is no channel to tell them",
        fix="Add [[notify.channels]]: docs/how-to/get-notified.md.",
        command="${EDITOR:-vi} babysitter.toml",
        places=_SETTINGS,
    )


CHECKS = (
    Check(
        id="D12-people-are-told",
        title="whoever is asked is told",
        promise="G12",
        severity="medium",
        why="a question that nobody knows of waits until it expires, and is then asked in a hurry.",
        look=people_are_told,
    ),
)
