"""Did this person sign this text, for this purpose, with a key that counted at that time?

The plan; each step refuses with its own word, and a step that can't be made refuses too:

     1. The armour holds one signature of version 1.                             ``malformed``
     2. It was made for this namespace.                                          ``namespace``
     3. It names a key of a kind we know, or a certificate that its authority
        did sign.                                                ``malformed``, ``unsupported``
     4. The key is strong enough and signed this very text.      ``weak-key``, ``bad-signature``
     5. A security key was touched; a passkey besides was used at an origin of ours, and
        knew its user.                      ``no-presence``, ``origin``, ``no-verification``
     6. Neither key, nor certificate, nor authority is revoked.                    ``revoked``
     7. A line of the file of signers names the person together with the key, or with the
        authority of the certificate.                   ``unknown-signer``, ``wrong-principal``
     8. The certificate is a person's, covers this one, at that time, and restricts nothing
        that can't be checked.           ``certificate-…``, ``wrong-principal``, ``no-verification``
     9. The line permits the namespace, and is valid at that time.
                                                ``namespace``, ``not-yet-valid``, ``expired-key``

Steps 1 to 4 and 6 to 9 are those of ``ssh-keygen -Y verify``, which accepts a security
key's signature without a touch; step 5 is ours. The time is the caller's: a witnessed one,
never what the signed text says about itself. When several lines name the person with the
key, one that passes is enough; when none does, the first one says why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from babysitter.model.errors import SignatureError
from babysitter.signing.allowed_signers import AllowedSigners, SignerLine
from babysitter.signing.certificates import Certificate, listed_key, parse_signer, plain_key
from babysitter.signing.checks import Presence, check
from babysitter.signing.keys import PublicKey
from babysitter.signing.refusals import refusal
from babysitter.signing.revocation import Revocations
from babysitter.signing.sshsig import parse, to_be_signed

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom and what to believe.

    revoked: what any of these revokes does not count.
    origins: where passkeys may have been used, as browsers write them (``https://host[:port]``).
    require_verification: which security keys must have asked for a PIN or fingerprint: ``passkeys``, or
        ``always``, all of them. A key in a file can't vouch for that, and is not asked.
    """

    signers: AllowedSigners
    revoked: tuple[Revocations, ...] = ()
    origins: frozenset[str] = frozenset()
    require_verification: Literal["passkeys", "always"] = "passkeys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A signature that passed every step.

    fingerprint, key_type: of the plain key, whether or not it came in a certificate.
    via_certificate: the fingerprint of the authority whose certificate named the person, or None.
    """

    principal: str
    fingerprint: str
    key_type: str
    method: Literal["ssh", "passkey"]
    user_verified: bool
    via_certificate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """A signature after steps 1 to 6: a key did sign; whose it is, is open."""

    signer: PublicKey | Certificate
    presence: Presence | None

    @property
    def user_verified(self) -> bool:
        return self.presence is not None and self.presence.user_verified


def verify_signature(
    trust: Trust, *, message: bytes, armored: str | bytes, principal: str, namespace: str, at_ns: int
) -> Verified:
    """Return who signed the message; ``at_ns`` is the witnessed time of the signature.

    Raises:
        SignatureError: ``facts["reason"]`` is the word of the step that failed; see the plan above.
    """
    signed = _check_signature(trust, message, armored, namespace)
    _check_principal(trust, signed, principal, namespace, at_ns // _NS_PER_S)
    return _verified(signed, principal)


def _check_signature(trust: Trust, message: bytes, armored: str | bytes, namespace: str) -> _Signed:
    """Steps 1 to 6."""
    signature = parse(armored)
    if signature.namespace != namespace:
        raise _other_namespace(signature.namespace, namespace)
    signer = parse_signer(signature.public_key_blob)
    over = to_be_signed(message, namespace, signature.hash_name)
    signed = _Signed(signer=signer, presence=check(plain_key(signer), signature.signature_blob, over))
    _check_presence(trust, signed)
    if any(each.is_revoked(signer) for each in trust.revoked):
        raise refusal("revoked", f"{plain_key(signer).fingerprint} is revoked.")
    return signed


def _check_presence(trust: Trust, signed: _Signed) -> None:
    """Step 5. A key that is no security key has nothing to show here."""
    presence, name = signed.presence, plain_key(signed.signer).fingerprint
    if presence is None:
        return
    if not presence.user_present:
        raise refusal("no-presence", f"Nobody touched security key {name} for this signature.")
    if presence.origin is not None and presence.origin not in trust.origins:
        raise refusal("origin", f"Passkey {name} was used at {presence.origin[:200]!r}, which is not ours.")
    asked = presence.origin is not None or trust.require_verification == "always"
    if asked and not presence.user_verified:
        raise _not_verified(name)


def _check_principal(trust: Trust, signed: _Signed, principal: str, namespace: str, at_s: int) -> None:
    """Steps 7 to 9."""
    with_key = list(_lines_with_key(trust.signers, signed.signer))
    name = plain_key(signed.signer).fingerprint
    if not with_key:
        raise refusal("unknown-signer", f"{trust.signers.file} does not name {name}.")
    lines = [line for line in with_key if line.names(principal)]
    if not lines:
        raise refusal("wrong-principal", f"{trust.signers.file} does not name {name} as {principal}.")
    first: SignatureError | None = None
    for line in lines:
        try:
            return _check_line(line, signed, principal, namespace, at_s)
        except SignatureError as missing:
            first = first or missing
    assert first is not None
    raise first


def _check_line(line: SignerLine, signed: _Signed, principal: str, namespace: str, at_s: int) -> None:
    """Steps 8 and 9."""
    place = f"line {line.number} of the file of signers"
    if isinstance(signed.signer, Certificate):
        signed.signer.check_covers(principal, at_s)
        if signed.signer.verification_required and not signed.user_verified:
            raise _not_verified(signed.signer.key.fingerprint)
    if not line.permits(namespace):
        raise refusal("namespace", f"The key of {place} may not sign in namespace {namespace!r}.")
    if line.valid_after_s is not None and at_s < line.valid_after_s:
        raise refusal("not-yet-valid", f"The key of {place} was not yet valid.")
    if line.valid_before_s is not None and at_s > line.valid_before_s:
        raise refusal("expired-key", f"The key of {place} was no longer valid.")


def _lines_with_key(signers: AllowedSigners, signer: PublicKey | Certificate) -> Iterable[SignerLine]:
    certified = isinstance(signer, Certificate)
    key = listed_key(signer)
    return (line for line in signers.lines if line.cert_authority == certified and line.key == key)


def _verified(signed: _Signed, principal: str) -> Verified:
    key = plain_key(signed.signer)
    passkey = signed.presence is not None and signed.presence.origin is not None
    authority = signed.signer.authority if isinstance(signed.signer, Certificate) else None
    return Verified(
        principal=principal,
        fingerprint=key.fingerprint,
        key_type=key.algorithm,
        method="passkey" if passkey else "ssh",
        user_verified=signed.user_verified,
        via_certificate=None if authority is None else authority.fingerprint,
    )


def _not_verified(name: str) -> SignatureError:
    return refusal("no-verification", f"Security key {name} did not ask for a PIN or fingerprint.")


def _other_namespace(made_for: str, wanted: str) -> SignatureError:
    return refusal("namespace", f"The signature was made for {made_for[:100]!r}, not for {wanted!r}.")
