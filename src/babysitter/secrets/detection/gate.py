"""One pass over a text that says which rules may match in it, whatever the number of rules.

hyperscan where it is there, else one RE2 set: the same answer, slower. The answer may name a rule that
then does not match; it never leaves out one that does.

Invariants, each with a test in tests/unit/secrets/detection/test_gate.py:
    - both gates name every rule that matches;
    - zero bytes and bytes that are no text change nothing;
    - each thread has a scratch of its own.
"""

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import re2

from babysitter.model.errors import DetectionError
from babysitter.secrets.detection.gate_cache import GateCache

Ids = list[int]
_ANCHOR: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]|(?P<anchor>[\^$])|(?P<rest>[^\\\[^$]+)", re.DOTALL
)
_ZERO_WIDTH: Final = frozenset({r"\b", r"\B", r"\A", r"\z", r"\Z"})


class Gate(Protocol):
    """Says which rules may match."""

    def ids(self, text: bytes) -> Ids:
        """Return, in any order, the numbers of the rules that may match somewhere in the text.

        Raises:
            DetectionError: the engine failed, so nothing is known.
        """
        ...


def without_anchors(regex: str) -> str:
    """Return the expression without what matches no character: it matches wherever the expression does."""
    return "".join(
        ["" if match["anchor"] or match[0] in _ZERO_WIDTH else match[0] for match in _ANCHOR.finditer(regex)]
    )


class SetGate:
    """A gate on google-re2 alone."""

    def __init__(self, expressions: Sequence[str]) -> None:
        self._set = re2.Set.SearchSet(options())
        for expression in expressions:
            self._set.Add(expression)
        self._set.Compile()

    def ids(self, text: bytes) -> Ids:
        """See Gate."""
        try:
            # None stands for nothing.
            found: Ids = self._set.Match(text) or []
        except Exception as failure:  # noqa: BLE001 (whatever the engine raises, nothing is known)
            raise DetectionError(
                f"google-re2 failed on {len(text)} bytes ({type(failure).__name__})."
            ) from None
        return found


class HyperscanGate:
    """A gate on hyperscan: a single report a rule, no positions."""

    def __init__(self, expressions: Sequence[str], cache: GateCache | None = None) -> None:
        import hyperscan  # noqa: PLC0415 (a heavy library that not every platform has)

        self._hyperscan = hyperscan
        self._database = _database(hyperscan, expressions, cache)
        self._local = threading.local()

    def ids(self, text: bytes) -> Ids:
        """See Gate."""
        local = self._local
        try:
            scratch, found, on_match = local.mine
        except AttributeError:
            scratch, found, on_match = local.mine = self._for_this_thread()
        found.clear()
        try:
            self._database.scan(text, match_event_handler=on_match, scratch=scratch)
        except self._hyperscan.error as failure:
            raise DetectionError(
                f"hyperscan failed on {len(text)} bytes ({type(failure).__name__})."
            ) from None
        return list(found) if found else []

    def _for_this_thread(self) -> tuple[Any, Ids, Callable[..., None]]:
        found: Ids = []
        append = found.append

        def on_match(number: int, *_: object) -> None:
            append(number)

        return self._hyperscan.Scratch(self._database), found, on_match


def options() -> Any:  # noqa: ANN401 (the library has no types)
    """Return how all expressions are compiled: over bytes, so that no text is too broken to be searched."""
    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    chosen.log_errors = False
    chosen.max_mem = 64 << 20
    return chosen


def make_gate(expressions: Sequence[str], cache: GateCache | None = None) -> Gate:
    """Return the best gate that there is here for expressions that have no anchors."""
    try:
        return HyperscanGate(expressions, cache)
    except ImportError:
        return SetGate(expressions)


def _database(hyperscan: Any, expressions: Sequence[str], cache: GateCache | None) -> Any:  # noqa: ANN401
    version = f"{hyperscan.__version__} {hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).__class__.__name__}"
    if cache is not None and (kept := cache.load(expressions, version)) is not None:
        try:
            return hyperscan.loadb(kept, mode=hyperscan.HS_MODE_BLOCK)
        except hyperscan.error:
            # Made for another processor, or damaged; it is made anew.
            pass
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    encoded = [expression.encode() for expression in expressions]
    exact = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL
    try:
        _compile(database, encoded, [exact] * len(encoded))
    except hyperscan.error:
        # An expression of a team's: matched roughly where it can't be matched exactly, which a gate may.
        rough = exact | hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_ALLOWEMPTY
        flags = [exact if _compiles(hyperscan, each, exact) else rough for each in encoded]
        _compile(database, encoded, flags)
    if cache is not None:
        cache.keep(expressions, version, hyperscan.dumpb(database))
    return database


def _compile(database: Any, expressions: list[bytes], flags: list[int]) -> None:  # noqa: ANN401
    numbers = list(range(len(expressions)))
    database.compile(expressions=expressions, ids=numbers, elements=len(numbers), flags=flags)


def _compiles(hyperscan: Any, expression: bytes, flags: int) -> bool:  # noqa: ANN401
    try:
        _compile(hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK), [expression], [flags])
    except hyperscan.error:
        return False
    return True
