"""The tables of ``[secrets]`` in ``babysitter.toml``.

Where further secrets come from stands in the file, by name: a package that is
merely installed gives none. Reference: docs/reference/settings.md.
"""

from typing import Annotated

from msgspec import Meta, Struct

TIMEOUT_S = 20.0
"""How long a source may take for all that a run declares of it."""


class SecretSourceTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[secrets.sources.SCHEME]``: a ``provider`` of secretspec, or a ``plugin`` of a ``package``.

    provider: its address, such as ``vault://vault.example.com/secret``. Never a password.
    plugin, package: the name of an entry point of ``babysitter.secret_sources``, and whose it must be.
    options: what the plugin is made with.
    """

    provider: str = ""
    plugin: str = ""
    package: str = ""
    options: dict[str, str] = {}
    timeout_s: Annotated[float, Meta(gt=0, le=600)] = TIMEOUT_S

    def __post_init__(self) -> None:
        """Refuse what names no source, or two.

        Raises:
            ValueError: which msgspec turns into an error with the key's place.
        """
        if bool(self.provider) == bool(self.plugin):
            raise ValueError("name either a provider of secretspec or a plugin")
        if bool(self.plugin) != bool(self.package):
            raise ValueError("a plugin needs the package that it must come from")
        if self.options and self.provider:
            raise ValueError("options are for a plugin; a provider has them in its address")


class SecretsTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[secrets]``.

    names: environment variables that are secret whatever they are called; ``recognise``: by name.
    sources: further schemes of references, each with where its values are.
    detect: mask credentials that nobody declared. rules: files of more rules for them.
    allow: fingerprints of values that look like credentials and are none.
    """

    names: tuple[str, ...] = ()
    recognise: bool = True
    sources: dict[str, SecretSourceTable] = {}
    detect: bool = True
    rules: tuple[str, ...] = ()
    allow: tuple[Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")], ...] = ()
