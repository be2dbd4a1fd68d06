"""What kind of weakness a tool's rule is about: by its CWE number, else by the rule's name.

Source of the numbers: MITRE, "Common Weakness Enumeration", version 4.16.
"""

import re
from collections.abc import Iterable
from typing import Final, get_args

from babysitter.model.findings import Category

CATEGORIES: Final[frozenset[str]] = frozenset(get_args(Category))
_BY_CWE: Final[dict[int, Category]] = {
    **dict.fromkeys((89, 564, 943), "sql-injection"),
    **dict.fromkeys((79, 80, 83, 87, 116), "xss"),
    **dict.fromkeys((77, 78, 88, 94, 95, 96), "command-injection"),
    **dict.fromkeys((22, 23, 35, 36, 73, 98), "path-traversal"),
    918: "ssrf",
    **dict.fromkeys((502, 915), "deserialization"),
    **dict.fromkeys((256, 259, 321, 522, 798), "credential"),
    **dict.fromkeys((937, 1035, 1104, 1395), "dependency"),
    **dict.fromkeys((250, 269, 276, 732, 862, 863), "permission"),
}  # fmt: skip


_BY_BANDIT: Final[dict[str, Category]] = {
    **dict.fromkeys(("608", "610", "611"), "sql-injection"),
    **dict.fromkeys(("308", "701", "702", "703", "704"), "xss"),
    **dict.fromkeys(("102", "307", "404", "601", "602", "603", "604", "605"), "command-injection"),
    **dict.fromkeys(("606", "607", "609"), "command-injection"),
    "202": "path-traversal",
    **dict.fromkeys(("301", "302", "403", "506", "614"), "deserialization"),
    **dict.fromkeys(("105", "106", "107"), "credential"),
    "310": "ssrf",
    "103": "permission",
}  # fmt: skip


def category_of_bandit(number: str) -> Category | None:
    """Return the category of a rule of bandit's, which Ruff has under the same number, or None."""
    return _BY_BANDIT.get(number)


def category_of_cwe(said: object) -> Category:
    """Return the category of what a tool says of CWE: a number, ``CWE-89: …``, or several of these."""
    parts = said if isinstance(said, list | tuple) else [said]
    for part in parts:
        found = re.search(r"\d+", str(part))
        if found and int(found[0]) in _BY_CWE:
            return _BY_CWE[int(found[0])]
    return "other"


def category_named(word: object) -> Category | None:
    """Return the category that the word is the name of, or None."""
    return next((each for each in _categories() if each == word), None)


def _categories() -> Iterable[Category]:
    categories: tuple[Category, ...] = get_args(Category)
    return categories
