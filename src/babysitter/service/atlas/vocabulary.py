"""The kinds of pages and of edges that Babysitter makes. Reference: docs/reference/atlas.md."""

from typing import Final

from babysitter.service.views import View


class KindView(View, frozen=True, kw_only=True):
    """A kind of page. ``prefix``: how its ids begin; empty for kinds of imported pages."""

    kind: str
    prefix: str
    cluster: str
    title: str
    means: str


def _kind(kind: str, cluster: str, title: str, means: str) -> KindView:
    return KindView(kind=kind, prefix=kind.lower(), cluster=cluster, title=title, means=means)


KINDS: Final = (
    _kind(
        "Page", "babysitter", "Babysitter's own pages", "a page of Babysitter's documentation, or a folder"
    ),
    _kind("Document", "workspace", "Documents", "a Markdown file of the workspace, or a folder of them"),
    _kind("Process", "processes", "Processes", "a process: found in the workspace's code, or named by a run"),
    _kind("Task", "processes", "Tasks", "a definition of work, by its name in journals"),
    _kind("Run", "runs", "Runs", "one execution of a process"),
    _kind("Effect", "runs", "Effects", "one request for a task in a run"),
    _kind("Breakpoint", "runs", "Breakpoints", "one question to people, with its answers"),
    _kind("Finding", "runs", "Findings", "what a scanner reported in a run, or what was masked there"),
    _kind("Person", "people", "People", "somebody who starts, answers or signs"),
    _kind("Rule", "policy", "Rules", "who must answer what, or what answers in a person's place"),
)
OF_A_RUN: Final = frozenset({"run", "effect", "breakpoint", "finding"})
"""Prefixes of what one journal tells all of."""
SHARED: Final = frozenset({"process", "task", "person", "rule"})
"""Prefixes of what many journals speak of."""

EDGE_KINDS: Final = {
    "contains_page": "a folder has this page, or this folder, in it",
    "links_to": "the text of one page links to another",
    "documents": "a document links to the file of a process",
    "has_task": "the files that a process consists of define the task",
    "runs": "a run executes a process",
    "started": "a run started another one as its child",
    "has_effect": "a run asked for an effect",
    "has_breakpoint": "a run asked people",
    "has_finding": "a run, an effect or a breakpoint has a finding",
    "of_task": "an effect is a request for a task",
    "let_through_by": "an effect started by the release of a breakpoint",
    "guards": "a breakpoint that the worker raised holds an effect back until it is answered",
    "covers": "a breakpoint's release lets calls of a task start",
    "decided_by": "a rule decides who must answer a breakpoint",
    "asks": "a breakpoint is put to a person",
    "answered": "a person, or a rule in a person's place, answered a breakpoint",
    "requested": "a person started a run",
    "authored": "a person counts as an author of a run",
    "vouched_for": "a person's word let the code of a run start",
    "signalled": "a person sent a signal to a run",
    "cancelled": "a person asked a run to stop",
    "names": "a rule names a person who may approve by it",
    "has_account": "a person starts runs under the name of a local account",
}
