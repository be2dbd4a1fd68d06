"""A question taken apart for a page: what a visitor may answer, the difference file by file, its files.

Everything is made from what ``shown.md`` is made of, and cut where that is cut, so that the page says what
is signed. Nothing in it hides: see ``changes.visible``.

Invariants, each with a test in tests/unit/service/test_question_parts.py:
    - every line of a difference that is shown here stands in ``shown.md``;
    - a file is given only if the question lists it and it has the digest that the journal holds.
"""

from dataclasses import dataclass, replace
from typing import Literal

from babysitter.changes.visible import visible
from babysitter.model.changes import ChangedFile
from babysitter.model.errors import BabysitterError, NotFoundError, PolicyDeniedError, SignatureError
from babysitter.model.events import BlobRef
from babysitter.model.rules import ANYBODY, Rule
from babysitter.model.statement import JournalPlace
from babysitter.model.values import sha256_hex
from babysitter.policy.gate import Vote
from babysitter.policy.people import delegation
from babysitter.service.gates import Gates, was_asked
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.questions import QuestionShown, VisitedQuestions
from babysitter.service.hosting.visit import Visit
from babysitter.service.judges import gates_of
from babysitter.service.pending import OpenBreakpoint
from babysitter.service.reading import read_state
from babysitter.service.shown_changes import FileShown, files_shown
from babysitter.service.statements import Covered, what_it_covers
from babysitter.service.views import View
from babysitter.signing.keys import SK_ECDSA

LineKind = Literal["same", "add", "del", "at", "note"]
_KIND_OF: dict[str, LineKind] = {"+": "add", "-": "del", "@": "at", "\\": "note"}


_FACTS = "the facts that shown.md is made of"


class DiffLine(View, frozen=True, kw_only=True):
    """A line of a difference. ``old``, ``new``: its number before and after; 0: it is not there."""

    kind: LineKind
    old: int
    new: int
    text: str


class FileDifference(View, frozen=True, kw_only=True):
    """A file's part of a difference. ``left``: how many more lines there are; ``kept``: False: too large."""

    path: str
    was: str
    change: str
    added: int | None
    removed: int | None
    bytes_before: int
    bytes: int
    mode_before: str
    mode: str
    kept: bool
    is_binary: bool
    lines: tuple[DiffLine, ...]
    left: int


class Yours(View, frozen=True, kw_only=True):
    """What the visitor may do about an open question.

    approve, reject: why they may not; empty: they may. signature: what the rule asks for.
    has_passkey: the file of signers has one of theirs. needs_comment: an answer says why.
    in_place_of: for whom they may answer now. pass_on_to: to whom they may pass it on.
    origins: the pages whose passkey answers count, as the settings name them.
    """

    may_answer: bool
    approve: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    signature: Literal["no", "yes", "verified"] = "yes"
    has_passkey: bool = False
    needs_comment: bool = False
    in_place_of: tuple[str, ...] = ()
    may_break_glass: bool = False
    pass_on_to: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


class ListedFile(View, frozen=True, kw_only=True):
    """A file that a question lists. ``number``: what it is asked for by; ``name``: as its author has it."""

    number: int
    name: str
    path: str
    sha256: str
    bytes: int


class QuestionParts(View, frozen=True, kw_only=True):
    """See the module.

    problem: why nothing may be signed over what is shown; empty: it is what the journal says.
    place: where the question stands in the journal. yours: None once it is decided.
    """

    question: QuestionShown
    problem: str
    place: JournalPlace | None
    yours: Yours | None
    differences: tuple[FileDifference, ...]
    files: tuple[ListedFile, ...]


@dataclass(frozen=True, slots=True)
class VisitedParts:
    """Use cases of a visitor on what a question is made of."""

    visit: Visit

    def parts(self, run_id: str, breakpoint_id: str, workspace: str = "") -> QuestionParts:
        """Return a question taken apart.

        Raises:
            NotFoundError: the run never asked it.
        """
        question = VisitedQuestions(self.visit).show(run_id, breakpoint_id, workspace)
        hosted = self.visit.run("breakpoint.read", run_id, workspace)
        covered, problem = covered_by(hosted, run_id, breakpoint_id)
        return QuestionParts(
            question=question,
            problem=problem,
            place=covered.place if covered is not None else None,
            yours=self._yours(hosted, run_id, breakpoint_id),
            differences=differences_of(hosted, covered) if covered is not None else (),
            files=_files(covered) if covered is not None else (),
        )

    def file(
        self, run_id: str, breakpoint_id: str, number: int, workspace: str = ""
    ) -> tuple[ListedFile, bytes]:
        """Return a file that the question lists, with its bytes.

        Raises:
            NotFoundError: the question lists no such file.
            SignatureError: what was shown is not what the journal says.
        """
        hosted = self.visit.run("breakpoint.read", run_id, workspace)
        listed = _files(what_it_covers(hosted.workspace.store, run_id, breakpoint_id))
        if not 0 <= number < len(listed):
            raise NotFoundError("the question lists no such file.", hint="Load the page again.")
        found = listed[number]
        data = hosted.queries.read_file(run_id, found.path)
        if sha256_hex(data) != found.sha256:
            raise SignatureError(
                f"{found.path} is not the file whose digest the journal holds.",
                hint="Check the run with: babysitter journal verify",
                reason="shown",
            )
        return found, data

    def _yours(self, hosted: Hosted, run_id: str, breakpoint_id: str) -> Yours | None:
        state = read_state(hosted.workspace.store, run_id)
        asked = state.breakpoints.get(breakpoint_id) if state.end is None else None
        if asked is None:
            return None
        caller = self.visit.caller
        if not caller.may("breakpoint.answer", hosted.id):
            return Yours(may_answer=False, approve=(f"you are no approver in {hosted.id}",))
        gates = gates_of(hosted.workspace, run_id, state)
        try:
            rule = gates.rule_named(asked.requested.rule)
        except PolicyDeniedError as gone:
            return Yours(may_answer=False, approve=(gone.message,))
        return _may(hosted, gates, rule, asked, caller.name)


def _may(hosted: Hosted, gates: Gates, rule: Rule, asked: OpenBreakpoint, name: str) -> Yours:
    now_ns = hosted.workspace.clock.now_ns()
    trust = hosted.workspace.trust_now()
    eligible = asked.requested.eligible
    vote = Vote(
        person=name, method="passkey", user_verified=True, comment="?", decision="approve", at_ns=now_ns
    )
    in_place_of = tuple(
        each.from_ for each in rule.delegates if delegation(rule, each.from_, name, now_ns) is not None
    )
    votes = (vote, *(replace(vote, on_behalf_of=other) for other in in_place_of))
    return Yours(
        may_answer=True,
        approve=_why_not(gates, asked, votes),
        reject=_why_not(gates, asked, tuple(replace(each, decision="reject") for each in votes)),
        signature="no" if rule.signature is False else "yes" if rule.signature is True else "verified",
        has_passkey=any(key.algorithm == SK_ECDSA for key in trust.signers.keys_of(name)),
        origins=tuple(sorted(trust.origins)),
        needs_comment=rule.comment,
        in_place_of=in_place_of,
        may_break_glass=gates.may_answer(asked, replace(vote, break_glass=True)).allowed
        and rule.break_glass is not None,
        pass_on_to=() if ANYBODY in eligible else tuple(each for each in eligible if each != name),
    )


def _why_not(gates: Gates, asked: OpenBreakpoint, votes: tuple[Vote, ...]) -> tuple[str, ...]:
    """Return why none of these answers would count: the reasons against the first; empty: one would."""
    reasons: tuple[str, ...] | None = None
    for vote in votes:
        verdict = gates.may_answer(asked, vote)
        against = verdict.reasons if not verdict.allowed else ()
        if verdict.allowed and not was_asked(asked.requested, vote.person):
            against = (f"the question was put to {', '.join(asked.requested.eligible)}",)
        if not against and verdict.allowed:
            return ()
        reasons = reasons if reasons is not None else (against or ("the rules do not allow it",))
    return reasons or ()


def covered_by(hosted: Hosted, run_id: str, breakpoint_id: str) -> tuple[Covered | None, str]:
    """Return what an answer to a question is about, or why that can't be told."""
    try:
        return what_it_covers(hosted.workspace.store, run_id, breakpoint_id), ""
    except BabysitterError as wrong:
        return None, wrong.message


def differences_of(hosted: Hosted, covered: Covered) -> tuple[FileDifference, ...]:
    """Return the difference that a question shows, file by file; none: it shows none, or nothing changed."""
    changes = covered.shown.changes
    if changes is None:
        return ()
    patch = hosted.queries.read_file(covered.run_id, changes.patch.path)
    return tuple(_difference(shown) for shown in files_shown(changes, patch))


def _difference(shown: FileShown) -> FileDifference:
    file: ChangedFile = shown.file
    return FileDifference(
        path=visible(file.path),
        was=visible(file.was),
        change=file.change,
        added=file.added,
        removed=file.removed,
        bytes_before=file.bytes_before,
        bytes=file.bytes,
        mode_before=file.mode_before,
        mode=file.mode,
        kept=file.kept,
        is_binary=shown.is_binary or file.added is None,
        lines=_numbered(shown.lines),
        left=shown.left,
    )


def _numbered(lines: tuple[str, ...]) -> tuple[DiffLine, ...]:
    found, old, new = [], 0, 0
    for text in lines:
        kind = _KIND_OF.get(text[:1], "same")
        if kind == "at":
            old, new = _beginnings(text)
        has_old, has_new = kind in ("same", "del"), kind in ("same", "add")
        found.append(
            DiffLine(kind=kind, old=old if has_old else 0, new=new if has_new else 0, text=visible(text))
        )
        old, new = old + has_old, new + has_new
    return tuple(found)


def _beginnings(text: str) -> tuple[int, int]:
    """Return the line numbers that a hunk begins with, before and after: ``@@ -3,7 +3,9 @@``."""
    words = text.split(" ")
    numbers = [word[1:].partition(",")[0] for word in words[1:3]]
    if len(numbers) == 2 and all(number.isascii() and number.isdecimal() for number in numbers):
        return int(numbers[0]), int(numbers[1])
    return 0, 0


def _files(covered: Covered) -> tuple[ListedFile, ...]:
    named = {file.ref.path: visible(file.name) for file in covered.shown.files}
    if covered.shown.changes is not None:
        named[covered.shown.changes.patch.path] = "the whole difference"
    return tuple(_listed(number, ref, named) for number, ref in enumerate(covered.asked.files))


def _listed(number: int, ref: BlobRef, named: dict[str, str]) -> ListedFile:
    name = named.get(
        ref.path, "the facts that shown.md is made of" if ref.path.endswith(".json") else ref.path
    )
    return ListedFile(number=number, name=name, path=ref.path, sha256=ref.sha256, bytes=ref.bytes)
