"""Which secrets a run of this workspace would declare, and whether they resolve."""

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
    refs = workspace.secrets_to_declare(tuple(named))
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
