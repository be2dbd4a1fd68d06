"""Text of programs and people, made harmless for a terminal: control characters never reach it.

Nor do characters that reorder or hide text: a question could otherwise read as another than it is.
"""

_HARMLESS = frozenset("\u00a0\u2002\u2003\u2009\u202f\u3000\u200c\u200d")
"""Spaces, and the joiners of emoji and of some scripts, which ``isprintable`` does not count."""


def plain(text: str) -> str:
    """Return one line without anything that moves a cursor, colours, hides text or turns it around."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in _HARMLESS else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def plain_lines(text: str) -> str:
    """Return the text with its line breaks and tabs, and otherwise as ``plain``."""
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(plain(line) for line in lines)
