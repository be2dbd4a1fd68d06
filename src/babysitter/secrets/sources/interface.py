"""What a source of secrets promises.

The port itself is ``babysitter.model.runner.SecretSource``; it is named here so
that whoever adds a scheme finds it beside the schemes that are there.

What must always hold:
    - ``get`` gives the whole value, unchanged, or None when there is none of that name;
    - a source keeps nothing on disk and prints nothing;
    - an error that a source raises is a ``SecretError`` and names the reference, never a value.

To add one: docs/reference/secrets.md.
"""

from babysitter.model.runner import SecretSource

__all__ = ["SecretSource"]
