r"""Reads ``NAME=VALUE`` files exactly, and refuses what different readers read differently.

    # a comment
    export TOKEN='as it stands, over several lines too'
    KEY="with \n, \" and the like"
    PLAIN=up to the end of the line   # a comment after white space

Nothing is substituted. A dollar that a shell would act on must stand in single
quotes, or after a backslash in double ones: else the value that is masked were not the value that is used.

Invariant: an error names the line and never what stands on it.
"""

import re
from typing import Final

_NAME: Final = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_][A-Za-z0-9_.-]*)[^\S\n]*=[^\S\n]*")
_BLANK: Final = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")
_SINGLE: Final = re.compile(r"'([^']*)'")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE: Final = re.compile(r"[^\n]*")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_ESCAPE: Final = re.compile(r"\\(.)|(\$(?=[A-Za-z_{(]))", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$", "`": "`", "'": "'"}


class DotenvError(ValueError):
    """The file does not say one thing. ``line``: where."""

    def __init__(self, line: int, why: str) -> None:
        self.line = line
        super().__init__(f"line {line} {why}")


def parse_dotenv(text: str) -> dict[str, str]:
    """Return the values by name.

    Raises:
        DotenvError: a line is none of the four kinds, a name comes twice, or a value would be substituted.
    """
    text = text.replace("\r\n", "\n")
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        line = text.count("\n", 0, position) + 1
        blank = _BLANK.match(text, position)
        if blank:
            position = blank.end()
            continue
        head = _NAME.match(text, position)
        if head is None:
            raise DotenvError(line, "is no NAME=VALUE.")
        if head[1] in values:
            raise DotenvError(line, "gives a value to a name that has one.")
        values[head[1]], position = _value(text, head.end(), line)
    return values


def _value(text: str, position: int, line: int) -> tuple[str, int]:
    """Return the value that begins there, and where the next line begins."""
    quote = text[position : position + 1]
    if quote not in ("'", '"'):
        found = _BARE.match(text, position)
        assert found is not None
        return _bare(found[0], line), found.end() + 1
    found = (_SINGLE if quote == "'" else _DOUBLE).match(text, position)
    if found is None:
        raise DotenvError(line, "opens a quote that nothing closes.")
    rest = _BLANK.match(text, found.end())
    if rest is None:
        raise DotenvError(line, "has something behind the closing quote.")
    return (found[1] if quote == "'" else _unescaped(found[1], line)), rest.end()


def _bare(text: str, line: int) -> str:
    value = _COMMENT.sub("", text).strip()
    if re.search(r"[\\`]|\$[A-Za-z_{(]", value):
        raise DotenvError(line, "has a dollar, a backslash or a backtick outside of single quotes.")
    return value


def _unescaped(text: str, line: int) -> str:
    def one(found: re.Match[str]) -> str:
        if found[2] or found[1] not in _ESCAPED:
            raise DotenvError(line, "has a dollar or an escape whose meaning differs between readers.")
        return _ESCAPED[found[1]]

    return _ESCAPE.sub(one, text)
