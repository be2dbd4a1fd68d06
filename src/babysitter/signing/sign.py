"""Have a person's own key sign: through ``ssh-keygen``, so that no private key comes near us.

A key file, a security key and an agent are one thing to ``ssh-keygen -Y sign``: it is given
the file of a key, private or public, and asks the agent where it has no private half.
A key that only the agent has is written down, its public half, for as long as that takes.

Source: ssh-keygen(1), "-Y sign"; ssh-add(1), "-L".
"""

import os
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from babysitter.model.errors import MissingToolError, SignatureError, SignersError
from babysitter.model.runner import Programs
from babysitter.signing.certificates import Certificate, listed_key, parse_signer
from babysitter.signing.keys import KEY_BYTES_MAX, PublicKey, blob_of_line
from babysitter.signing.refusals import refusal
from babysitter.signing.sshsig import parse

AGENT = "agent"
"""Instead of a path: a key that the agent has."""
_TOUCH_TIMEOUT_S = 120.0
"""A person has to find the security key, type a PIN and touch it."""
_AGENT_TIMEOUT_S = 10.0
_LINE_BYTES_MAX = 2 * KEY_BYTES_MAX
_AGENT_KEYS_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicHalf:
    """The public half of the key that is to sign.

    line: as a ``.pub`` file has it. path: what ``sign`` takes: the key's file, or for a key
    that only the agent has, the line again.
    """

    line: str
    path: str

    @property
    def signer(self) -> PublicKey | Certificate:
        """The key, or the certificate, of the line."""
        return parse_signer(blob_of_line(self.line)[1])


def public_half(programs: Programs, key: str, allowed: Collection[PublicKey] = ()) -> PublicHalf:
    """Return the public half of the key that a person named: by its file, its ``.pub`` file, or as AGENT.

    Args:
        programs: starts ``ssh-add``.
        key: a path, or AGENT.
        allowed: the keys that may sign; the agent's first one of them, or certified by one of them, is taken.

    Raises:
        SignersError: there is no such key, or none that may sign.
    """
    if key != AGENT:
        return PublicHalf(line=_read_line(key), path=key)
    lines = agent_keys(programs)
    for line in lines:
        if _may_sign(line, allowed):
            return PublicHalf(line=line, path=line)
    raise SignersError(
        f"the agent has {len(lines)} keys, and none of them is in the file of signers.",
        hint="List them with 'ssh-add -L'; add yours with 'ssh-add KEY', or give its file.",
        file=AGENT,
        line=0,
    )


def agent_keys(programs: Programs) -> list[str]:
    """Return the public lines of the agent's keys that we know how to verify; none without an agent."""
    try:
        called = programs.call(("ssh-add", "-L"), timeout_s=_AGENT_TIMEOUT_S)
    except MissingToolError:
        return []
    if called.status != 0:
        return []
    lines = called.stdout.decode(errors="replace").splitlines()[:_AGENT_KEYS_MAX]
    return [line.strip() for line in lines if _is_key(line)]


def sign(programs: Programs, *, message: bytes, namespace: str, key_path: str) -> str:
    """Return the armoured signature over the message.

    Args:
        programs: starts ``ssh-keygen``.
        message: the bytes to sign.
        namespace: the purpose that the signature is for.
        key_path: the key's file, its ``.pub`` file, or the public line of a key that the agent has.

    Raises:
        SignatureError: ``not-signed``; with what ``ssh-keygen`` says about it.
        MissingToolError: ``ssh-keygen`` is not on this machine.
        ProgramTimeoutError: nobody touched the security key in time.
    """
    if not _is_key(key_path):
        return _call(programs, message, namespace, key_path)
    with tempfile.TemporaryDirectory(prefix="babysitter-key-") as folder:
        path = Path(folder, "key.pub")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key_path + "\n")
        return _call(programs, message, namespace, str(path))


def _call(programs: Programs, message: bytes, namespace: str, path: str) -> str:
    argv = ("ssh-keygen", "-Y", "sign", "-f", path, "-n", namespace)
    called = programs.call(argv, stdin=message, timeout_s=_TOUCH_TIMEOUT_S)
    if called.status != 0:
        said = called.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        raise refusal("not-signed", f"ssh-keygen did not sign; it says: {said[0][:300]}")
    armored = called.stdout.decode("ascii", errors="replace")
    parse(armored)
    return armored


def _read_line(key: str) -> str:
    path = Path(key if key.endswith(".pub") else f"{key}.pub")
    try:
        with path.open("rb") as file:
            data = file.read(_LINE_BYTES_MAX + 1)
        line = data.decode().strip()
    except FileNotFoundError:
        raise _unusable(path, "is not there") from None
    except (OSError, UnicodeDecodeError) as bad:
        raise _unusable(path, f"can't be read ({type(bad).__name__})") from None
    if len(data) > _LINE_BYTES_MAX or not _is_key(line):
        raise _unusable(path, "is not the public half of a key that we know")
    return line


def _is_key(line: str) -> bool:
    try:
        parse_signer(blob_of_line(line)[1])
    except SignatureError:
        return False
    return "\n" not in line.strip()


def _may_sign(line: str, allowed: Collection[PublicKey]) -> bool:
    return listed_key(parse_signer(blob_of_line(line)[1])) in allowed


def _unusable(path: Path, what: str) -> SignersError:
    return SignersError(
        f"{path} {what}.",
        hint="Give the key's file, with its .pub beside it ('ssh-keygen -y -f KEY > KEY.pub' makes that).",
        file=str(path),
        line=1,
    )
