"""Which schemes there are here: our own, and those that the settings name.

The one place that knows all sources. Making them costs nothing: each reads, imports and starts when asked.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from babysitter.model.errors import SettingsError
from babysitter.model.runner import SecretSource
from babysitter.model.secret_settings import SecretSourceTable
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.secrets.sources.file import FileSource
from babysitter.secrets.sources.plugin import PluginSource, load_plugin
from babysitter.secrets.sources.secretspec import OnePasswordSource, SecretspecSource, Surroundings

OWN_SCHEMES: Final = ("env", "file", "keyring", "op")


def make_sources(
    tables: Mapping[str, SecretSourceTable], surroundings: Surroundings
) -> dict[str, SecretSource]:
    """Return every source by its scheme.

    Raises:
        SettingsError: the settings give a scheme of ours another meaning.
    """
    sources: dict[str, SecretSource] = {
        "env": EnvironmentSource(),
        "file": FileSource(surroundings.base),
        "keyring": SecretspecSource("keyring", "keyring://", surroundings),
        "op": OnePasswordSource(surroundings),
    }
    for scheme, table in tables.items():
        if scheme in OWN_SCHEMES:
            raise SettingsError(
                f"[secrets.sources.{scheme}] gives another meaning to a scheme of Babysitter's own.",
                hint="Call the source otherwise: the name is what stands before the colon of a reference.",
            )
        sources[scheme] = (
            SecretspecSource(scheme, table.provider, replace(surroundings, timeout_s=table.timeout_s))
            if table.provider
            else PluginSource(
                scheme, partial(load_plugin, table.plugin, table.package, table.options), table.timeout_s
            )
        )
    return sources
