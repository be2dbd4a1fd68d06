"""What a source of secrets promises.

The ports themselves are ``babysitter.model.runner.SecretSource`` and ``ManySecrets``;
they are named here so that whoever adds a scheme finds them beside those that are there.

What must always hold, and ``babysitter.testing.source_conformance`` asks for:
    - ``get`` gives the whole value, unchanged, or None when there is none of that name;
    - a source that can't tell raises ``SecretSourceError`` within its time: what, where, what to do;
    - a source keeps nothing on disk and prints nothing, and no program that it starts gets a value in its
      arguments;
    - an error, a ``repr`` or a pickle of a source never shows a value.

To add one: docs/reference/secrets.md.
"""

from babysitter.model.runner import ManySecrets, SecretSource

__all__ = ["ManySecrets", "SecretSource"]
