"""Having the log's checkpoints seen by others, as the settings name them.

A witness that is away stops nothing: what it has not seen is said here, by ``witness
list`` and by verification, and the next leaf brings it up to date. A witness that has
seen another log, or more of it, stops everything: somebody rewrote what it has seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.notes import is_signed_by, parse_key
from babysitter.log.tree import consistency_proof
from babysitter.log.witness.endpoint import Endpoint
from babysitter.log.witness.git import GitWitness
from babysitter.log.witness.http import HttpWitness
from babysitter.log.witness.interface import CheckpointUpdate, Cosigned, Witness
from babysitter.log.witness.timestamp import TimestampWitness
from babysitter.log.workspace_log import WorkspaceLog
from babysitter.model.clock import Clock
from babysitter.model.errors import NotFoundError, WitnessError
from babysitter.model.evidence_settings import LogTable, WitnessTable
from babysitter.model.runner import Programs
from babysitter.service.views import View


class WitnessView(View, frozen=True, kw_only=True):
    """A witness that was shown the newest checkpoint. ``problem``: why it did not see it, or empty."""

    name: str
    kind: str
    size: int
    problem: str


@dataclass(slots=True, kw_only=True)
class Witnessing:
    """Shows checkpoints to a workspace's witnesses. ``problems``: of those that did not see the last."""

    settings: LogTable
    log: WorkspaceLog
    root: Path
    programs: Callable[[], Programs]
    clock: Clock
    problems: dict[str, str] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)

    def update(self) -> list[WitnessView]:
        """Show every witness the newest checkpoint; return what became of it. Who is away is left for later.

        Raises:
            WitnessError: a witness has seen another log, or more of it than there is.
        """
        note = self.log.checkpoint()
        if note is None:
            return []
        size = read_checkpoint(note)[1].size
        hashes = self.log.hashes()
        views = []
        for table in self.settings.witnesses:
            update = CheckpointUpdate(
                note=note,
                prove=lambda old: consistency_proof(hashes, old, size),
                known_size=self._known.get(table.name, 0),
            )
            problem = self._cosigned(table, update, size)
            self.problems.pop(table.name, None)
            if problem:
                self.problems[table.name] = problem
            views.append(WitnessView(name=table.name, kind=table.kind, size=size, problem=problem))
        return views

    def seen(self) -> dict[str, list[str]]:
        """Return the checkpoints that witnesses show to whoever asks, by witness; what proves a rollback.

        Raises:
            WitnessError: one is away.
        """
        origin = self._origin()
        found: dict[str, list[str]] = {}
        for table in self.settings.witnesses:
            witness = self._witness(table)
            if isinstance(witness, HttpWitness):
                note = witness.seen(origin)
                found[table.name] = [note] if note is not None else []
            elif isinstance(witness, GitWitness):
                found[table.name] = witness.seen(origin)[:1]
        return found

    def _cosigned(self, table: WitnessTable, update: CheckpointUpdate, size: int) -> str:
        """Return why the witness did not see the checkpoint; empty when it did, and that is kept."""
        try:
            cosigned = self._witness(table).cosign(update)
        except WitnessError as error:
            if self._proves_a_rewrite(error):
                raise
            return error.message
        self._known[table.name] = size
        self._keep(table, update.note, size, cosigned)
        return ""

    def _proves_a_rewrite(self, error: WitnessError) -> bool:
        """Tell whether what a witness shows for its refusal is signed by this very log's key.

        A refusal alone is anybody's word, and a witness that is broken must not stop every run.
        """
        reason, seen = error.facts.get("reason"), str(error.facts.get("seen") or "")
        if reason == "lost":
            return True
        if reason not in ("fork", "ahead") or not seen:
            return False
        key = self.log.verifier()
        try:
            note = read_checkpoint(seen)[0]
        except WitnessError:
            return False
        is_ours = key is not None and is_signed_by(note, key)
        return is_ours and (reason == "fork" or self._is_short_of(error))

    def _is_short_of(self, error: WitnessError) -> bool:
        """Tell whether the log has fewer lines than a witness has seen; others may just have added some."""
        return len(self.log.hashes()) < int(error.facts.get("size", 0))

    def _keep(self, table: WitnessTable, note: str, size: int, cosigned: Cosigned) -> None:
        path = f"checkpoints/{size}"
        # With the log in hand: another process may be keeping another witness's signature of it.
        with self.log.alone():
            try:
                kept = read_checkpoint(self.log.read(path).decode())[0]
            except NotFoundError:
                kept = read_checkpoint(note)[0]
            if cosigned.signatures or cosigned.token:
                # A token stamps the text of the checkpoint, so whoever checks it needs that too.
                signed = kept.with_signatures(*cosigned.signatures)
                self.log.keep("checkpoints", str(size), str(signed).encode())
        if cosigned.token:
            self.log.keep("checkpoints", f"{size}.{table.name}.tsr", cosigned.token)

    def _witness(self, table: WitnessTable) -> Witness:
        timeout_s = self.settings.witness_timeout_s
        match table.kind:
            case "http":
                endpoint = Endpoint(witness=table.name, url=table.url, timeout_s=timeout_s)
                return HttpWitness(name=table.name, key=parse_key(table.key), endpoint=endpoint)
            case "git":
                return GitWitness(
                    name=table.name,
                    remote=table.url,
                    branch=table.branch,
                    folder=str((self.log.folder / f"git-{table.name}").resolve()),
                    programs=self.programs(),
                    clock=self.clock,
                    timeout_s=max(timeout_s, 1.0),
                )
            case "timestamp":
                endpoint = Endpoint(witness=table.name, url=table.url, timeout_s=timeout_s)
                return TimestampWitness(name=table.name, endpoint=endpoint, roots=self._roots(table))

    def _roots(self, table: WitnessTable) -> bytes:
        try:
            return (self.root / table.roots).read_bytes()
        except OSError as error:
            raise WitnessError(
                f"witness {table.name} has no readable roots: {error.strerror}.",
                hint="Name a PEM file as roots.",
                witness=table.name,
                reason="settings",
            ) from None

    def _origin(self) -> str:
        key = self.log.verifier()
        if key is None:
            raise NotFoundError("there is no log yet.", hint="Start a run first.")
        return key.name
