"""Which secrets a run of this workspace would declare, and whether they resolve."""

from babysitter.config import Place
from babysitter.model.errors import SecretError
from babysitter.service.entries import load_process
from babysitter.service.views import View
from babysitter.service.wiring import Secrets, Workspace


class SecretView(View, frozen=True, kw_only=True):
    """A declared secret. ``state``: resolves, away or too short. Never the value."""

    ref: str
    state: str
    why: str


def declared_secrets(workspace: Workspace, entry: str | None) -> list[SecretView]:
    """Return the secrets that a run would declare; those of a process when an entry is given."""
    named = load_process(entry, workspace.root).secrets if entry is not None else ()
    settings = {f"env:{name}" for name in workspace.place.settings.secrets.names}
    views = []
    for ref in workspace.secrets_to_declare(named):
        why = (
            "the process"
            if ref in named
            else "the settings"
            if ref in settings
            else "its name in the environment"
        )
        views.append(SecretView(ref=ref, state=_state(ref, workspace.place), why=why))
    return views


def _state(ref: str, place: Place) -> str:
    try:
        secrets = Secrets((ref,), place)
    except SecretError:
        return "too short"
    try:
        secrets.vault.resolve(ref)
    except SecretError:
        return "away"
    return "resolves"
