"""Signing with a person's key: whose key it is, and a signature that was verified before it is used."""

from collections.abc import Callable
from dataclasses import dataclass

from babysitter.model.clock import Clock, Dice
from babysitter.model.errors import SignersError
from babysitter.model.runner import Programs
from babysitter.service.wiring import Workspace
from babysitter.signing.allowed_signers import AllowedSigners, SignerLine, check_principal
from babysitter.signing.certificates import Certificate, listed_key
from babysitter.signing.keys import PublicKey
from babysitter.signing.patterns import literal_names
from babysitter.signing.sign import AGENT, PublicHalf, agent_keys, public_half, sign
from babysitter.signing.verify import Trust, verify_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What signing needs of the machine of whoever signs; there need be no workspace."""

    programs: Programs
    clock: Clock
    dice: Dice


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
    made = Signed(person=signer, message=message, signature=signature)
    _check(made, trust, namespace, workspace.clock.now_ns())
    return made


def sign_alone(machine: Machine, *, key: str, person: str, namespace: str, message: bytes) -> Signed:
    """Have a person's key sign where there is no file of signers: whether it counts, others say.

    The signature is verified against the key's own public half.

    Args:
        machine: what signing needs of this one.
        key: a path, or ``agent`` where that has one key.
        person: who signs, as those have it who will verify.
        namespace: what the signature is for.
        message: what is signed.

    Raises:
        SignersError: there is no such key, or the agent has several.
        SignatureError: ``ssh-keygen`` did not sign, or signed something else.
        MissingToolError: ``ssh-keygen`` is not here.
    """
    public = own_half(machine.programs, key)
    signature = sign(machine.programs, message=message, namespace=namespace, key_path=public.path)
    made = Signed(person=person, message=message, signature=signature)
    _check(made, _trust_in(public.signer, person), namespace, machine.clock.now_ns())
    return made


def own_half(programs: Programs, key: str) -> PublicHalf:
    """Return the public half of a key where there is no file of signers that says which may sign.

    Args:
        programs: starts ``ssh-add``.
        key: a path, or ``agent`` where that has one key.

    Raises:
        SignersError: there is no such key, or the agent has several.
    """
    if key != AGENT:
        return public_half(programs, key)
    lines = agent_keys(programs)
    if len(lines) == 1:
        return PublicHalf(line=lines[0], path=lines[0])
    raise SignersError(
        f"the agent has {len(lines)} keys, and no file of signers here says which is yours.",
        hint="Give the .pub file of the one that signs: --key ~/.ssh/id_ed25519.pub",
        file=AGENT,
        line=0,
    )


def _check(made: Signed, trust: Trust, namespace: str, now_ns: int) -> None:
    verify_signature(
        trust,
        message=made.message,
        armored=made.signature,
        principal=made.person,
        namespace=namespace,
        at_ns=now_ns,
    )


def _trust_in(signer: PublicKey | Certificate, person: str) -> Trust:
    """Return trust in this key, as this person's, and in nothing else."""
    check_principal(person)
    line = SignerLine(
        number=1,
        patterns=person,
        key=listed_key(signer),
        cert_authority=isinstance(signer, Certificate),
    )
    return Trust(signers=AllowedSigners(file="the key's own public half", lines=(line,)))


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
