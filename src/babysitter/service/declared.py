"""Which secrets a run of this workspace would declare, and whether they resolve."""

from babysitter.model.errors import SecretError
from babysitter.service.process.closure import read_sources
from babysitter.service.views import View
from babysitter.service.wiring import Secrets, Workspace


class SecretView(View, frozen=True, kw_only=True):
    """A declared secret. ``state``: resolves, away or too short. Never the value."""

    ref: str
    state: str
    why: str


def declared_secrets(workspace: Workspace, entry: str | None) -> list[SecretView]:
    """Return the secrets that a run would declare; those of a process when an entry is given."""
    named = _named(workspace, entry) if entry is not None else frozenset()
    settings = {f"env:{name}" for name in workspace.place.settings.secrets.names}
    views = []
    for ref in workspace.secrets_to_declare(tuple(named)):
        why = (
            "the process"
            if ref in named
            else "the settings"
            if ref in settings
            else "its name in the environment"
        )
        views.append(SecretView(ref=ref, state=_state(ref), why=why))
    return views


def _named(workspace: Workspace, entry: str) -> frozenset[str]:
    """Return the references that a process names. Read, not run: nobody may have reviewed it yet."""
    facts = read_sources(entry, workspace.root).facts()
    return frozenset(use.ref for _, each in facts for use in each.secrets)


def _state(ref: str) -> str:
    try:
        secrets = Secrets((ref,))
    except SecretError:
        return "too short"
    try:
        secrets.vault.resolve(ref)
    except SecretError:
        return "away"
    return "resolves"
