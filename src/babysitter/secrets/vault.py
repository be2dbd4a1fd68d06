"""The declared secrets of a run: their names, and in memory their values.

Invariants, each with a test in tests/unit/secrets/test_vault.py:
    - only declared references resolve; each value is read once, when the vault is made;
    - a value that is set is long enough to be masked, or there is no vault;
    - neither repr nor str nor an error of the vault shows a value, and it can't be pickled.

What counts as declared: docs/reference/secrets.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Never

from babysitter.model.errors import SecretError
from babysitter.model.runner import ManySecrets, SecretSource
from babysitter.model.secret import Secret
from babysitter.model.values import Json
from babysitter.secrets.forms import CHARS_MIN
from babysitter.secrets.search import FormIndex


class Vault:
    """Implements ``babysitter.model.runner.Resolver`` over the sources, keyed by their scheme."""

    __slots__ = ("_index", "_is_closed", "_values", "declared")

    def __init__(self, sources: Mapping[str, SecretSource], declared: Iterable[str]) -> None:
        self.declared = tuple(sorted(set(declared)))
        self._values: dict[str, str] = {}
        self._index: FormIndex | None = None
        self._is_closed = False
        for ref, value in _read(sources, self.declared):
            self._values[ref] = _checked(ref, value)

    @property
    def index(self) -> FormIndex:
        """All forms of all values, made when first searched: a command that only reads needs none.

        Raises:
            SecretError: the vault was closed before the first search, so there is nothing to search for.
        """
        if self._index is None:
            if self._is_closed:
                # Searching for nothing would let every secret pass.
                raise SecretError("the vault is closed.", hint="Mask before closing it.")
            self._index = FormIndex(self._values)
        return self._index

    @property
    def holds_values(self) -> bool:
        """True when there is anything to mask."""
        return bool(self._values) or (self._index is not None and bool(self._index.patterns))

    def resolve(self, ref: str) -> str:
        """Return the value of a declared reference.

        Raises:
            SecretError: naming the reference, when it is not declared or has no value.
        """
        value = self._values.get(ref)
        if value is not None:
            return value
        if ref not in self.declared:
            raise SecretError(
                f"{ref} is not a declared secret of this run.",
                hint="Name it in [secrets] of babysitter.toml and start a new run.",
                ref=ref,
            )
        raise SecretError(
            f"{ref} is declared but has no value here.",
            hint="Set it where Babysitter runs, then try again.",
            ref=ref,
        )

    def reveal(self, value: Json) -> Json:
        """Return the value with each ``Secret`` leaf replaced; the same object when there is none.

        Raises:
            SecretError: as ``resolve``.
        """
        kind = type(value)
        if kind is Secret:
            return self.resolve(value.ref)
        if kind is dict:
            members = {key: self.reveal(item) for key, item in value.items()}
            return members if any(members[key] is not item for key, item in value.items()) else value
        if kind is list or kind is tuple:
            items = [self.reveal(item) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value

    def occurs_in(self, text: str) -> str | None:
        """Return the reference of the first secret in the text, in whatever form; None when there is none."""
        matches = self.index.covering(text.encode("utf-8", "surrogatepass"))
        return self.index.references[matches[0][0]].ref if matches else None

    def close(self) -> None:
        """Forget the values; nothing resolves any more. What has searched before goes on masking."""
        self._is_closed = True
        self._values.clear()

    def __repr__(self) -> str:
        return f"Vault({len(self.declared)} declared, {len(self._values)} with a value)"

    def __reduce__(self) -> Never:
        raise TypeError("a Vault holds secrets and is not copied or pickled")


def _read(sources: Mapping[str, SecretSource], declared: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the references that have a value, with it. A source that gives several at once is asked once."""
    names: dict[str, list[str]] = {}
    for ref in declared:
        scheme, _, name = Secret(ref).ref.partition(":")
        if scheme not in sources:
            raise SecretError(
                f"{ref} names the source {scheme!r}, which is not there.",
                hint=f"Sources that are: {', '.join(sorted(sources)) or 'none'}. Further ones stand in "
                "[secrets.sources] of babysitter.toml.",
                ref=ref,
                why="no such source",
            )
        names.setdefault(scheme, []).append(name)
    for scheme, wanted in names.items():
        source = sources[scheme]
        many = source.get_many(wanted) if isinstance(source, ManySecrets) else {}
        for name in wanted:
            value = many.get(name) if isinstance(source, ManySecrets) else source.get(name)
            if value is not None:
                yield f"{scheme}:{name}", value


def _checked(ref: str, value: str) -> str:
    if len(value) < CHARS_MIN:
        raise SecretError(
            f"{ref} is shorter than {CHARS_MIN} characters: masking it would mask ordinary text.",
            hint="Use a longer secret, or do not declare it.",
            ref=ref,
            why="too short",
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        # The error of the codec holds the value, so it must not be chained.
        raise SecretError(
            f"{ref} is not UTF-8 text.", hint="Encode it, for example as base64.", ref=ref, why="no text"
        ) from None
    return value
