"""Answering a breakpoint with one's own key: check what it covers, build the statement, sign, send.

The key never comes near us: ``ssh-keygen`` signs, with a key file, an agent or a
security key. Before anything is sent the signature is verified as the run's driver
will verify it, so a person learns here and not later that it does not count.
"""

from dataclasses import dataclass

from msgspec import structs

from babysitter.model.errors import SignersError
from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.reading import run_created
from babysitter.service.statements import Answer, Covered, refuse_secrets, statement_for, what_it_covers
from babysitter.service.wiring import Secrets, Workspace
from babysitter.signing.certificates import Certificate
from babysitter.signing.keys import PublicKey
from babysitter.signing.patterns import literal_names
from babysitter.signing.sign import public_half, sign


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
        secrets = Secrets(run_created(workspace.store, covered.run_id).secrets)
        refuse_secrets(wanted.comment, secrets.masker)
        public = public_half(workspace.programs, wanted.key, self._allowed_keys())
        approver = wanted.approver or self._owner_of(public.signer)
        answer = Answer(
            approver=approver,
            decision=wanted.decision,
            comment=wanted.comment,
            nonce=f"{workspace.dice.bits(128):032x}",
            on_behalf_of=wanted.on_behalf_of,
            break_glass=wanted.break_glass,
        )
        statement = statement_for(covered, answer, workspace.clock.now_ns())
        signature = sign(
            workspace.programs, message=statement, namespace=APPROVAL_NAMESPACE, key_path=public.path
        )
        delivery = Delivery(workspace)
        mail = delivery.answer_mail(covered.asked.breakpoint_id, wanted.decision, comment=wanted.comment)
        signed = structs.replace(
            mail,
            sender=approver,
            method="ssh",
            statement=statement.decode(),
            signature=signature,
            on_behalf_of=wanted.on_behalf_of,
            break_glass=wanted.break_glass,
        )
        return delivery.send(covered.run_id, signed)

    def _allowed_keys(self) -> tuple[PublicKey, ...]:
        return tuple(line.key for line in self.workspace.trust_now().signers.lines)

    def _owner_of(self, signer: PublicKey | Certificate) -> str:
        """Return the one person whose key this is."""
        key = signer.authority if isinstance(signer, Certificate) else signer
        lines = [line for line in self.workspace.trust_now().signers.lines if line.key == key]
        found = signer.principals if isinstance(signer, Certificate) else ()
        names = tuple(
            dict.fromkeys([*found, *(name for line in lines for name in literal_names(line.patterns))])
        )
        if len(names) == 1:
            return names[0]
        if not names:
            raise SignersError(
                "this key is nobody's in the file of signers.",
                hint="Add it with: babysitter key add YOU@EXAMPLE.COM KEY.pub (or name yourself with --as).",
            )
        raise SignersError(f"this key is of {', '.join(names)}.", hint="Say who you are with --as NAME.")
