"""Answers that a face brings in for a person whom it has identified, signed elsewhere or not signed.

Whether an answer counts is said by the same judge that judges every other one: an unsigned
answer counts only where the rule lets one, a signed one only by its own signature.
"""

from dataclasses import dataclass

from msgspec import structs

from babysitter.service.delivery import Delivery, Sent
from babysitter.service.judging import Decision
from babysitter.service.reading import run_created
from babysitter.service.statements import refuse_secrets
from babysitter.service.wiring import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """What a person says to a question.

    person: who answers, as the face knows them; the signer, where it is signed.
    statement, signature: what was signed, byte for byte, and the SSH signature over it; both or neither.
    """

    person: str
    decision: Decision
    comment: str = ""
    statement: str = ""
    signature: str = ""
    on_behalf_of: str | None = None
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class GivenAnswers:
    """Use cases of people who answer from elsewhere."""

    workspace: Workspace

    def send(self, run_id: str, breakpoint_id: str, given: GivenAnswer) -> Sent:
        """Bring the answer into the run. Never drives it.

        Raises:
            SecretError: the comment holds a secret, and the answer is signed.
            SignatureError, PolicyDeniedError, RefusedError: as ``service.judging.Judge``.
        """
        workspace = self.workspace
        if given.statement:
            declared = run_created(workspace.store, run_id).secrets
            refuse_secrets(given.comment, workspace.secrets(declared).masker)
        delivery = Delivery(workspace)
        mail = delivery.answer_mail(breakpoint_id, given.decision, comment=given.comment)
        said = structs.replace(
            mail,
            sender=given.person,
            statement=given.statement,
            signature=given.signature,
            on_behalf_of=given.on_behalf_of,
            break_glass=given.break_glass,
        )
        return delivery.send(run_id, said)
