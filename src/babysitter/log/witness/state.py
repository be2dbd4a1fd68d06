"""What a witness knows and decides: the newest tree of each log, and whether the next one goes on from it.

Invariants, each with a test in tests/unit/log/witness/test_state.py or tests/integration/witness:
    - a cosignature leaves only after what it says is durable;
    - of two requests from the same tree, one wins; the other is told the new size;
    - for one log and size no two roots are ever cosigned, whatever is killed when;
    - two checkpoints of one size and two roots, both signed by the log, are kept as proof of a fork;
    - after a failed write or a broken file nothing is cosigned any more until a fresh start.

Below the folder, ``<log>`` being the SHA-256 of the log's name in hex:
    logs/<log>/latest         the newest checkpoint, with our cosignature
    logs/<log>/seen/<size>    every checkpoint that was cosigned
    evidence/<log>/fork-<digest>        two signed checkpoints that cannot both be
    evidence/<log>/unproven-<digest>    a signed checkpoint that nobody could show to go on from ours

Source: C2SP tlog-witness, for the order of the checks and their statuses.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from babysitter.log.checkpoint import Checkpoint, read_checkpoint
from babysitter.log.notes import LOG_KEY, Note, VerifierKey, is_signed_by
from babysitter.log.tree import EMPTY_ROOT, is_consistent
from babysitter.log.witness.keys import LOGS, WitnessKey
from babysitter.log.witness.protocol import SIZE_TYPE, AddCheckpoint, parse_request
from babysitter.model.clock import Clock
from babysitter.model.errors import BabysitterError, NotFoundError, SettingsError, WitnessError
from babysitter.model.values import sha256_hex
from babysitter.stores.tree import Tree

EVIDENCE = "evidence"
EVIDENCE_MAX = 100
"""Of each kind, for each log. Only the log can make a fork; whoever has its notes can send a bad proof."""
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_PATH = re.compile(r"/(checkpoint|evidence)/([0-9a-f]{64})(?:/([a-z0-9-]{1,100}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered: an HTTP status and a body."""

    status: int
    body: str
    content_type: str = _TEXT


class Evidence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a witness keeps against a log. ``known`` and ``offered``: notes, both signed by the log.

    kind: ``fork``: one size, two roots: the log lied. ``unproven``: the proof that came with ``offered`` was
        wrong, which may be the sender's mistake; a right one clears the log.
    time_s: when it came, in seconds since 1970.
    """

    kind: str
    origin: str
    known: str
    offered: str
    time_s: int


class WitnessState:
    """The state of one witness, in one folder. Safe to call from many threads."""

    def __init__(self, folder: Tree, key: WitnessKey, logs: Mapping[str, VerifierKey], clock: Clock) -> None:
        for origin, log in logs.items():
            if log.kind != LOG_KEY:
                raise SettingsError(
                    f"the key given for the log {origin!r} is a witness's.",
                    hint="Ask the log's operator for its verifier key, the file log.vkey.",
                )
        self._folder = folder
        self._key = key
        self._logs = dict(logs)
        self._clock = clock
        self._mutex = threading.Lock()
        self._durable: dict[str, str] = {}
        self._is_dead = False

    def post(self, body: bytes) -> Reply:
        """Answer an add-checkpoint request."""
        try:
            request = parse_request(body)
            note, offered = read_checkpoint(request.note)
        except WitnessError as error:
            return Reply(status=400, body=f"{error.message}\n")
        log = self._logs.get(offered.origin)
        if log is None:
            return Reply(status=404, body="this log is not known here\n")
        signed = _signed_part(note, log)
        if not signed.signatures:
            return Reply(status=403, body="the log's known key did not sign this\n")
        if request.old_size > offered.size:
            return Reply(status=400, body="the old size is above the new one\n")
        with self._mutex:
            if self._is_dead:
                return _OUT_OF_ORDER
            try:
                return self._decide(request, signed, offered)
            except BabysitterError:
                # The disk failed, or what is kept here is not what was written.
                self._is_dead = True
                return _OUT_OF_ORDER

    def get(self, path: str) -> Reply:
        """Answer whoever asks what was seen, or what was kept against a log."""
        found = _PATH.fullmatch(path)
        if not found:
            return _NOT_FOUND
        what, log, name = found.groups()
        if what == EVIDENCE and name is None:
            names = self._folder.names(f"{EVIDENCE}/{log}")
            return Reply(status=200, body=msgspec.json.encode(names).decode(), content_type=_JSON)
        if what == EVIDENCE:
            return self._file(f"{EVIDENCE}/{log}/{name}", _JSON)
        return self._file(f"{LOGS}/{log}/latest" if name is None else f"{LOGS}/{log}/seen/{name}", _TEXT)

    def _decide(self, request: AddCheckpoint, note: Note, offered: Checkpoint) -> Reply:
        log = sha256_hex(offered.origin.encode())
        latest = self._read(f"{LOGS}/{log}/latest")
        known = None if latest is None else read_checkpoint(latest)[1]
        size, root = (known.size, known.root) if known else (0, EMPTY_ROOT)
        before = self._read(f"{LOGS}/{log}/seen/{offered.size}")
        if before is not None and read_checkpoint(before)[1].root != offered.root:
            self._keep_evidence("fork", before, note, offered)
            return _conflict(size)
        if request.old_size != size:
            return _conflict(size)
        if not is_consistent(size, offered.size, root, offered.root, request.proof):
            if latest is not None:
                self._keep_evidence("unproven", latest, note, offered)
            return Reply(status=422, body="the proof does not show that the log only grew\n")
        return self._cosign(log, note, offered, is_seen=before is not None)

    def _cosign(self, log: str, note: Note, offered: Checkpoint, *, is_seen: bool) -> Reply:
        signature = self._key.cosign(note.text, self._clock.now_ns() // 1_000_000_000)
        # What an earlier process wrote may be in the page cache only: just our own durable write counts.
        if self._durable.get(log) != note.text:
            text = str(note.with_signatures(signature)).encode()
            if not is_seen:
                self._folder.replace(f"{LOGS}/{log}/seen/{offered.size}", text, durable=True)
            self._folder.replace(f"{LOGS}/{log}/latest", text, durable=True)
            self._durable[log] = note.text
        return Reply(status=200, body=str(signature))

    def _keep_evidence(self, kind: str, known: str, offered: Note, checkpoint: Checkpoint) -> None:
        folder = f"{EVIDENCE}/{sha256_hex(checkpoint.origin.encode())}"
        name = f"{kind}-{sha256_hex((read_checkpoint(known)[0].text + offered.text).encode())}"
        kept = self._folder.names(folder)
        if name in kept or sum(each.startswith(f"{kind}-") for each in kept) >= EVIDENCE_MAX:
            return
        evidence = Evidence(
            kind=kind,
            origin=checkpoint.origin,
            known=known,
            offered=str(offered),
            time_s=self._clock.now_ns() // 1_000_000_000,
        )
        self._folder.replace(f"{folder}/{name}", msgspec.json.encode(evidence), durable=True)

    def _read(self, path: str) -> str | None:
        try:
            return self._folder.read(path).decode(errors="replace")
        except NotFoundError:
            return None

    def _file(self, path: str, content_type: str) -> Reply:
        try:
            text = self._read(path)
        except BabysitterError:
            return _OUT_OF_ORDER
        return _NOT_FOUND if text is None else Reply(status=200, body=text, content_type=content_type)


_OUT_OF_ORDER = Reply(status=503, body="this witness is out of order; its operator has to look\n")
_NOT_FOUND = Reply(status=404, body="there is nothing here\n")


def _conflict(size: int) -> Reply:
    return Reply(status=409, body=f"{size}\n", content_type=SIZE_TYPE)


def _signed_part(note: Note, log: VerifierKey) -> Note:
    """Return the note with no other signatures than those of the log that hold."""
    holding = (
        each for each in note.signatures if is_signed_by(Note(text=note.text, signatures=(each,)), log)
    )
    return Note(text=note.text, signatures=tuple(dict.fromkeys(holding)))
