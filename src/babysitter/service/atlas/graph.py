"""Pages and the edges between them, held together: every edge once, found from both of its ends.

A page's incoming edges are those edges of the same set whose other end points at it, so the one direction
can't say anything else than the other.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from babysitter.service.atlas.records import Edge, Page
from babysitter.service.atlas.vocabulary import EDGE_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A page without its edges; see records.Page."""

    id: str
    kind: str
    file: str
    cluster: str
    attributes: dict[str, Any]

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.attributes.get("title") or self.id)


@dataclass(slots=True)
class Graph:
    """Nodes by id; edges by each end, each once, in the order in which they came.

    mentioned: nodes that are told of here and may be known better elsewhere.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    mentioned: dict[str, Node] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    _from: dict[str, list[Edge]] = field(default_factory=lambda: defaultdict(list))
    _to: dict[str, list[Edge]] = field(default_factory=lambda: defaultdict(list))

    def add(self, node: Node) -> str:
        """Take a node; the last one of an id stays."""
        self.nodes[node.id] = node
        return node.id

    def mention(self, node: Node) -> str:
        """Take a node that is told of here by name; the first one of an id stays."""
        self.mentioned.setdefault(node.id, node)
        return node.id

    def join(self, from_: str, kind: str, to: str) -> None:
        """Take an edge; the same one twice is one."""
        assert kind in EDGE_KINDS, kind
        edge = Edge(from_=from_, to=to, kind=kind)
        if edge not in self.edges:
            self.edges[edge] = None
            self._from[from_].append(edge)
            self._to[to].append(edge)

    def take(self, other: "Graph") -> None:
        """Take all of another graph."""
        for node in other.nodes.values():
            self.add(node)
        for node in other.mentioned.values():
            self.mention(node)
        for edge in other.edges:
            self.join(edge.from_, edge.kind, edge.to)

    def outgoing(self, node_id: str) -> list[Edge]:
        """Return the edges that begin there."""
        return self._from.get(node_id, [])

    def incoming(self, node_id: str) -> list[Edge]:
        """Return the edges that end there."""
        return self._to.get(node_id, [])


def page_of(node: Node, graphs: Iterable[Graph]) -> Page:
    """Return a node as a page, with its edges from all of the graphs."""
    whole = list(graphs)
    outgoing = dict.fromkeys(edge for graph in whole for edge in graph.outgoing(node.id))
    incoming = dict.fromkeys(edge for graph in whole for edge in graph.incoming(node.id))
    return Page(
        id=node.id,
        kind=node.kind,
        file=node.file,
        cluster=node.cluster,
        attributes=node.attributes,
        outgoing_edges=tuple(outgoing),
        incoming_edges=tuple(incoming),
    )
