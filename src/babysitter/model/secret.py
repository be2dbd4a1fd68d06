"""A secret as process code sees it: a reference, never a value.

``Secret`` objects travel inside arguments; only the writer turns one into a
stored reference, and only an executor resolves it. In a task's own process a
``Secret`` carries its value, and ``reveal()`` gives it.
"""

import re

from babysitter.model.errors import SecretError

_REFERENCE = re.compile(r"[a-z][a-z0-9+.-]*:[^\x00-\x1f\x7f${}]{1,512}")


class Secret:
    """A reference such as ``env:API_KEY``. Its repr never shows a value."""

    __slots__ = ("_value", "ref")

    def __init__(self, ref: str, value: str | None = None) -> None:
        if not _REFERENCE.fullmatch(ref):
            raise SecretError(f"{ref!r} is not a secret reference.", hint='Write it as "env:NAME".')
        self.ref = ref
        self._value = value

    def reveal(self) -> str:
        """Return the value.

        Raises:
            SecretError: in process code, which never holds a value.
        """
        if self._value is None:
            raise SecretError(
                f"the value of {self.ref} is not available to process code.",
                hint="Pass the secret to a task; the task's function may call reveal().",
            )
        return self._value

    def __repr__(self) -> str:
        return f"secret({self.ref!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.ref == self.ref

    def __hash__(self) -> int:
        return hash(("babysitter.secret", self.ref))


def secret(ref: str, *, owner: str | None = None) -> Secret:
    """Return a reference to a secret, for example ``secret("env:API_KEY")``; pass it to a task.

    owner: counts as an author of every run of the code that names it, where rules say that authors may not
        approve. It is read from the code, so it must be written out as text.
    """
    del owner
    return Secret(ref)
