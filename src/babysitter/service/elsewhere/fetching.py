"""The bytes behind a question, fetched from a server: its journal up to the question, and all that it shows.

Fetched and not believed: ``Fetched`` is read by the very code that reads a store on this machine, which
holds every byte against the chain and its digests. What is fetched is bounded, whatever the server gives.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from babysitter.journal.layout import shown_path
from babysitter.journal.reader import decode
from babysitter.journal.recovery import corrupt
from babysitter.model import events as ev
from babysitter.model.errors import NotFoundError, RefusedError, SignatureError
from babysitter.model.lines import BrokenLineError, Chain
from babysitter.service.access.remote import API, Remote

PIECE_BYTES = 4 * 1024 * 1024
"""How much is asked for at once; a server gives no more."""
JOURNAL_BYTES_MAX = 256 * 1024 * 1024
DOCUMENT_BYTES_MAX = 32 * 1024 * 1024
FILES_BYTES_MAX = 256 * 1024 * 1024
"""Of all files together that a question shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A question of a server. ``workspace`` empty: whichever has the run."""

    run_id: str
    breakpoint_id: str
    workspace: str = ""

    @property
    def path(self) -> str:
        """Where it is in the server's API."""
        return f"{self.run_path}/breakpoints/{quote(self.breakpoint_id, safe='')}"

    @property
    def run_path(self) -> str:
        """Where its run is."""
        return f"{API}/runs/{quote(self.run_id, safe='')}"

    def query(self, **more: int) -> str:
        """Return the query that says which workspace is meant, and more."""
        where = {"workspace": self.workspace} if self.workspace else {}
        return urlencode({**where, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Some bytes of one run, as a server gave them; see stores.interface.RunBytes."""

    run_id: str
    journal: bytes
    files: dict[str, bytes]

    def read_journal(self, run_id: str, *, offset: int = 0) -> bytes:
        """See RunBytes."""
        self._check(run_id)
        return self.journal[offset:]

    def read_file(self, run_id: str, path: str) -> bytes:
        """See RunBytes."""
        self._check(run_id)
        if path not in self.files:
            raise NotFoundError(f"the server did not give {path[:200]}.", hint="Ask it again.")
        return self.files[path]

    def _check(self, run_id: str) -> None:
        if run_id != self.run_id:
            raise NotFoundError(f"run {run_id[:80]} was not fetched.", hint="Look at the id.")


def fetch(remote: Remote, named: Named) -> Fetched:
    """Return the bytes behind a question.

    Raises:
        CorruptJournalError: the lines up to the question do not chain, or are none of ours.
        NotFoundError: there is no such question, or the server does not give a file that it shows.
        SignatureError: a file is larger than its line says.
        RefusedError: it is more than is fetched.
        BabysitterError: what the server says.
    """
    journal, asked = _journal(remote, named)
    files = {ref.path: _shown_file(remote, named, ref) for ref in _bounded(asked)}
    path = shown_path(asked.breakpoint_id)
    document = _whole(remote, named, path, DOCUMENT_BYTES_MAX)
    if len(document) > DOCUMENT_BYTES_MAX:
        raise _too_much("shown.md", DOCUMENT_BYTES_MAX)
    return Fetched(run_id=named.run_id, journal=journal, files={**files, path: document})


def _journal(remote: Remote, named: Named) -> tuple[bytes, ev.BreakpointRequested]:
    """Return the journal up to the end of the question's line, and the question."""
    chain, data = Chain(), bytearray()
    while len(data) <= JOURNAL_BYTES_MAX:
        query = named.query(offset=len(data), until=len(data) + PIECE_BYTES)
        piece = remote.read(f"{named.run_path}/journal?{query}", PIECE_BYTES)
        data += piece
        asked = _asked_in(chain, bytes(data[chain.offset :]), named)
        if asked is not None:
            return bytes(data[: chain.offset]), asked
        if len(piece) < PIECE_BYTES:
            raise NotFoundError(
                f"the journal that the server gives never asks {named.breakpoint_id[:80]}.",
                hint="See what waits with: babysitter inbox --server URL",
            )
    raise _too_much("the journal", JOURNAL_BYTES_MAX)


def _asked_in(chain: Chain, tail: bytes, named: Named) -> ev.BreakpointRequested | None:
    """Return the question where it is in the whole lines of ``tail``; the chain then stands behind it."""
    try:
        for record in chain.read(tail[: tail.rfind(b"\n") + 1]):
            if record.type == ev.BreakpointRequested.type:
                event = decode(record, named.run_id)
                assert isinstance(event, ev.BreakpointRequested), "its type says so"
                if event.breakpoint_id == named.breakpoint_id:
                    return event
    except BrokenLineError as broken:
        raise corrupt(named.run_id, broken.seq, broken.problem) from broken
    return None


def _bounded(asked: ev.BreakpointRequested) -> tuple[ev.BlobRef, ...]:
    sizes = [ref.bytes for ref in asked.files]
    if sum(sizes) > FILES_BYTES_MAX or any(size < 0 for size in sizes):
        raise _too_much("what the question shows", FILES_BYTES_MAX)
    return asked.files


def _shown_file(remote: Remote, named: Named, ref: ev.BlobRef) -> bytes:
    data = _whole(remote, named, ref.path, ref.bytes)
    if len(data) != ref.bytes:
        raise SignatureError(
            f"{ref.path[:200]} has not the {ref.bytes} bytes that its line says, "
            "so nothing may be signed over it.",
            hint="The server does not give what was shown. Ask who runs it.",
            reason="shown",
        )
    return data


def _whole(remote: Remote, named: Named, path: str, most: int) -> bytes:
    """Return a file, or where it is larger the first ``most`` + 1 bytes of it."""
    data = bytearray()
    while len(data) <= most:
        size = min(PIECE_BYTES, most + 1 - len(data))
        query = named.query(offset=len(data), until=len(data) + size)
        piece = remote.read(f"{named.path}/files/{quote(path)}?{query}", size)
        data += piece
        if len(piece) < size:
            break
    return bytes(data)


def _too_much(what: str, most: int) -> RefusedError:
    return RefusedError(
        f"{what} is more than the {most} bytes that are fetched from a server.",
        hint="Answer it on the machine where the run is.",
    )
