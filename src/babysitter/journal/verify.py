"""Checks a run against itself: chain, order, grammar, files by digest, file set. Changes nothing.

``verify_run`` checks all of that, ``verify_chain`` the first alone and says so.

What a chain alone cannot show stands in every result as ``unproven``: a change
of the last line itself, and whole trailing lines removed. The workspace log and
a person's signature close that.

The same check with ``head``, ``sha256sum`` and ``jq``: docs/how-to/verify.sh.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import orjson
import rfc8785

from babysitter.journal.claims import NOT_CLAIMED, Claim, Claims
from babysitter.journal.fields import BLOB_FIELD, DIGEST_FIELD
from babysitter.journal.fileset import Standing, standing
from babysitter.journal.grammar import Grammar
from babysitter.journal.reader import decode
from babysitter.journal.recovery import why_not_torn
from babysitter.model.errors import CorruptJournalError, InvalidIdError, NotFoundError
from babysitter.model.events import END_NAMES, Event, RunCreated
from babysitter.model.lines import BrokenLineError, Chain, Record, encode_data
from babysitter.model.values import Json, canonical_json, sha256_hex
from babysitter.stores.interface import Store

Watch = Callable[[Record, Event | None, Chain, bytes], None]
_WITHOUT_SPACES = re.compile(rb'(?:[^"\s]++|"(?:[^"\\]++|\\.)*+")*+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong. ``line`` or ``path`` says where, or both."""

    what: str
    line: int | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result for one run. ``lines`` chain; ``first_bad`` is the first line with a problem.

    checked: ``chain`` when what the lines say, and the files, were not looked at.
    """

    run_id: str
    checked: Literal["everything", "chain"] = "everything"
    ok: bool
    lines: int
    first_bad: int | None
    ended: bool
    problems: tuple[Problem, ...]
    unproven: tuple[str, ...]


def verify_run(store: Store, run_id: str, watch: Watch | None = None) -> Verification:
    """Check the run and return all that is wrong with it.

    Args:
        store: where it is.
        run_id: which.
        watch: is shown each line that chains, with its event (None: it is none of ours), the chain as it
            stands behind the line, and the whole journal: whoever asks more of a line reads it but once.

    Raises:
        NotFoundError: no such run.
        StoreFailedError: the disk could not be read.
    """
    return _Check(store, run_id, watch).result()


def verify_chain(store: Store, run_id: str) -> Verification:
    """Check the form of the lines and that each continues the chain: not what they say, not the files.

    Raises:
        NotFoundError: no such run.
        StoreFailedError: the disk could not be read.
    """
    data = store.read_journal(run_id)
    chain, last_type, problem = Chain(), "", None
    try:
        for record in chain.read(data):
            last_type = record.type
    except BrokenLineError as broken:
        problem = _broken_line(chain, data, broken)
    if chain.seq == 0 and problem is None:
        problem = _EMPTY
    return Verification(
        run_id=run_id,
        checked="chain",
        ok=problem is None,
        lines=chain.seq,
        first_bad=None if problem is None else problem.line,
        ended=last_type in END_NAMES,
        problems=() if problem is None else (problem,),
        unproven=(_ONLY_THE_CHAIN, *_end_unproven(chain.seq)),
    )


class _Check:
    """One run being checked."""

    def __init__(self, store: Store, run_id: str, watch: Watch | None) -> None:
        self._store = store
        self._watch = watch
        self._run_id = run_id
        self._problems: list[Problem] = []
        self._loose: Counter[str] = Counter()
        self._value_digests: dict[str, str] = {}
        self._grammar = Grammar()
        self._grammar_holds = True
        # Listed before the journal is read: a file that comes in between is named by a line read later.
        self._present = frozenset(store.paths(run_id))
        self._claims = Claims(self._present)

    def result(self) -> Verification:
        """Check everything, in this order: lines, then files."""
        lines = self._check_lines(self._store.read_journal(self._run_id))
        for claim in self._claims.files.values():
            self._check_claim(claim)
        for path, (line, value) in self._claims.derived.items():
            self._check_derived(path, line, value)
        for path in sorted(
            self._present - self._claims.files.keys() - self._claims.derived.keys() - NOT_CLAIMED
        ):
            self._check_unnamed(path)
        bad = [problem.line for problem in self._problems if problem.line is not None]
        return Verification(
            run_id=self._run_id,
            ok=not self._problems,
            lines=lines,
            first_bad=min(bad, default=None),
            ended=self._grammar.ended,
            problems=tuple(self._problems),
            unproven=self._unproven(lines),
        )

    def _check_lines(self, data: bytes) -> int:
        chain = Chain()
        try:
            for record in chain.read(data):
                event = self._check_record(record)
                if self._watch is not None:
                    self._watch(record, event, chain, data)
        except BrokenLineError as broken:
            self._problems.append(_broken_line(chain, data, broken))
        if chain.seq == 0 and not self._problems:
            self._problems.append(_EMPTY)
        return chain.seq

    def _check_record(self, record: Record) -> Event | None:
        try:
            event = decode(record, self._run_id)
        except CorruptJournalError as error:
            self._check_spaces(record)
            self._add(f"line {record.seq} {error.facts['problem']}", line=record.seq)
            self._grammar_holds = False
            return None
        # What our encoder gives back to the byte has no spaces, and asking it costs a fifth of the pattern.
        if _encoded(event) != record.data:
            self._check_spaces(record)
        if isinstance(event, RunCreated) and event.run_id != self._run_id:
            self._add(f"line {record.seq} is of run {event.run_id}", line=record.seq)
        if self._grammar_holds:
            self._check_grammar(record, event)
        if type(event) in DIGEST_FIELD:
            self._check_value_digest(record, event)
        for claim in self._claims.add(record.seq, event):
            what = f"line {claim.line} names {claim.path} with another digest than an earlier line"
            self._add(what, line=claim.line, path=claim.path)
        return event

    def _check_spaces(self, record: Record) -> None:
        if not _WITHOUT_SPACES.fullmatch(record.data):
            self._add(f"line {record.seq} holds spaces between its values", line=record.seq)

    def _check_grammar(self, record: Record, event: Event) -> None:
        try:
            self._grammar.accept(event)
        except CorruptJournalError as error:
            # One line out of place makes its followers look so too; the first is what helps.
            self._grammar_holds = False
            self._add(f"line {record.seq}: {error.facts['problem']}", line=record.seq)

    def _check_value_digest(self, record: Record, event: Event) -> None:
        value_field, digest_field = DIGEST_FIELD[type(event)]
        stated = getattr(event, digest_field)
        ref = getattr(event, BLOB_FIELD[type(event)][1])
        if stated is None:
            return
        if ref is not None:
            self._value_digests[ref.path] = stated
        elif _digest(getattr(event, value_field)) != stated:
            self._add(
                f"line {record.seq}: {value_field} does not have the digest that the line states",
                line=record.seq,
            )

    def _check_claim(self, claim: Claim) -> None:
        data = self._read(claim.path, claim.line)
        if data is None:
            return
        if claim.bytes is not None and len(data) != claim.bytes:
            what = f"{claim.path} has {len(data)} bytes; line {claim.line} says {claim.bytes}"
            self._add(what, line=claim.line, path=claim.path)
        elif sha256_hex(data) != claim.sha256:
            what = f"{claim.path} is not the file that line {claim.line} names: its SHA-256 differs"
            self._add(what, line=claim.line, path=claim.path)
        elif claim.path in self._value_digests and _file_digest(data) != self._value_digests[claim.path]:
            what = f"the value in {claim.path} does not have the digest that line {claim.line} states"
            self._add(what, line=claim.line, path=claim.path)

    def _check_derived(self, path: str, line: int, value: Json) -> None:
        data = self._read(path, line)
        if data is None:
            return
        if not _holds(data, value):
            what = (
                f"{path} says something else than line {line}; 'babysitter run rebuild-state' writes it again"
            )
            self._add(what, line=line, path=path)

    def _check_unnamed(self, path: str) -> None:
        if self._is_approval(path):
            return
        if self._read(path, None) is None:
            return
        if not self._grammar_holds:
            # Without the lines nobody can say what belongs here, and the lines are a problem already.
            return
        match standing(path, self._grammar):
            case Standing.UNKNOWN:
                self._add(f"{path} is not a file that this run can have", path=path)
            case loose:
                self._loose[f"{path.split('/', maxsplit=1)[0]}: {loose.value}"] += 1

    def _is_approval(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        expected = self._claims.statements.get(folder)
        if expected is None or not name.startswith("approval-"):
            return False
        statement = path.removesuffix(".sig")
        data = self._read(statement, None) if statement in self._present else None
        return data is not None and sha256_hex(data) in expected

    def _read(self, path: str, line: int | None) -> bytes | None:
        try:
            return self._store.read_file(self._run_id, path)
        except NotFoundError:
            # An unnamed file may go while we look; a named one must be there.
            if line is not None:
                self._add(f"{path} is missing; line {line} names it", line=line, path=path)
        except InvalidIdError as error:
            self._add(error.message, line=line, path=path)
        return None

    def _unproven(self, lines: int) -> tuple[str, ...]:
        by_name = [f"{count} file(s) in {what}" for what, count in sorted(self._loose.items())]
        return (*_end_unproven(lines), *by_name)

    def _add(self, what: str, *, line: int | None = None, path: str | None = None) -> None:
        self._problems.append(Problem(what=what, line=line, path=path))


_EMPTY = Problem(what="the journal is empty", line=1)
_ONLY_THE_CHAIN = "what the lines say, their order and the run's files: only the chain was checked"


def _broken_line(chain: Chain, data: bytes, broken: BrokenLineError) -> Problem:
    torn = chain.seq > 0 and why_not_torn(data[broken.offset :], broken.seq) is None
    hint = "; resuming the run cuts this tail off and keeps it" if torn else ""
    return Problem(what=f"line {broken.seq} {broken.problem}{hint}", line=broken.seq)


def _end_unproven(lines: int) -> tuple[str, str]:
    return (
        f"line {lines}, the last: a change of it shows only against a signature or an outside checkpoint",
        f"that no whole lines were removed after line {lines}: as above",
    )


def _encoded(event: Event) -> bytes | None:
    try:
        return encode_data(event)
    except RecursionError:
        # Nested so deeply that it could just be read.
        return None


def _holds(data: bytes, value: Json) -> bool:
    """True when a file's bytes are JSON of the value; one without a canonical form is in no file."""
    try:
        if orjson.dumps(value) == data:
            return True
    except TypeError:
        # An integer that no other reader takes, or nested too deeply.
        return False
    digest = _file_digest(data)
    return digest is not None and digest == _digest(value)


def _file_digest(data: bytes) -> str | None:
    try:
        return _digest(orjson.loads(data))
    except orjson.JSONDecodeError:
        return None


def _digest(value: Json) -> str | None:
    try:
        return sha256_hex(canonical_json(value))
    except (rfc8785.CanonicalizationError, RecursionError, TypeError, UnicodeEncodeError):
        # No value of ours: canonical_json is given only checked ones by the writer.
        return None
