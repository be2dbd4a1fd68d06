"""Signing with a person's key: whose key it is, and a signature that was verified before it is used."""

from collections.abc import Callable
from dataclasses import dataclass

from babysitter.model.errors import SignersError
from babysitter.service.wiring import Workspace
from babysitter.signing.certificates import Certificate, listed_key
from babysitter.signing.keys import PublicKey
from babysitter.signing.patterns import literal_names
from babysitter.signing.sign import public_half, sign
from babysitter.signing.verify import Trust, verify_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a person signed."""

    person: str
    message: bytes
    signature: str


def sign_as(
    workspace: Workspace,
    *,
    key: str,
    person: str | None,
    namespace: str,
    make: Callable[[str], bytes],
) -> Signed:
    """Have a person's key sign what ``make`` gives for that person.

    Args:
        workspace: whose signers count.
        key: a path, or ``agent``.
        person: who signs; None: whoever the key belongs to.
        namespace: what the signature is for.
        make: returns the message, given the person.

    Raises:
        SignersError: there is no such key, it is nobody's here, or several people's.
        SignatureError: the signature does not count, by the signers in force.
        MissingToolError: ``ssh-keygen`` is not here.
    """
    trust = workspace.trust_now()
    public = public_half(workspace.programs, key, _keys(trust, person))
    signer = person or owner_of(trust, public.signer)
    message = make(signer)
    signature = sign(workspace.programs, message=message, namespace=namespace, key_path=public.path)
    verify_signature(
        trust,
        message=message,
        armored=signature,
        principal=signer,
        namespace=namespace,
        at_ns=workspace.clock.now_ns(),
    )
    return Signed(person=signer, message=message, signature=signature)


def owner_of(trust: Trust, signer: PublicKey | Certificate) -> str:
    """Return the one person whose key this is.

    Raises:
        SignersError: it is nobody's, or several people's.
    """
    key = listed_key(signer)
    certified = signer.principals if isinstance(signer, Certificate) else ()
    named = (name for line in trust.signers.lines if line.key == key for name in literal_names(line.patterns))
    names = tuple(dict.fromkeys([*certified, *named]))
    if len(names) == 1:
        return names[0]
    if not names:
        raise SignersError(
            "this key is nobody's in the file of signers.",
            hint="Add it with: babysitter key add YOU@EXAMPLE.COM KEY.pub (or name yourself with --as).",
        )
    raise SignersError(f"this key is of {', '.join(names)}.", hint="Say who you are with --as NAME.")


def _keys(trust: Trust, person: str | None) -> tuple[PublicKey, ...]:
    if person is None:
        return tuple(line.key for line in trust.signers.lines)
    return (*trust.signers.keys_of(person), *trust.signers.authorities_of(person))
