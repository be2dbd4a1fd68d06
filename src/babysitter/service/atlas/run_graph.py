"""One run as pages: the run, its effects, breakpoints and findings, with all edges that its journal tells of.

Nothing but this run's journal, and files that a line of it names by digest, is read. Values are as stored, so
masked. The one pass over the lines is the fold below, one method an event.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from babysitter.journal.layout import JOURNAL, shown_facts_path, shown_path, task_file
from babysitter.journal.reader import Store, decode, read_json_blob, read_more
from babysitter.model import events as ev
from babysitter.model.changes import ChangesScan
from babysitter.model.errors import CorruptJournalError
from babysitter.model.findings import Finding, Scan
from babysitter.model.lines import Chain, Record
from babysitter.model.rules import ANYBODY
from babysitter.service.atlas.graph import Graph, Node
from babysitter.service.atlas.ids import finding_id, page_id, process_page_id
from babysitter.service.atlas.rules import answering_page_id, person_node, rule_page_id
from babysitter.service.state import RunState

MASKING = "masking"
"""The tool of findings that are credentials which were masked."""
_STATES: dict[type[ev.Event], str] = {
    ev.EffectStarted: "running",
    ev.EffectRetryScheduled: "backoff",
    ev.EffectUnknown: "unknown",
    ev.EffectCancelled: "cancelled",
    ev.BreakpointReleased: "released",
    ev.BreakpointRejected: "rejected",
    ev.BreakpointExpired: "expired",
    ev.BreakpointLapsed: "lapsed",
}


class _ShownScan(Struct, frozen=True):
    """Of the facts of a question, what scanners found."""

    scan: ChangesScan | None = None


def run_graph(store: Store, run_id: str, folder: str) -> tuple[Graph, int]:
    """Return the graph of a run, and at which byte of its journal the last line begins.

    Args:
        store: where the run is.
        run_id: which.
        folder: of the run's files, as its pages name them.

    Raises:
        NotFoundError: no such run.
        CorruptJournalError: its journal does not verify as far as it is read.
    """
    fold = _Fold(store, run_id, folder)
    chain, last, end = Chain(), 0, 0
    for record in read_more(store, run_id, chain, torn_tail_ok=True):
        fold.take(record)
        last, end = end, chain.offset
    fold.finish()
    return fold.graph, last


@dataclass(slots=True)
class _Fold:
    store: Store
    run_id: str
    folder: str
    graph: Graph = field(default_factory=Graph)
    state: RunState = field(default_factory=RunState)
    run: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Attributes of effects and breakpoints, by page."""

    @property
    def page(self) -> str:
        return page_id("run", self.run_id)

    def take(self, record: Record) -> None:
        """Take the next line."""
        event = decode(record, self.run_id)
        self.state.apply(event, seq=record.seq, recorded_at=record.recorded_at)
        step = self.APPLY.get(type(event))
        if step is not None:
            step(self, event, record)
        self._follow(event, record)

    def finish(self) -> None:
        """Make the run's own page, which tells where it stands."""
        state = self.state
        if state.created is None:
            raise CorruptJournalError(
                f"the journal of {self.run_id} does not begin with RUN_CREATED.",
                hint=f"Check it with: babysitter journal verify {self.run_id}",
                line=1,
            )
        where = {"status": state.status, "lines": state.seq, "steps": state.steps, "done": state.done}
        when = {"failed": state.failed, "createdAt": state.created_at, "updatedAt": state.updated_at}
        self._node(self.page, "Run", JOURNAL, self.run_id, {**self.run, **where, **when})

    def _node(self, node_id: str, kind: str, path: str, title: str, about: dict[str, Any]) -> None:
        shown = {"nodeKind": kind, "title": title, "displayName": title, "runId": self.run_id, **about}
        file = f"{self.folder}/{path}"
        self.graph.add(Node(id=node_id, kind=kind, file=file, cluster="runs", attributes=shown))

    def _mention(self, node_id: str, kind: str, cluster: str, title: str, about: dict[str, Any]) -> str:
        shown = {"nodeKind": kind, "title": title, "displayName": title, **about}
        return self.graph.mention(Node(id=node_id, kind=kind, file="", cluster=cluster, attributes=shown))

    def _person(self, name: str, edge: str, to: str) -> None:
        if name:
            self.graph.join(self.graph.mention(person_node(name, {})), edge, to)

    def _task(self, task_id: str) -> str:
        return self._mention(page_id("task", task_id), "Task", "processes", task_id, {"taskId": task_id})

    def _rule(self, node_id: str, rule_id: str) -> str:
        return self._mention(node_id, "Rule", "policy", rule_id, {"ruleId": rule_id, "inForce": False})

    def _created(self, event: ev.RunCreated, record: Record) -> None:
        self.run = _data(record)
        process = process_page_id(event.entry)
        about = {"processId": event.process_id, "entry": event.entry}
        self._mention(process, "Process", "processes", event.process_id, about)
        self.graph.join(self.page, "runs", process)
        self._person(event.requested_by, "requested", self.page)
        for name in event.authors:
            self._person(name, "authored", self.page)
        for name in event.trusted_by:
            self._person(name, "vouched_for", self.page)
        if event.parent_run_id:
            self.graph.join(page_id("run", event.parent_run_id), "started", self.page)

    def _admitted(self, event: ev.ProcessAdmitted, record: Record) -> None:
        del record
        for name in event.trusted_by:
            self._person(name, "vouched_for", self.page)

    def _child(self, event: ev.ChildStarted, record: Record) -> None:
        del record
        self.graph.join(self.page, "started", page_id("run", event.child_run_id))

    def _signal(self, event: ev.SignalReceived, record: Record) -> None:
        del record
        self._person(event.sender, "signalled", self.page)

    def _cancel(self, event: ev.RunCancelRequested, record: Record) -> None:
        del record
        self._person(event.by, "cancelled", self.page)

    def _end(self, event: ev.RunCompleted | ev.RunFailed | ev.RunCancelled, record: Record) -> None:
        del event
        self.run |= _data(record)

    def _secret(self, event: ev.SecretDetected, record: Record) -> None:
        fingerprint = event.fingerprint or f"line-{record.seq}"
        node_id = finding_id(self.run_id, MASKING, fingerprint)
        known = self.graph.nodes.get(node_id)
        places = [*(known.attributes["places"] if known is not None else ()), event.where]
        about = {"tool": MASKING, "rule": event.rule, "category": "credential", "fingerprint": fingerprint}
        title = f"masked: {event.rule}"
        self._node(node_id, "Finding", JOURNAL, title, {**about, "places": places})
        self.graph.join(self.page, "has_finding", node_id)

    def _effect(self, event: ev.EffectRequested, record: Record) -> None:
        node_id = self._part("effect", event.effect_id)
        about = {**_data(record), "state": "requested", "attempt": 0, "requestedAt": record.recorded_at}
        self._node(node_id, "Effect", task_file(event.effect_id, "task.json"), event.label, about)
        self.parts[node_id] = self.graph.nodes[node_id].attributes
        self.graph.join(self.page, "has_effect", node_id)
        self.graph.join(node_id, "of_task", self._task(event.task_id))

    def _started(self, event: ev.EffectStarted, record: Record) -> None:
        del record
        if event.approval:
            node_id = self._part("effect", event.effect_id)
            self.graph.join(node_id, "let_through_by", self._part("breakpoint", event.approval))

    def _resolved(self, event: ev.EffectResolved, record: Record) -> None:
        node_id = self._part("effect", event.effect_id)
        about = self.parts.get(node_id)
        if about is None:
            return
        about |= {**_data(record), "state": event.status, "resolvedAt": record.recorded_at}
        if about.get("kind") != "scan" or event.status != "ok":
            return
        result = event.result
        if event.result_ref is not None:
            result = self._blob(about, record.seq, event.result_ref)
        try:
            scan = msgspec.convert(result, Scan)
        except msgspec.ValidationError as error:
            about["unreadable"] = f"the result is no scan: {error}"
            return
        self._findings(node_id, scan.findings)

    def _asked(self, event: ev.BreakpointRequested, record: Record) -> None:
        node_id = self._part("breakpoint", event.breakpoint_id)
        about = {**_data(record), "state": "open", "askedAt": record.recorded_at, "answers": []}
        name = event.title or event.question
        self._node(node_id, "Breakpoint", shown_path(event.breakpoint_id), name, {**about, "title": name})
        self.parts[node_id] = kept = self.graph.nodes[node_id].attributes
        self.graph.join(self.page, "has_breakpoint", node_id)
        self.graph.join(node_id, "decided_by", self._rule(rule_page_id(event.rule), event.rule))
        for name in event.eligible:
            if name != ANYBODY:
                self._asks(node_id, name)
        for call in event.approves:
            self.graph.join(node_id, "covers", self._task(call.task_id))
        if event.call_id.endswith("!gate"):
            self._guards(node_id, event.call_id.removesuffix("!gate"))
        for ref in event.files:
            if ref.path == shown_facts_path(event.breakpoint_id):
                self._shown(node_id, kept, record.seq, ref)

    def _asks(self, node_id: str, name: str) -> None:
        self.graph.join(node_id, "asks", self.graph.mention(person_node(name, {})))

    def _guards(self, node_id: str, call_id: str) -> None:
        for effect in self.state.effects.values():
            if effect.requested.call_id == call_id:
                self.graph.join(node_id, "guards", self._part("effect", effect.requested.effect_id))

    def _shown(self, node_id: str, about: dict[str, Any], seq: int, ref: ev.BlobRef) -> None:
        try:
            facts = msgspec.convert(self._blob(about, seq, ref) or {}, _ShownScan)
        except msgspec.ValidationError as error:
            about["unreadable"] = f"{ref.path} does not say what scanners found: {error}"
            return
        self._findings(node_id, facts.scan.on_changed if facts.scan is not None else ())

    def _blob(self, about: dict[str, Any], seq: int, ref: ev.BlobRef) -> Any:  # noqa: ANN401 (any JSON)
        """Return a file's value; None where it is not what its line says, which the page then tells."""
        try:
            return read_json_blob(self.store, self.run_id, seq, ref)
        except CorruptJournalError as error:
            about["unreadable"] = error.message
            return None

    def _findings(self, node_id: str, findings: tuple[Finding, ...]) -> None:
        for each in findings:
            found = finding_id(self.run_id, each.tool, each.fingerprint)
            said = msgspec.to_builtins(each)
            about = {name: value for name, value in said.items() if name != "path"}
            title = f"{each.tool} {each.rule}: {each.path}"
            self._node(found, "Finding", JOURNAL, title, {**about, "sourcePath": each.path})
            self.graph.join(node_id, "has_finding", found)

    def _answered(self, event: ev.BreakpointResponded, record: Record) -> None:
        node_id = self._part("breakpoint", event.breakpoint_id)
        if node_id in self.parts:
            self.parts[node_id]["answers"].append({"at": record.recorded_at, **_data(record)})
        who = answering_page_id(event.approver)
        if who.startswith("rule:"):
            self.graph.join(self._rule(who, event.approver.partition(":")[2]), "answered", node_id)
        else:
            self._person(event.approver, "answered", node_id)

    def _passed_on(self, event: ev.BreakpointReassigned, record: Record) -> None:
        del record
        for name in event.to:
            self._asks(self._part("breakpoint", event.breakpoint_id), name)

    def _follow(self, event: ev.Event, record: Record) -> None:
        """Note a line on the page of the effect or breakpoint that it speaks of."""
        for prefix, name in (("effect", "effect_id"), ("breakpoint", "breakpoint_id")):
            about = self.parts.get(self._part(prefix, str(getattr(event, name, ""))))
            if about is None:
                continue
            line = {"seq": record.seq, "type": record.type, "recordedAt": record.recorded_at}
            about.setdefault("events", []).append(line)
            if type(event) in _STATES:
                about["state"] = _STATES[type(event)]
            if attempt := getattr(event, "attempt", 0):
                about["attempt"] = attempt

    def _part(self, prefix: str, name: str) -> str:
        return page_id(prefix, self.run_id, name)

    APPLY: ClassVar[dict[type[ev.Event], Callable[[Any, Any, Record], None]]] = {
        ev.RunCreated: _created,
        ev.ProcessAdmitted: _admitted,
        ev.ChildStarted: _child,
        ev.SignalReceived: _signal,
        ev.RunCancelRequested: _cancel,
        ev.RunCompleted: _end,
        ev.RunFailed: _end,
        ev.RunCancelled: _end,
        ev.SecretDetected: _secret,
        ev.EffectRequested: _effect,
        ev.EffectStarted: _started,
        ev.EffectResolved: _resolved,
        ev.BreakpointRequested: _asked,
        ev.BreakpointResponded: _answered,
        ev.BreakpointReassigned: _passed_on,
    }


def _data(record: Record) -> dict[str, Any]:
    """Return what a line says, as it is stored."""
    data: dict[str, Any] = msgspec.json.decode(record.data)
    return data
