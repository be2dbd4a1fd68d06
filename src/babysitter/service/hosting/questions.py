"""What visitors see of questions, and their answers."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from msgspec import Struct, structs

from babysitter.journal.layout import shown_path
from babysitter.model.errors import NotFoundError, PolicyDeniedError, SignatureError, UsageError
from babysitter.model.ids import REQUEST_ID
from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.gates import was_asked
from babysitter.service.hosting.hosting import Hosted
from babysitter.service.hosting.kept_questions import OpenQuestion
from babysitter.service.hosting.runs import SentView
from babysitter.service.hosting.visit import Visit
from babysitter.service.judges import gates_of
from babysitter.service.judging import Decision
from babysitter.service.policing import ExplanationView
from babysitter.service.reading import read_state, run_created
from babysitter.service.shown import Shown
from babysitter.service.statements import Answer, refuse_secrets, statement_for, what_it_covers
from babysitter.service.views import BreakpointView, EventView, View
from babysitter.signing.passkeys import Assertion, assertion_options, challenge_of, signature_from_assertion
from babysitter.signing.wire import WireError

_PASSKEY = "sk-ecdsa-sha2-nistp256@openssh.com"


class Question(View, frozen=True, kw_only=True):
    """A question of an inbox, and where it is asked.

    for_me: the caller is among those it was put to. guarded: it is about production or something critical.
    needs_signature: its rule counts no answer without the person's own key.
    """

    workspace: str
    breakpoint: BreakpointView
    for_me: bool
    guarded: bool = False
    needs_signature: bool = True


class Questions(View, frozen=True, kw_only=True):
    """What waits for people, oldest first."""

    breakpoints: tuple[Question, ...]


class QuestionShown(View, frozen=True, kw_only=True):
    """A question with all that an approver is shown.

    document: ``shown.md``, as the journal's digest has it. shown: the facts that it is made of, where they
    can be read by this version. explanation: which rule decides, and what is missing; None once decided.
    """

    workspace: str
    breakpoint: BreakpointView
    document: str
    shown: Shown | None
    events: tuple[EventView, ...]
    explanation: ExplanationView | None


class ToSign(View, frozen=True, kw_only=True):
    """A statement to be signed, byte for byte, and what a browser needs to have a passkey sign it.

    challenge: base64url of what the key signs; options: for ``navigator.credentials.get``.
    """

    statement: str
    namespace: str
    challenge: str
    options: dict[str, Any]


class Wanted(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An answer that is to be signed."""

    decision: Decision
    comment: str = ""
    on_behalf_of: str | None = None
    break_glass: bool = False


class AssertionGiven(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a browser hands over when a passkey has signed; each part in base64url."""

    credential_id: str
    authenticator_data: str
    client_data_json: str = ""
    signature: str


class Sendable(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What comes in about a question. ``request_id``: a ULID; the same one twice does nothing twice."""

    request_id: str = ""


class Given(Sendable, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An answer. Unsigned, it counts only where the rule asks for no signature.

    statement: what was signed; with ``signature``, an SSH signature, or ``assertion``, a passkey's.
    """

    decision: Decision
    comment: str = ""
    on_behalf_of: str | None = None
    break_glass: bool = False
    statement: str = ""
    signature: str = ""
    assertion: AssertionGiven | None = None


class Asked(Sendable, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A word about a question that is no answer to it; ``reply``: it gives what was asked for."""

    text: str
    reply: bool = False


class PassedOn(Sendable, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """To whom a question is passed on, and why."""

    to: tuple[str, ...]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class VisitedQuestions:
    """Use cases of a visitor on questions."""

    visit: Visit

    def inbox(self, workspace: str = "") -> Questions:
        """Return every open question of the workspaces that the caller may look at, oldest first."""
        found: list[Question] = []
        for hosted in self.visit.everywhere("breakpoint.read", workspace):
            found += [self._question(hosted, each) for each in hosted.open_questions]
        return Questions(breakpoints=tuple(sorted(found, key=lambda each: each.breakpoint.asked_at)))

    def _question(self, hosted: Hosted, found: OpenQuestion) -> Question:
        view = found.breakpoint
        rule = hosted.workspace.policy_now().rule_named(view.rule)
        return Question(
            workspace=hosted.id,
            breakpoint=view,
            for_me=self._is_asked(hosted, view),
            guarded=found.guarded,
            needs_signature=rule is None or rule.signature is not False,
        )

    def _is_asked(self, hosted: Hosted, view: BreakpointView) -> bool:
        caller = self.visit.caller
        return caller.may("breakpoint.answer", hosted.id) and (
            not view.needs_key or caller.name in view.eligible
        )

    def show(self, run_id: str, breakpoint_id: str, workspace: str = "") -> QuestionShown:
        """Return a question with all that an approver is shown.

        Raises:
            NotFoundError: the run never asked it.
        """
        hosted = self.visit.run("breakpoint.read", run_id, workspace)
        views = {view.breakpoint_id: view for view in hosted.queries.breakpoints(run_id)}
        if breakpoint_id not in views:
            raise NotFoundError(
                f"run {run_id} never asked {breakpoint_id[:80]}.", hint="See what waits at /inbox."
            )
        document = hosted.queries.read_file(run_id, shown_path(breakpoint_id)).decode()
        return QuestionShown(
            workspace=hosted.id,
            breakpoint=views[breakpoint_id],
            document=document,
            shown=_facts(hosted, run_id, breakpoint_id),
            events=tuple(hosted.queries.breakpoint_events(run_id, breakpoint_id)),
            explanation=self._explanation(hosted, run_id, breakpoint_id),
        )

    def explain(self, run_id: str, breakpoint_id: str, workspace: str = "") -> ExplanationView:
        """Say which rule decides about an open question, and what is missing.

        Raises:
            NotFoundError: it is not open.
        """
        hosted = self.visit.run("policy.explain", run_id, workspace)
        found = self._explanation(hosted, run_id, breakpoint_id)
        if found is None:
            raise NotFoundError(f"{breakpoint_id[:80]} is not open.", hint="See what waits at /inbox.")
        return found

    def _explanation(self, hosted: Hosted, run_id: str, breakpoint_id: str) -> ExplanationView | None:
        state = read_state(hosted.workspace.store, run_id)
        asked = state.breakpoints.get(breakpoint_id) if state.end is None else None
        if asked is None:
            return None
        return gates_of(hosted.workspace, run_id, state).explain(asked, self.visit.caller.name)

    def to_sign(self, run_id: str, breakpoint_id: str, wanted: Wanted, workspace: str = "") -> ToSign:
        """Return the statement that the caller would sign, made from what the journal holds.

        Raises:
            SignatureError: what was shown is not what the journal says.
            SecretError: the comment holds a secret.
        """
        hosted = self.visit.run("breakpoint.answer", run_id, workspace)
        covered = what_it_covers(hosted.workspace.store, run_id, breakpoint_id)
        self._refuse_secrets(hosted, run_id, wanted.comment)
        answer = Answer(
            approver=self.visit.caller.name,
            decision=wanted.decision,
            comment=wanted.comment,
            nonce=f"{hosted.workspace.dice.bits(128):032x}",
            on_behalf_of=wanted.on_behalf_of,
            break_glass=wanted.break_glass,
        )
        statement = statement_for(covered, answer, hosted.workspace.clock.now_ns())
        challenge = challenge_of(statement, APPROVAL_NAMESPACE)
        return ToSign(
            statement=statement.decode(),
            namespace=APPROVAL_NAMESPACE,
            challenge=base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            options=assertion_options(challenge=challenge, rp_id=self.rp_id),
        )

    @property
    def rp_id(self) -> str:
        """The host that passkeys are for: of the public URL, else this machine's own name for itself."""
        from urllib.parse import urlsplit  # noqa: PLC0415 (only for a ceremony)

        return (
            urlsplit(self.visit.hosting.home.workspace.place.settings.server.public_url).hostname
            or "localhost"
        )

    def answer(self, run_id: str, breakpoint_id: str, given: Given, workspace: str = "") -> SentView:
        """Answer a question as the caller. Never anything but what the caller said.

        Raises:
            SignatureError, PolicyDeniedError, RefusedError: as ``service.judging.Judge``.
        """
        hosted = self.visit.run("breakpoint.answer", run_id, workspace)
        self._refuse_secrets(hosted, run_id, given.comment)
        delivery = self._delivery(hosted, given)
        mail = delivery.answer_mail(breakpoint_id, given.decision, comment=given.comment)
        signature = given.signature
        if given.assertion is not None:
            signature = self._ssh_signature(hosted, given.statement, given.assertion)
        signed = structs.replace(
            mail,
            statement=given.statement,
            signature=signature,
            on_behalf_of=given.on_behalf_of,
            break_glass=given.break_glass,
        )
        return self._sent(hosted, run_id, delivery.send(run_id, signed))

    def ask(self, run_id: str, breakpoint_id: str, asked: Asked, workspace: str = "") -> SentView:
        """Ask for more about a question, or give what was asked for; neither yes nor no."""
        hosted = self.visit.run("breakpoint.answer", run_id, workspace)
        delivery = self._delivery(hosted, asked)
        sent = delivery.ask_about(run_id, breakpoint_id, asked.text, is_reply=asked.reply)
        return self._sent(hosted, run_id, sent)

    def pass_on(self, run_id: str, breakpoint_id: str, passed: PassedOn, workspace: str = "") -> SentView:
        """Pass a question on to others of those who may answer it.

        Raises PolicyDeniedError where it was not put to the caller, or not to those.
        """
        hosted = self.visit.run("breakpoint.answer", run_id, workspace)
        asked = read_state(hosted.workspace.store, run_id).breakpoints.get(breakpoint_id)
        name = self.visit.caller.name
        if asked is not None and not was_asked(asked.requested, name):
            # Told and reminded is whom it was passed on to: a stranger would keep it from all others.
            raise PolicyDeniedError(
                f"{breakpoint_id} was not put to {name}, who can't pass it on.",
                hint="Ask one of those whom it was.",
            )
        delivery = self._delivery(hosted, passed)
        sent = delivery.pass_on(run_id, breakpoint_id, passed.to, comment=passed.comment)
        return self._sent(hosted, run_id, sent)

    def _ssh_signature(self, hosted: Hosted, statement: str, given: AssertionGiven) -> str:
        """Return a passkey's answer as an SSH signature of one of the caller's own passkeys."""
        try:
            assertion = Assertion(
                authenticator_data=_bytes(given.authenticator_data),
                client_data_json=_bytes(given.client_data_json),
                signature_der=_bytes(given.signature),
            )
        except (binascii.Error, ValueError, WireError):
            raise UsageError("the assertion is not base64url.", hint="Sign again.") from None
        trust = hosted.workspace.trust_now()
        refused: Exception | None = None
        for key in trust.signers.keys_of(self.visit.caller.name):
            if key.algorithm != _PASSKEY:
                continue
            line = f"{key.algorithm} {base64.b64encode(key.blob).decode()}"
            try:
                return signature_from_assertion(
                    assertion,
                    public_key_line=line,
                    message=statement.encode(),
                    namespace=APPROVAL_NAMESPACE,
                    origins=trust.origins,
                )
            except Exception as error:  # noqa: BLE001 (another of the caller's passkeys may have made it)
                refused = error
        if refused is not None:
            raise refused
        raise UsageError(
            f"{self.visit.caller.name} has no passkey in the file of signers.",
            hint="An admin adds it with: babysitter key add",
        )

    def _refuse_secrets(self, hosted: Hosted, run_id: str, comment: str) -> None:
        secrets = hosted.workspace.secrets(run_created(hosted.workspace.store, run_id).secrets)
        try:
            refuse_secrets(comment, secrets.masker)
        finally:
            secrets.vault.close()

    def _delivery(self, hosted: Hosted, message: Sendable) -> Delivery:
        if message.request_id and REQUEST_ID.fullmatch(message.request_id) is None:
            raise UsageError(
                "requestId is no ULID.", hint="Leave it out, or give 26 characters of Crockford's."
            )
        return Delivery(hosted.workspace, self.visit.caller.name, request_id=message.request_id)

    def _sent(self, hosted: Hosted, run_id: str, sent: Sent) -> SentView:
        hosted.poke(run_id)
        return SentView(request_id=sent.request_id, lines=sent.lines)


def _facts(hosted: Hosted, run_id: str, breakpoint_id: str) -> Shown | None:
    try:
        return what_it_covers(hosted.workspace.store, run_id, breakpoint_id).shown
    except SignatureError:
        return None


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
