"""Amounts in words, for faces: durations and figures, short enough for a row."""

_SIZES = ((86_400, "d"), (3600, "h"), (60, "min"))


def duration(seconds: float) -> str:
    """Return a stretch of time: 40 ms, 3.2 s, 4 min 10 s, 2 d 3 h."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for (size, unit), (below, smaller) in zip(_SIZES, (*_SIZES[1:], (1, "s")), strict=True):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    raise AssertionError(seconds)


def figure(number: float) -> str:
    """Return a number with as many digits as say something: 1 200 300, 0.042."""
    if number == int(number):
        return f"{int(number):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{number:,.4g}".replace(",", "\N{NARROW NO-BREAK SPACE}")
