"""Schemes of other packages: entry points of the group ``babysitter.secret_sources``.

A package is asked only where the settings name it *and* the entry point: installing one gives it nothing.
It runs in this process, with everything that this process may do, so naming it is trusting it.

    [project.entry-points."babysitter.secret_sources"]
    acme = "acme_secrets:make_source"       # called with the options; returns a SecretSource
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final

from babysitter.model.errors import SecretError, SecretSourceError
from babysitter.model.runner import SecretSource

GROUP: Final = "babysitter.secret_sources"


class PluginSource:
    """Gives what a package's source gives, within a time. The package is imported when first asked."""

    def __init__(self, scheme: str, make: Callable[[], SecretSource], timeout_s: float) -> None:
        self.scheme = scheme
        self._make = make
        self._timeout_s = timeout_s

    def get(self, name: str) -> str | None:
        """Return the value, or None when there is none of that name.

        Raises:
            SecretSourceError: the package is not there, failed, or took too long.
        """
        outcome: list[str | BaseException | None] = []

        def ask() -> None:
            try:
                outcome.append(self._make().get(name))
            except BaseException as error:  # noqa: BLE001 (raised again below, in the thread that asks)
                outcome.append(error)

        thread = threading.Thread(target=ask, daemon=True, name=f"secret source {self.scheme}")
        thread.start()
        thread.join(self._timeout_s)
        if not outcome:
            raise self._failed(name, f"no answer within {self._timeout_s:g} seconds")
        return self._checked(name, outcome[0])

    def _checked(self, name: str, given: str | BaseException | None) -> str | None:
        if isinstance(given, SecretError):
            raise given
        if isinstance(given, BaseException):
            # Its text may hold anything, a value too; its type does not.
            raise self._failed(name, f"{type(given).__name__} was raised") from None
        if given is not None and not isinstance(given, str):
            raise self._failed(name, f"a {type(given).__name__} is no text")
        return given or None

    def _failed(self, name: str, why: str) -> SecretSourceError:
        ref = f"{self.scheme}:{name}"
        return SecretSourceError(
            f"{ref} can't be read from its plugin: {why}.",
            hint=f"See [secrets.sources.{self.scheme}] of babysitter.toml, and the package's own manual.",
            ref=ref,
        )

    def __repr__(self) -> str:
        return f"PluginSource({self.scheme!r})"


def load_plugin(plugin: str, package: str, options: Mapping[str, str]) -> SecretSource:
    """Return the source that a package's entry point makes.

    Raises:
        SecretSourceError: the package is not installed, or has no such entry point.
    """
    from importlib import metadata  # noqa: PLC0415 (only where a plugin is named)

    try:
        points = metadata.distribution(package).entry_points
    except metadata.PackageNotFoundError:
        raise SecretSourceError(
            f"the package {package}, which a secret source names, is not installed.",
            hint=f"Install {package} where Babysitter runs, or take the source out of babysitter.toml.",
        ) from None
    for point in points:
        if point.group == GROUP and point.name == plugin:
            source: SecretSource = point.load()(dict(options))
            return source
    raise SecretSourceError(
        f"the package {package} has no secret source {plugin!r}.",
        hint=f"It must name one in the entry points {GROUP}.",
    )
