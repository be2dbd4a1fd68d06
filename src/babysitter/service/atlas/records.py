"""A page as a record, and the one form of JSON in which it is given: what a page reads is what it shows.

The form is that of the pages of other atlases, so that theirs load and are given back byte for byte:
members in the order of the fields below, one space of indentation a level, characters as they are and not as
escapes, no line break at the end. Reference: docs/reference/atlas.md.
"""

import json
import math
from typing import Any

import msgspec
from msgspec import field

from babysitter.model.errors import RefusedError
from babysitter.service.views import View


class Edge(View, frozen=True, kw_only=True):
    """One edge between two pages, named by their ids; ``kind``: of ``vocabulary.EDGE_KINDS``, or theirs."""

    from_: str = field(name="from")
    to: str
    kind: str


class Page(
    View,
    frozen=True,
    kw_only=True,
    rename={
        "kind": "_kind",
        "file": "_file",
        "cluster": "_cluster",
        "outgoing_edges": "outgoingEdges",
        "incoming_edges": "incomingEdges",
    },
):
    """One record.

    file: where it is read from, with ``/``, relative to what its cluster is about.
    attributes: what the page is about, in the order in which it is shown; ``nodeKind`` first.
    """

    id: str
    kind: str
    file: str
    cluster: str
    attributes: dict[str, Any]
    outgoing_edges: tuple[Edge, ...] = ()
    incoming_edges: tuple[Edge, ...] = ()

    @property
    def title(self) -> str:
        """What people call it; the id where the record does not say."""
        for name in ("title", "displayName"):
            if isinstance(said := self.attributes.get(name), str) and said:
                return said
        return self.id


def page_bytes(page: Page) -> bytes:
    """Return a record as JSON, in the form that the module describes."""
    return as_json(msgspec.to_builtins(page))


def as_json(value: Any) -> bytes:  # noqa: ANN401 (any JSON)
    """Return any JSON value in that form.

    Raises:
        RefusedError: it is nested deeper than anything that a process can write.
    """
    try:
        text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise RefusedError(
            "a value of this page is nested too deep to be shown.",
            hint="Nothing of ours writes such a thing; look who made it.",
        ) from None
    # Half a pair of surrogates has no UTF-8; an escape is how JSON says it.
    return text.encode("utf-8", "backslashreplace")


def read_page(data: bytes) -> Page:
    """Return the record that JSON holds; members that it has besides are not part of it.

    Raises:
        ValueError: it is no such record.
    """
    try:
        return msgspec.convert(json.loads(data, parse_constant=_number, parse_float=_number), Page)
    except RecursionError:
        raise ValueError("it is nested deeper than any record") from None


def _number(text: str) -> float:
    """Return a number of JSON; infinity and what is none, which Python would write, are refused."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number
