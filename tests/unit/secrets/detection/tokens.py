"""Tokens made by chance in published forms. None is written out: it would set off other scanners."""

import random
import string

from babysitter.secrets.detection.formats import ALPHABETS, Piece, pieces_of
from babysitter.secrets.detection.judging import crc62

_BASE = string.ascii_letters + string.digits


def made(form: str, dice: random.Random) -> str:
    """Return a token of that form."""
    parts = list(pieces_of(form))
    text = ""
    since_text = ""
    for part in parts:
        piece = _made(part, since_text, dice)
        since_text = "" if part.kind in ("text", "choice") else since_text + piece
        text += piece
    return text


def word(dice: random.Random, length: int, alphabet: str = _BASE) -> str:
    """Return so many characters by chance, with a digit and a letter among them."""
    while True:
        text = "".join(dice.choices(alphabet, k=length))
        if any(char.isdigit() for char in text) and any(char.isalpha() for char in text):
            return text


def _made(part: Piece, since_text: str, dice: random.Random) -> str:
    if part.kind in ("text", "choice"):
        return dice.choice(part.texts)
    if part.kind == "uuid":
        return "-".join("".join(dice.choices("0123456789abcdef", k=count)) for count in (8, 4, 4, 4, 12))
    if part.kind == "crc62":
        return crc62(since_text.encode()).decode()
    count = dice.choice(part.only) if part.only else dice.randint(part.least, min(part.most, part.least + 40))
    return "".join(dice.choices(_characters(ALPHABETS[part.alphabet]), k=count))


def _characters(inside: str) -> str:
    """Return the characters of the inside of a character class."""
    found = ""
    position = 0
    while position < len(inside):
        if inside[position + 1 : position + 2] == "-" and position + 2 < len(inside):
            found += "".join(
                chr(code) for code in range(ord(inside[position]), ord(inside[position + 2]) + 1)
            )
            position += 3
        else:
            found += inside[position]
            position += 1
    return found
