"""Ids of pages: ``prefix:name``, made of characters that stand in an address as they are.

An id is the same as long as what it names is, and tells which journal or file the page is read from. A
character that an address would change is written ``~`` and its UTF-8 bytes in hex; nor does a name end in
``.json`` or have a part that is a dot, so that ``/atlas/<id>.json`` and every link mean one page only.
"""

import re
from typing import Final

_PLAIN: Final = re.compile(r"[^A-Za-z0-9._@+!,=/:-]")
_ESCAPED: Final = re.compile(r"~([0-9A-F]{2}(?:~[0-9A-F]{2})*)")
_ID: Final = re.compile(r"[a-z][a-z0-9_-]*:[A-Za-z0-9._@+!,=/:~-]+")
ID_CHARS_MAX: Final = 1024


def page_id(prefix: str, *parts: str) -> str:
    """Return the id of what has this name, or this name within another: ``effect:<run>/<effect>``."""
    return f"{prefix}:{_safe('/'.join(parts))}"


def finding_id(run_id: str, tool: str, fingerprint: str) -> str:
    """Return the id of a finding of a run: the same for whoever in the run reports it."""
    return page_id("finding", run_id, tool, fingerprint)


def process_page_id(entry: str) -> str:
    """Return the id of the process of a normalised ENTRY: ``path/to/file.py#name`` becomes ``…py:name``."""
    return page_id("process", entry.replace("#", ":", 1))


def prefix_of(text: str) -> str:
    """Return how an id begins, before the colon; empty when it is not in the form of one of ours."""
    return text.partition(":")[0] if len(text) <= ID_CHARS_MAX and _ID.fullmatch(text) else ""


def name_in(text: str) -> str:
    """Return the name that an id was made of."""
    return _ESCAPED.sub(_unescaped, text.partition(":")[2])


def run_in(text: str) -> str:
    """Return the run that an id of a run, or of something in a run, names."""
    return name_in(text).partition("/")[0]


def _unescaped(found: re.Match[str]) -> str:
    return bytes.fromhex(found[1].replace("~", "")).decode("utf-8", "surrogateescape")


def _safe(name: str) -> str:
    text = _PLAIN.sub(lambda found: _escaped(found[0]), name)
    # What an address would take away: parts that are empty or dots.
    parts = [_escaped(part) if part in (".", "..") else part for part in text.split("/")]
    joined = re.sub(r"/(?=/)|^/|/$", _escaped("/"), "/".join(parts))
    return f"{joined.removesuffix('.json')}~2Ejson" if joined.endswith(".json") else joined


def _escaped(text: str) -> str:
    return "".join(f"~{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))
