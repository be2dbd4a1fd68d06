"""Answering a server's question with one's own key, on one's own machine, taking nothing on trust.

What is signed is made here from fetched bytes that were checked here; the server's own page, view and
statement are never asked for. A server that shows another run altogether, made to chain, gets a
signature that says so: it counts for that run alone.
"""

from dataclasses import dataclass
from typing import Any, cast

import msgspec

from babysitter.model.errors import CorruptJournalError, ProviderError, SignatureError, UsageError
from babysitter.model.ids import RUN_ID
from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.service.access.remote import API, Remote
from babysitter.service.elsewhere.fetching import Named, fetch
from babysitter.service.hosting.questions import Given, Questions
from babysitter.service.hosting.runs import SentView
from babysitter.service.judging import Decision
from babysitter.service.reading import pick
from babysitter.service.signed_answers import Wanted
from babysitter.service.signing_keys import Machine, sign_alone
from babysitter.service.statements import Answer, Covered, statement_for, what_it_covers

_NOT_AS_ASKED = (
    "Nothing was signed. What the server gives is not what the run asked: tell who answers for it, and look "
    "at the run where it is."
)


@dataclass(frozen=True, slots=True)
class RemoteAnswers:
    """Use cases of a person who answers what a server asks. ``remote``: with the token of their login."""

    remote: Remote
    machine: Machine

    def inbox(self) -> Questions:
        """Return what waits for people, as the server tells it: nothing of it is checked."""
        return cast("Questions", self._read(self.remote.call("GET", f"{API}/breakpoints"), Questions))

    def find(self, text: str, *, decided_too: bool = False) -> Named:
        """Return the question that the text names among those that wait; see ``service.reading.pick``.

        decided_too: a name in full is taken as it is where nothing that waits is called so.

        Raises:
            NotFoundError: none, or several.
        """
        waiting = {
            (each.breakpoint.run_id, each.breakpoint.breakpoint_id, each.workspace)
            for each in self.inbox().breakpoints
        }
        run_id, _, breakpoint_id = text.partition("/")
        is_name = RUN_ID.fullmatch(run_id) is not None and breakpoint_id
        if decided_too and is_name and not any(f"{run}/{name}".startswith(text) for run, name, _ in waiting):
            return Named(run_id=run_id, breakpoint_id=breakpoint_id)
        run_id, breakpoint_id = pick([(run, name) for run, name, _ in waiting], text)
        workspace = next(where for run, name, where in waiting if (run, name) == (run_id, breakpoint_id))
        return Named(run_id=run_id, breakpoint_id=breakpoint_id, workspace=workspace)

    def covered(self, named: Named) -> Covered:
        """Return what an answer covers, checked byte for byte. Errors as ``fetch`` and ``what_it_covers``."""
        try:
            return what_it_covers(fetch(self.remote, named), named.run_id, named.breakpoint_id)
        except (CorruptJournalError, SignatureError) as wrong:
            raise type(wrong)(wrong.message, hint=_NOT_AS_ASKED, **wrong.facts) from wrong

    def send(self, named: Named, covered: Covered, wanted: Wanted) -> SentView:
        """Sign the answer here and give it to the server.

        Raises:
            UsageError: somebody else is signed in at the server.
            SignersError, SignatureError, MissingToolError: as ``sign_alone``.
            BabysitterError: what the server says to it.
        """
        person = self.remote.person
        if wanted.approver not in (None, person):
            raise UsageError(
                f"you are signed in at {self.remote.url} as {person}, not as {wanted.approver}.",
                hint="Sign in as who you are: babysitter login --server URL --key KEY --as NAME",
            )
        answer = Answer(
            approver=person,
            decision=wanted.decision,
            comment=wanted.comment,
            nonce=f"{self.machine.dice.bits(128):032x}",
            on_behalf_of=wanted.on_behalf_of,
            break_glass=wanted.break_glass,
        )
        made = sign_alone(
            self.machine,
            key=wanted.key,
            person=person,
            namespace=APPROVAL_NAMESPACE,
            message=statement_for(covered, answer, self.machine.clock.now_ns()),
        )
        given = Given(
            decision=cast("Decision", wanted.decision),
            comment=wanted.comment,
            on_behalf_of=wanted.on_behalf_of,
            break_glass=wanted.break_glass,
            statement=made.message.decode(),
            signature=made.signature,
        )
        query = named.query()
        path = f"{named.path}/answer" + (f"?{query}" if query else "")
        return cast("SentView", self._read(self.remote.call("POST", path, given), SentView))

    def _read(self, answer: object, kind: Any) -> object:  # noqa: ANN401 (a type of msgspec's)
        try:
            return cast("object", msgspec.convert(answer, kind))
        except msgspec.ValidationError:
            raise ProviderError(
                f"the server {self.remote.url} answers something else than was asked.",
                hint="Is it Babysitter's, and of this version?",
            ) from None
