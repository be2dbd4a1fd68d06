"""Where a key stands in a TOML text: the line that an error about it names."""

import re

_KEY = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEYS = rf"{_KEY}(?:\s*\.\s*{_KEY})*"


class WrongBelowError(ValueError):
    """A table is wrong in one of its parts. ``keys``: what leads there from the table."""

    def __init__(self, what: str, keys: tuple[str, ...]) -> None:
        self.keys = keys
        super().__init__(what)


def line_of(text: str, keys: tuple[str, ...]) -> int:
    """Return the line that has the last key, or else the nearest key or table around it; 0 without any."""
    arrays: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    best, depth = 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(rf"\s*(\[\[?)\s*({_KEYS})\s*\]", line)
        assigned = re.match(rf"\s*({_KEYS})\s*=", line)
        if header:
            here = table = _place(header[2], arrays, is_array=header[1] == "[[")
        elif assigned:
            here = (*table, *_parts(assigned[1]))
        else:
            continue
        # [[approvals]] is approvals and its number; an unknown key has none.
        here = keys if here[:-1] == keys else here
        if here == keys[: len(here)] and len(here) > depth:
            best, depth = number, len(here)
    return best


def _place(header: str, arrays: dict[tuple[str, ...], int], *, is_array: bool) -> tuple[str, ...]:
    """Return what leads to a table, with the number of each array's table; ``arrays``: the last of each."""
    place: tuple[str, ...] = ()
    parts = _parts(header)
    for position, part in enumerate(parts, start=1):
        place = (*place, part)
        if is_array and position == len(parts):
            arrays[place] = arrays.get(place, -1) + 1
        if place in arrays:
            place = (*place, str(arrays[place]))
    return place


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))
