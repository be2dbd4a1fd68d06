"""Finds undeclared credentials in a text: one gate for all rules, then the few that may match, exactly.

The text is bytes of any kind; it is read in every way of views.py. What was found is told by place and rule.

Invariants, each with a test in tests/unit/secrets/detection/test_detector.py:
    - what is found as it stands is found as JSON in JSON, too;
    - zero bytes, lone surrogates and comments that allow something switch nothing off;
    - an engine that fails raises; it never looks like a text in which nothing is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import re2

from babysitter.model.detections import Hit
from babysitter.secrets.detection.gate import Gate, make_gate, options, without_anchors
from babysitter.secrets.detection.gate_cache import GateCache
from babysitter.secrets.detection.judging import LONG_BYTES, WORD_JUDGES, is_credential
from babysitter.secrets.detection.rules import Allow, Rule, RuleSet
from babysitter.secrets.detection.views import (
    BASE64_GATE,
    DEPTH_MAX,
    ESCAPES_GATE,
    decodings,
    padded,
    unescaped,
)

_NARROW_BYTES: Final = 12 << 10
"""A text as long as this is searched closely only around what the gate points to."""
_BLOCK_BYTES: Final = 8 << 10
_BEFORE_BYTES: Final = 768
_AFTER_BYTES: Final = 3 << 10
_CUT: Final = 100
"""Rules that go by words may match no more of a value than this; a longer one is followed to its end."""
_STOP: Final = re.compile(rb"[\s\x1b\"'`<>{}()\[\],;\\]")
_IN_NAMES: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-"
_NAME_BYTES: Final = 40
_TAIL: Final = 64
"""What begins so close to the end of a match may end behind it."""
_WIDE: Final = frozenset({
    "private-key", "putty-private-key", "jwk-private-key", "jwk-private-key-first", "xml-private-key",
    "kubernetes-secret", "kubernetes-secret-data-first",
})  # fmt: skip
"""Rules whose matches span more than that; they are asked of the whole text."""

_RANKS: Final = {"form": 0, "plain": 0, "weak-form": 1}
"""A published form says more than the words beside a value."""


class Detector:
    """Searches with one set of rules. Used by many threads at once."""

    def __init__(self, rules: RuleSet, cache: GateCache | None = None, *, gate: Gate | None = None) -> None:
        self.rules = rules.rules
        self._allows = rules.allows
        self._gate = gate or make_gate(gate_expressions(rules), cache)
        self._base64 = len(self.rules)
        self._escapes = self._base64 + 1
        self._ranks = {rule.id: _RANKS.get(rule.judge, 2) for rule in self.rules}
        self._has_team_rules = any(rule.judge == "plain" for rule in self.rules)

    def may_hold(self, text: bytes) -> bool:
        """Return False only when ``find`` finds nothing. Quick.

        Raises:
            DetectionError: the engine failed.
        """
        if self._gate.ids(text):
            return True
        # Our own gates allow for escapes; a team's expressions are taken as they are.
        flat = padded(text) if self._has_team_rules else None
        return flat is not None and bool(self._gate.ids(flat))

    def find(self, text: bytes, path: str = "") -> list[Hit]:
        """Return the credentials in the text, by place; those that overlap are one, the longest's.

        Raises:
            DetectionError: the engine failed.
        """
        if len(text) >= _NARROW_BYTES and not self._has_team_rules:
            hits = self._narrowed(text, path)
            if hits is not None:
                return _apart(iter(hits), self._ranks)
        return _apart(self._found(text, path, 0), self._ranks)

    def _narrowed(self, text: bytes, path: str) -> list[Hit] | None:
        """Return what is found in those parts of a long text in which the gate says that something may be.

        None when something reaches over the end of such a part: then the whole text must be searched.
        """
        parts, numbers = self._parts(text)
        wide = [number for number in numbers if number < self._base64 and self.rules[number].id in _WIDE]
        hits = list(self._confirmed(padded(text) or text, wide, path)) if wide else []
        for begin, end in parts:
            for hit in self._found(text[begin:end], path, 0):
                if (hit.begin == 0 and begin > 0) or (begin + hit.end + 1 >= end < len(text)):
                    return None
                hits.append(replace(hit, begin=begin + hit.begin, end=begin + hit.end))
        return hits

    def _parts(self, text: bytes) -> tuple[list[tuple[int, int]], set[int]]:
        """Return where the parts begin and end, and which rules may match in them.

        A part is blocks in which the gate finds something, and what is around them.
        """
        parts: list[tuple[int, int]] = []
        numbers: set[int] = set()
        for block in range(0, len(text), _BLOCK_BYTES):
            before = max(0, block - _BEFORE_BYTES)
            found = self._gate.ids(text[before : block + _BLOCK_BYTES + _BEFORE_BYTES])
            if not found:
                continue
            numbers.update(found)
            begin = text.rfind(b"\n", max(0, before - _BEFORE_BYTES), before) + 1 or before
            end = min(len(text), block + _BLOCK_BYTES + _AFTER_BYTES)
            if parts and begin <= parts[-1][1]:
                parts[-1] = (parts[-1][0], end)
            else:
                parts.append((begin, end))
        return parts, numbers

    def _found(self, text: bytes, path: str, depth: int) -> Iterator[Hit]:
        numbers = self._gate.ids(text)
        if not numbers and not self._has_team_rules:
            return
        reading = text
        # Where nothing but escapes was found, no rule is asked about the padded text.
        flat = padded(text) if self._has_team_rules or numbers != [self._escapes] else None
        if flat is not None:
            reading = flat
            if self._has_team_rules:
                yield from self._confirmed(text, numbers, path)
                numbers = [*{*numbers, *self._gate.ids(flat)}]
        yield from self._confirmed(reading, numbers, path)
        if self._escapes in numbers:
            read = unescaped(text)
            inner = self._gate.ids(read.text)
            for hit in self._confirmed(read.text, inner, path):
                begin, end = read.span(hit.begin, hit.end)
                yield replace(hit, begin=begin, end=end)
        if self._base64 in numbers and depth < DEPTH_MAX:
            yield from self._decoded(reading, path, depth)

    def _decoded(self, text: bytes, path: str, depth: int) -> Iterator[Hit]:
        for begin, end, decoded in decodings(text):
            for hit in self._found(decoded, path, depth + 1):
                yield replace(hit, begin=begin, end=end)

    def _confirmed(self, text: bytes, numbers: Sequence[int], path: str) -> Iterator[Hit]:
        for number in numbers:
            if number < self._base64:
                yield from self._matches(number, text, path)

    def _matches(self, number: int, text: bytes, path: str) -> Iterator[Hit]:
        rule = self.rules[number]
        if rule.keywords and not _has_keyword(rule, text):
            return
        if rule.path and not _expression(rule.path).search(path.encode("utf-8", "surrogateescape")):
            return
        search = _expression(rule.regex).search
        position = 0
        while position <= len(text):
            match = search(text, position)
            if match is None:
                return
            begin, end = _span_of(match, rule)
            value = text[begin:end]
            if (
                value
                and is_credential(
                    rule,
                    value,
                    text[match.start() : begin],
                    text[end : end + 1],
                    _name_before(text, match.start()),
                )
                and not self._is_allowed(rule, match, value, path)
            ):
                if rule.judge in WORD_JUDGES and end - begin >= _CUT:
                    end = _end_of_value(text, end)
                yield Hit(rule.id, rule.description, rule.severity, begin, end, text[begin:end])
                position = end
            else:
                position = _after_none(match.start(), begin, end)

    def _is_allowed(self, rule: Rule, match: Any, value: bytes, path: str) -> bool:  # noqa: ANN401
        return any(_allows(allow, match, value, path) for allow in (*rule.allows, *self._allows))


def _name_before(text: bytes, start: int) -> bytes:
    """Return how the name begins in whose midst an expression has found its word."""
    piece = text[max(0, start - _NAME_BYTES) : start]
    return piece[len(piece.rstrip(_IN_NAMES)) :]


def _end_of_value(text: bytes, begin: int) -> int:
    """Return where a value ends of which an expression has matched only the beginning."""
    stop = _STOP.search(text, begin)
    return stop.start() if stop else len(text)


def _after_none(start: int, begin: int, end: int) -> int:
    """Return where to go on after a match that was no credential: another may begin inside of it.

    Not inside of a long one: searching it again and again would take time by the square of its length.
    """
    return max(begin, start + 1) if end - begin <= LONG_BYTES else max(begin + 1, end - _TAIL)


def _allows(allow: Allow, match: Any, value: bytes, path: str) -> bool:  # noqa: ANN401
    """Tell whether an allowlist lets a value pass: one of its parts does, or all that it has."""
    answers = []
    if allow.regexes:
        target = (
            value if allow.target == "secret" else match[0] if allow.target == "match" else _line_of(match)
        )
        answers.append(any(_expression(regex).search(target) for regex in allow.regexes))
    if allow.paths:
        answers.append(
            any(_expression(regex).search(path.encode("utf-8", "surrogateescape")) for regex in allow.paths)
        )
    if allow.stopwords:
        lowered = value.lower()
        answers.append(any(word.encode() in lowered for word in allow.stopwords))
    return bool(answers) and (all(answers) if allow.needs_all else any(answers))


def _line_of(match: Any) -> bytes:  # noqa: ANN401 (the library has no types)
    text: bytes = match.string
    begin = text.rfind(b"\n", 0, match.start()) + 1
    end = text.find(b"\n", match.end())
    return text[begin : end if end >= 0 else len(text)]


@lru_cache(maxsize=4096)
def _expression(regex: str) -> Any:  # noqa: ANN401 (the library has no types)
    return re2.compile(regex.encode(), options())


def gate_expressions(rules: RuleSet) -> list[str]:
    """Return what a gate for these rules is made of."""
    return [*(rule.gate or without_anchors(rule.regex) for rule in rules.rules), BASE64_GATE, ESCAPES_GATE]


def _has_keyword(rule: Rule, text: bytes) -> bool:
    lowered = text.lower()
    return any(keyword.encode() in lowered for keyword in rule.keywords)


def _span_of(match: Any, rule: Rule) -> tuple[int, int]:  # noqa: ANN401 (the library has no types)
    # As gitleaks does it: the group that is named, else the first that has matched something, else the whole.
    group = rule.group or next((n for n in range(1, match.re.groups + 1) if match[n]), 0)
    begin, end = match.span(group)
    return begin, end


def _apart(hits: Iterator[Hit], ranks: Mapping[str, int]) -> list[Hit]:
    """Return the hits in order; of those that overlap the one that says the most, over all of them."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.begin, -hit.end)):
        last = kept[-1] if kept else None
        if last is None or hit.begin >= last.end:
            kept.append(hit)
            continue
        better = hit if ranks[hit.rule] < ranks[last.rule] else last
        kept[-1] = replace(better, begin=last.begin, end=max(last.end, hit.end))
    return kept
