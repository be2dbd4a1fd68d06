"""Scheme ``env``: values from environment variables.

One of the two places that read the environment (the other is ``config.py``).
The environment is read when a value is asked for; ``Vault`` asks once.
"""

import os
from collections.abc import Mapping


class EnvironmentSource:
    """Gives environment variables as secrets."""

    scheme = "env"

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def get(self, name: str) -> str | None:
        """Return the variable's value, or None when it is not set or empty.

        CI systems hand an absent secret over as an empty variable, so an empty one counts as absent.
        """
        return self._environ.get(name) or None

    def __repr__(self) -> str:
        return "EnvironmentSource()"
