"""What the checks need from parts of the product that may be there or not; None means: nobody can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class AskAdvisories(Protocol):
    """Looks installed packages up in an advisory database that the settings name."""

    def __call__(self, installed: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
        """Return the known flaws of each package, none for one without; what it can't look up is left out.

        Raises:
            BabysitterError: the database can't be used; then nobody knows.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Somebody's word that a process may run.

    state: ``in force``, or why not. current: it is about the code as it is now.
    """

    entry: str
    state: str
    current: bool


class ListWords(Protocol):
    """Lists what people said about processes."""

    def __call__(self) -> Sequence[Word]:
        """Return every word that is kept.

        Raises:
            BabysitterError: they can't be read.
        """
        ...
