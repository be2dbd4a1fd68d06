"""Why a signature is refused: stable words, and what to do about each.

Programs read ``facts["reason"]``, people read the sentence.
"""

from typing import Literal

from babysitter.model.errors import SignatureError

Reason = Literal[
    "bad-signature",
    "certificate-expired",
    "certificate-not-yet-valid",
    "certificate-option",
    "expired-key",
    "malformed",
    "namespace",
    "no-presence",
    "no-verification",
    "not-signed",
    "not-yet-valid",
    "origin",
    "revoked",
    "unknown-signer",
    "unsupported",
    "weak-key",
    "wrong-principal",
]
"""One word for each link of the chain from a signature to a person that can be missing."""

HINTS: dict[Reason, str] = {
    "bad-signature": "The text or the signature was changed after signing. Ask for a new one over this text.",
    "certificate-expired": "Have the certificate renewed by its authority, and sign again.",
    "certificate-not-yet-valid": "Look at the clock of the authority that issued the certificate.",
    "certificate-option": "Ask for a user certificate without restrictions: they can't be checked here.",
    "expired-key": "Put a newer key into the file of signers, and sign again.",
    "malformed": "Sign again, with 'babysitter approve' or a passkey, and hand it on unchanged.",
    "namespace": "A signature counts only for what it was made for. Sign again, for this.",
    "no-presence": "Sign with a key that asks for a touch, not with one made as 'no-touch-required'.",
    "no-verification": "Sign with a key made with 'ssh-keygen -O verify-required', or a passkey that asks.",
    "not-signed": "Look at what ssh-keygen says; 'ssh-add -L' lists the keys that the agent has.",
    "not-yet-valid": "Look at 'valid-after' of the key in the file of signers.",
    "origin": "Use the passkey on an address that the settings name.",
    "revoked": "Use another key. If the key should not be revoked, correct the revocation list.",
    "unknown-signer": "Put the key into the file of signers ('key add'), if it is the person's.",
    "unsupported": "Use an Ed25519, ECDSA or RSA key, or a security key.",
    "weak-key": "Use an Ed25519 key, or an RSA key of at least 2048 bits with a SHA-2 signature.",
    "wrong-principal": "Sign as the person whom the file of signers names for this key.",
}


def refusal(reason: Reason, what: str, **facts: object) -> SignatureError:
    """Return the error for one missing link; ``what`` says in a sentence what happened and where."""
    return SignatureError(what, hint=HINTS[reason], reason=reason, **facts)
