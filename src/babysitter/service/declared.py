"""Which secrets a run of this workspace would declare, and whether they resolve."""

from babysitter.config import environment
from babysitter.model.errors import SecretError
from babysitter.service.process.closure import read_sources
from babysitter.service.views import View
from babysitter.service.wiring import Workspace


class SecretView(View, frozen=True, kw_only=True):
    """A declared secret. Never the value.

    state: ``resolves``, ``away`` (not set, or its source can't be read), ``too short``, ``no text`` or
        ``no such source``; ``detail`` says what to do about it.
    """

    ref: str
    state: str
    why: str
    detail: str = ""


def declared_secrets(workspace: Workspace, entry: str | None) -> list[SecretView]:
    """Return the secrets that a run would declare; those of a process when an entry is given."""
    named = _named(workspace, entry) if entry is not None else frozenset()
    settings = {f"env:{name}" for name in workspace.place.settings.secrets.names}
    refs = secrets_to_declare(workspace, tuple(named))
    all_resolve = _state(workspace, refs) == ("resolves", "")
    views = []
    for ref in refs:
        why = (
            "the process"
            if ref in named
            else "the settings"
            if ref in settings
            else "its name in the environment"
        )
        # One by one only where something is wrong: a source that is asked once answers for all.
        state, detail = ("resolves", "") if all_resolve else _state(workspace, (ref,))
        views.append(SecretView(ref=ref, state=state, why=why, detail=detail))
    return views


def secrets_to_declare(workspace: Workspace, named: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a new run declares: the code's references, the settings', those known by name."""
    found = {*named, *(f"env:{name}" for name in workspace.place.settings.secrets.names)}
    found.update(f"env:{name}" for name in _recognised(workspace)[0])
    return tuple(sorted(found))


def unmaskable(workspace: Workspace) -> tuple[str, ...]:
    """Return the variables that look secret and are too short to mask, for a warning."""
    declared = workspace.place.settings.secrets.names
    return tuple(name for name in _recognised(workspace)[1] if name not in declared)


def _recognised(workspace: Workspace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not workspace.place.settings.secrets.recognise:
        return (), ()
    from babysitter.secrets.recognise import recognised_names  # noqa: PLC0415 (only new runs)

    return recognised_names(environment())


def _named(workspace: Workspace, entry: str) -> frozenset[str]:
    """Return the references that a process names. Read, not run: nobody may have reviewed it yet."""
    facts = read_sources(entry, workspace.root).facts()
    return frozenset(use.ref for _, each in facts for use in each.secrets)


def _state(workspace: Workspace, refs: tuple[str, ...]) -> tuple[str, str]:
    try:
        secrets = workspace.secrets(refs)
        for ref in refs:
            secrets.vault.resolve(ref)
    except SecretError as error:
        return str(error.facts.get("why", "away")), f"{error.message} {error.hint}".strip()
    secrets.vault.close()
    return "resolves", ""
