"""Answering a breakpoint with one's own key: check what it covers, build the statement, sign, send.

The key never comes near us: ``ssh-keygen`` signs, with a key file, an agent or a
security key. Before anything is sent the signature is verified as the run's driver
will verify it, so a person learns here and not later that it does not count.
"""

from dataclasses import dataclass

from msgspec import structs

from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.reading import run_created
from babysitter.service.signing_keys import sign_as
from babysitter.service.statements import Answer, Covered, refuse_secrets, statement_for, what_it_covers
from babysitter.service.wiring import Secrets, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a person wants to answer. ``approver`` None: whoever the key belongs to."""

    decision: str
    comment: str
    key: str
    approver: str | None = None
    on_behalf_of: str | None = None
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class SignedAnswers:
    """Use cases of a person with a key."""

    workspace: Workspace

    def covered(self, run_id: str, breakpoint_id: str) -> Covered:
        """Return what an answer covers, checked byte for byte against the journal."""
        return what_it_covers(self.workspace.store, run_id, breakpoint_id)

    def send(self, covered: Covered, wanted: Wanted) -> Sent:
        """Sign the answer and bring it into the run.

        Raises:
            SignersError: the key is nobody's here, or several people's.
            SecretError: the comment holds a secret.
            SignatureError, PolicyDeniedError, RefusedError: as ``service.judging.Judge``.
            MissingToolError: ``ssh-keygen`` is not here.
        """
        workspace = self.workspace
        secrets = Secrets(run_created(workspace.store, covered.run_id).secrets, workspace.place)
        refuse_secrets(wanted.comment, secrets.masker)

        def make(person: str) -> bytes:
            answer = Answer(
                approver=person,
                decision=wanted.decision,
                comment=wanted.comment,
                nonce=f"{workspace.dice.bits(128):032x}",
                on_behalf_of=wanted.on_behalf_of,
                break_glass=wanted.break_glass,
            )
            return statement_for(covered, answer, workspace.clock.now_ns())

        made = sign_as(
            workspace, key=wanted.key, person=wanted.approver, namespace=APPROVAL_NAMESPACE, make=make
        )
        delivery = Delivery(workspace)
        mail = delivery.answer_mail(covered.asked.breakpoint_id, wanted.decision, comment=wanted.comment)
        signed = structs.replace(
            mail,
            sender=made.person,
            method="ssh",
            statement=made.message.decode(),
            signature=made.signature,
            on_behalf_of=wanted.on_behalf_of,
            break_glass=wanted.break_glass,
        )
        return delivery.send(covered.run_id, signed)
