"""A witness that speaks HTTP and checks: it cosigns what only grew, and refuses a rollback or fork.

Its cosignature is verified before it is believed; that it answered proves nothing.

Source: C2SP tlog-witness. ``GET /checkpoint`` and ``GET /evidence`` are our own witness's; others answer 404.
"""

from dataclasses import dataclass

import msgspec

from babysitter.log.checkpoint import Checkpoint, read_checkpoint
from babysitter.log.notes import WITNESS_KEY, Note, VerifierKey, cosigned_at, parse_signature
from babysitter.log.witness.endpoint import Endpoint
from babysitter.log.witness.interface import (
    CheckpointUpdate,
    Cosigned,
    fork_seen,
    not_cosigned,
    witness_ahead,
)
from babysitter.log.witness.protocol import ADD_CHECKPOINT, SIZE_TYPE, format_request, parse_size
from babysitter.model.errors import WitnessError
from babysitter.model.values import sha256_hex
from babysitter.transport.exchange import Answer

_SIGNATURES_MAX = 16
_REFUSALS = {
    403: (
        "does not accept the signature of this log's key",
        "Send its operator the log's verifier key (log.vkey).",
    ),
    404: (
        "does not know this log",
        "Ask its operator to add it: the log's name and verifier key (log.vkey).",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpWitness:
    """See interface.Witness. ``key``: the only one whose cosignatures are believed."""

    name: str
    key: VerifierKey
    endpoint: Endpoint

    def __post_init__(self) -> None:
        if self.key.kind != WITNESS_KEY:
            raise not_cosigned(
                self.name,
                "settings",
                "has a key that is not a witness's",
                "A witness's verifier key is of type 4; this one signs logs. Ask whoever runs it.",
            )

    def cosign(self, update: CheckpointUpdate) -> Cosigned:
        """See Witness. A witness that names another size is asked once more, from there.

        What it says against the log (ahead, fork) is a claim. ``facts['seen']`` is the checkpoint that it
        shows for it, or empty: when the log's own key signed that, the claim is proven.
        """
        note, ours = update.read()
        try:
            return self._cosigned(update, note, ours)
        except WitnessError as error:
            if error.facts.get("reason") in ("ahead", "fork"):
                error.facts["seen"] = self._shown(ours.origin)
            raise

    def seen(self, origin: str) -> str | None:
        """Return the newest checkpoint that the witness has cosigned; None when it has none or does not tell.

        Raises:
            WitnessError: it is away, or shows something that it has not cosigned.
        """
        answer = self.endpoint.get(f"/checkpoint/{sha256_hex(origin.encode())}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._refusal(answer)
        try:
            text = answer.body.decode()
            note, checkpoint = read_checkpoint(text)
        except (UnicodeDecodeError, WitnessError):
            raise self._proves_nothing("shows something that is no checkpoint") from None
        if checkpoint.origin != origin or cosigned_at(note, self.key) is None:
            raise self._proves_nothing("shows a checkpoint that it has not cosigned")
        return text

    def evidence(self, origin: str) -> tuple[str, ...]:
        """Return the names of what the witness has kept against a log: ``/evidence/<address>/<name>``.

        Raises:
            WitnessError: it is away, or its answer is no such list.
        """
        answer = self.endpoint.get(f"/evidence/{sha256_hex(origin.encode())}")
        if answer.status == 404:
            return ()
        if answer.status != 200:
            raise self._refusal(answer)
        try:
            return msgspec.json.decode(answer.body, type=tuple[str, ...])
        except msgspec.DecodeError:
            raise self._proves_nothing("shows no list of evidence") from None

    def _cosigned(self, update: CheckpointUpdate, note: Note, ours: Checkpoint) -> Cosigned:
        old_size = min(update.known_size, ours.size)
        answer = self._send(update, old_size)
        if answer.status == 409:
            old_size = self._size_it_knows(answer, old_size, ours)
            answer = self._send(update, old_size)
        if answer.status == 409:
            raise self._second_conflict(answer, old_size, ours)
        if answer.status == 422:
            # The proof is ours and right: the witness's tree is another one.
            raise fork_seen(self.name, old_size)
        if answer.status != 200:
            raise self._refusal(answer)
        return self._believed(note, answer)

    def _shown(self, origin: str) -> str:
        try:
            return self.seen(origin) or ""
        except WitnessError:
            # It claims, and shows nothing that it cosigned; the claim itself is already being raised.
            return ""

    def _send(self, update: CheckpointUpdate, old_size: int) -> Answer:
        body = format_request(old_size, update.prove(old_size), update.note)
        return self.endpoint.post(ADD_CHECKPOINT, body, "text/plain; charset=utf-8")

    def _size_it_knows(self, answer: Answer, old_size: int, ours: Checkpoint) -> int:
        """Return the size from which to try again, where that can help."""
        size = parse_size(answer.body) if answer.content_type == SIZE_TYPE else None
        # It agrees about the size and refuses all the same: it knows another root.
        if size == old_size or (size is None and old_size == ours.size):
            raise fork_seen(self.name, ours.size)
        if size is None:
            raise self._proves_nothing("refuses, and does not say which size it knows")
        if size > ours.size:
            raise witness_ahead(self.name, size, ours.size)
        return size

    def _second_conflict(self, answer: Answer, old_size: int, ours: Checkpoint) -> WitnessError:
        size = self._size_it_knows(answer, old_size, ours)
        return not_cosigned(
            self.name,
            "conflict",
            f"has seen {size} lines meanwhile",
            "Others are sending as well: try again.",
        )

    def _refusal(self, answer: Answer) -> WitnessError:
        if answer.status in _REFUSALS:
            what, hint = _REFUSALS[answer.status]
            return not_cosigned(self.name, "refused", what, hint, status=answer.status)
        if answer.status >= 500 or answer.status == 429:
            what, hint = f"is out of order (status {answer.status})", "Try again later; tell whoever runs it."
            return not_cosigned(self.name, "away", what, hint, status=answer.status)
        what, hint = f"answered with status {answer.status}", "Look at its address in the settings."
        return not_cosigned(self.name, "answer", what, hint, status=answer.status)

    def _believed(self, note: Note, answer: Answer) -> Cosigned:
        try:
            lines = answer.body.decode().splitlines()[:_SIGNATURES_MAX]
            offered = [parse_signature(line) for line in lines]
        except (UnicodeDecodeError, WitnessError):
            raise self._proves_nothing("answered something that is no cosignature") from None
        for each in offered:
            time_s = cosigned_at(Note(text=note.text, signatures=(each,)), self.key)
            if time_s is not None:
                return Cosigned(signatures=(each,), time_s=time_s)
        raise self._proves_nothing("answered with a cosignature that its key did not make")

    def _proves_nothing(self, what: str) -> WitnessError:
        hint = "Look at its address and key in the settings; ask whoever runs it whether the key was changed."
        return not_cosigned(self.name, "answer", what, hint)
