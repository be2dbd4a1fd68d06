"""Text in which nothing hides: characters that reorder, vanish or pass for others are written out by name.

What a reviewer reads must be what a compiler reads (Trojan Source, CVE-2021-42574; letters that look alike,
CVE-2021-42694). Nothing else of the text changes, and since the brackets of the marks are written out too,
no text can pass for a mark.

Source: Boucher and Anderson, "Trojan Source: Invisible Vulnerabilities", 2021; Unicode Technical Standard 39.
"""

import re
import unicodedata
from functools import lru_cache

_BLANK = frozenset(
    "\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}"
    "\N{BRAILLE PATTERN BLANK}\N{COMBINING GRAPHEME JOINER}\N{KHMER VOWEL INHERENT AQ}"
    "\N{KHMER VOWEL INHERENT AA}"
)
"""Letters and marks that show nothing."""
_SIGNS_LIKE_ASCII = frozenset(
    "\u01c0\u01c3\u02b9\u02bc\u02c8\u0387\u05c3\u2010\u2011\u2012\u2044\u2212\u2215\u2223\u2236\u2768\u2769\ua789"
)
"""Signs that pass for one of ASCII's and are no compatible form of it."""
_LETTERS_LIKE_ASCII = frozenset(
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0455\u0456\u0458\u0501\u051b\u051d\u04bb\u0475"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0405\u0406\u0408\u04ae"
    "\u03b1\u03bd\u03bf\u03c1\u03c5\u03b9\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u0561\u0578\u057d\u0585\u13a0\u13aa\u13b3\u13bb\u13c0\u13c2\u13c3\u13da\u13e2"
)
"""Cyrillic, Greek, Armenian and Cherokee letters that look like Latin ones."""
_HIDING = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
"""Variation selectors: any bytes can be carried by them, unseen."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_WORD = re.compile(r"\w+")
_SCRIPTS_LIKE_LATIN = (
    "CYRILLIC ",
    "GREEK ",
    "COPTIC ",
    "ARMENIAN ",
    "CHEROKEE ",
    "LISU ",
    "DESERET ",
    "WARANG ",
)
"""Others beside Latin letters, such as Japanese ones, are usual, and pass for nothing."""


def visible(text: str) -> str:
    """Return the text with everything written out that hides, reorders or passes for something else."""
    if text.isascii() and not _CONTROL.search(text):
        return text
    return "\n".join(_line(line) for line in text.split("\n"))


def decoded(data: bytes) -> str:
    """Return bytes as text; those that are no UTF-8 as lone surrogates, which ``visible`` writes as bytes."""
    return data.decode("utf-8", "surrogateescape")


def mark(char: str) -> str:
    """Return what stands for a character: ``⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩``, or ``⟨byte E9⟩``."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"⟨byte {code - 0xDC00:02X}⟩"
    name = "CARRIAGE RETURN" if char == "\r" else unicodedata.name(char, "")
    return f"⟨U+{code:04X} {name}⟩" if name else f"⟨U+{code:04X}⟩"


def _line(line: str) -> str:
    if line.isascii() and not _CONTROL.search(line):
        return line
    parts = []
    place = 0
    for word in _WORD.finditer(line):
        parts += [_each(line[place : word.start()]), _word(word[0])]
        place = word.end()
    return "".join((*parts, _each(line[place:])))


def _word(word: str) -> str:
    """Return a word in which letters that pass for Latin ones stand out, beside those or in their place."""
    if word.isascii():
        return word
    letters = [char for char in word if char.isalpha()]
    is_mixed = any(char.isascii() for char in letters)
    is_disguised = bool(letters) and all(char in _LETTERS_LIKE_ASCII for char in letters)
    return "".join(
        mark(char) if is_disguised or (is_mixed and _is_like_latin(char)) or _hides(char) else char
        for char in word
    )


def _each(text: str) -> str:
    return (
        text
        if text.isascii() and text.isprintable()
        else "".join(mark(char) if _hides(char) else char for char in text)
    )


@lru_cache(maxsize=4096)
def _is_like_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith(_SCRIPTS_LIKE_LATIN)


@lru_cache(maxsize=4096)
def _hides(char: str) -> bool:
    if char.isascii():
        return char != "\t" and not char.isprintable()
    if char in "⟨⟩" or char in _BLANK or char in _SIGNS_LIKE_ASCII:
        return True
    if unicodedata.category(char) in _HIDING or any(low <= ord(char) <= high for low, high in _SELECTORS):
        return True
    plain = unicodedata.normalize("NFKC", char)
    return len(plain) == 1 and plain.isascii()
