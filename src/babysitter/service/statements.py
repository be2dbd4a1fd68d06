"""The approver's side: what exactly an answer covers, and the statement that is signed over it.

Nothing is taken on trust from the run's driver: the journal's chain is read, every
shown byte is hashed and ``shown.md`` is made again, before a statement is made.
"""

from dataclasses import dataclass

from babysitter.journal.layout import shown_facts_path, shown_path
from babysitter.journal.masking import Masker
from babysitter.journal.reader import RunBytes, read_records
from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.model.errors import NotFoundError, SecretError, SignatureError
from babysitter.model.lines import Chain
from babysitter.model.statement import JournalPlace, Predicate, Statement, statement_bytes
from babysitter.service.judging import subjects_of
from babysitter.service.shown import SHOWN_FORMAT, Shown, check_shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What an answer to a question covers, checked byte for byte. ``document``: the text of shown.md."""

    run_id: str
    asked: ev.BreakpointRequested
    place: JournalPlace
    shown: Shown
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person wants to say. ``nonce``: hex, never used before."""

    approver: str
    decision: str
    comment: str
    nonce: str
    on_behalf_of: str | None = None
    break_glass: bool = False


def place_of(store: RunBytes, run_id: str, seq: int) -> JournalPlace:
    """Return where a line stands: the digest of all before it, and of all up to its end.

    Raises:
        CorruptJournalError: the lines up to it do not chain.
        NotFoundError: there is no such line.
    """
    data = store.read_journal(run_id)
    chain = Chain()
    for record in chain.read(data):
        if record.seq == seq:
            return JournalPlace(seq=seq, prefix=record.prefix, head=chain.hasher.hexdigest())
    raise NotFoundError(f"run {run_id} has no line {seq}.", hint="Look with: babysitter journal verify RUN")


def what_it_covers(store: RunBytes, run_id: str, breakpoint_id: str) -> Covered:
    """Return what an answer to the question covers.

    Raises:
        CorruptJournalError: the journal does not chain.
        NotFoundError: it holds no such question, or a file that was shown is missing.
        SignatureError: what was shown is not what the journal says.
    """
    found: tuple[int, ev.BreakpointRequested] | None = None
    for record in read_records(store, run_id, torn_tail_ok=True):
        event = record.event()
        if isinstance(event, ev.BreakpointRequested) and event.breakpoint_id == breakpoint_id:
            found = (record.seq, event)
    if found is None:
        raise NotFoundError(
            f"run {run_id} never asked {breakpoint_id}.", hint="See what waits with: babysitter inbox"
        )
    seq, asked = found
    if asked.shown_format != SHOWN_FORMAT:
        raise SignatureError(
            f"{breakpoint_id} was asked by another version, whose shown.md can't be made again here.",
            hint="Answer it with that version.",
            reason="shown",
        )
    document = store.read_file(run_id, shown_path(breakpoint_id))
    contents = {ref.path: store.read_file(run_id, ref.path) for ref in asked.files}
    facts = contents.get(shown_facts_path(breakpoint_id), b"")
    shown = check_shown(asked, run_id, document, facts, contents)
    return Covered(
        run_id=run_id,
        asked=asked,
        place=place_of(store, run_id, seq),
        shown=shown,
        document=document.decode(),
    )


def statement_for(covered: Covered, answer: Answer, now_ns: int) -> bytes:
    """Return the bytes to be signed."""
    asked = covered.asked
    predicate = Predicate(
        run_id=covered.run_id,
        breakpoint_id=asked.breakpoint_id,
        approves=asked.approves,
        journal=covered.place,
        decision=answer.decision,
        comment=answer.comment,
        approver=answer.approver,
        rule=asked.rule,
        policy_sha256=asked.policy_sha256,
        nonce=answer.nonce,
        issued_at=format_time(now_ns),
        expires_at=asked.expires_at,
        on_behalf_of=answer.on_behalf_of,
        break_glass=answer.break_glass,
    )
    return statement_bytes(Statement(subject=subjects_of(asked), predicate=predicate))


def refuse_secrets(comment: str, masker: Masker) -> None:
    """Return when a comment may be signed and kept byte for byte.

    Raises:
        SecretError: it holds the value of a secret, or looks like a reference to one.
    """
    if masker.mask_string(comment) != comment:
        raise SecretError(
            "the comment holds a secret, or looks like a reference to one; what is signed is kept as it is.",
            hint="Say it without the secret.",
        )
