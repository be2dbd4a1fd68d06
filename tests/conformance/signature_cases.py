"""What a signature is verified with, in both verifiers: stock ``ssh-keygen -Y verify`` and ours.

A Case is everything a verifier is given. ``Keygen`` makes keys, certificates,
signatures and revocation lists with the stock program; what it won't make (a signature without
a touch) comes from tests/unit/signing/software_keys.py.
"""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from babysitter.model.clock import parse_time
from babysitter.model.errors import SignatureError, SignersError
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.revocation import Revocations
from babysitter.signing.verify import Trust, verify_signature
from tests.unit.signing.software_keys import MESSAGE, NAMESPACE, ORIGIN

ALICE = "alice@example.com"
NOW = "2026-06-15T12:00:00Z"
NOW_KEYGEN = "20260615120000Z"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What both verifiers get. ``revoked`` None: no list at all."""

    signature: str | bytes
    signers: str
    principal: str = ALICE
    namespace: str = NAMESPACE
    message: bytes = MESSAGE
    revoked: bytes | None = None
    always: bool = False

    def ours(self) -> str | None:
        """Return why we refuse, or None when we accept."""
        try:
            trust = Trust(
                signers=AllowedSigners.parse(self.signers),
                revoked=() if self.revoked is None else (Revocations.parse(self.revoked),),
                origins=frozenset({ORIGIN}),
                require_verification="always" if self.always else "passkeys",
            )
            verify_signature(
                trust,
                message=self.message,
                armored=self.signature,
                principal=self.principal,
                namespace=self.namespace,
                at_ns=parse_time(NOW),
            )
        except SignatureError as refused:
            return str(refused.facts["reason"])
        except SignersError:
            return "signers"
        return None

    def keygen_accepts(self, folder: Path) -> bool:
        """Return whether ``ssh-keygen`` says Good."""
        signature, signers, revoked = (folder / name for name in ("sig", "signers", "revoked"))
        signature.write_bytes(self.signature.encode() if isinstance(self.signature, str) else self.signature)
        signers.write_text(self.signers)
        argv = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", self.principal, "-n", self.namespace]
        argv += ["-s", str(signature), "-O", f"verify-time={NOW_KEYGEN}"]
        if self.revoked is not None:
            revoked.write_bytes(self.revoked)
            argv += ["-r", str(revoked)]
        done = subprocess.run(argv, input=self.message, capture_output=True, check=False, env=_environment())
        assert (b"Good" in done.stdout) == (done.returncode == 0), done
        return done.returncode == 0


@dataclass(frozen=True, kw_only=True)
class Keygen:
    """Stock ``ssh-keygen`` in a folder of its own. Keys are made once, by name."""

    folder: Path
    made: dict[str, str] = field(default_factory=dict)

    def key(self, name: str, kind: str = "ed25519", bits: int | None = None) -> str:
        """Return the public line of a key; it is made when it is first asked for."""
        if name not in self.made:
            argv = ["-q", "-t", kind, "-N", "", "-C", name, "-f", name]
            self._run(*argv, *([] if bits is None else ["-b", str(bits)]))
            self.made[name] = (self.folder / f"{name}.pub").read_text().strip()
        return self.made[name]

    def given(self, name: str, line: str) -> None:
        """Write the public half of a key that lives elsewhere."""
        (self.folder / f"{name}.pub").write_text(line + "\n")

    def certificate(self, name: str, *options: str, authority: str = "ca", people: str = ALICE) -> str:
        """Return the public line of a certificate for the key of that name, and keep it beside the key."""
        named = ("-n", people) if people else ()
        self._run("-q", "-s", authority, "-I", "alice's laptop", *named, *options, f"{name}.pub")
        return (self.folder / f"{name}-cert.pub").read_text().strip()

    def sign(
        self, name: str, message: bytes = MESSAGE, namespace: str = NAMESPACE, hash_name: str = "sha512"
    ) -> str:
        """Return the signature of the key, or of the certificate, in the file of that name."""
        return self._run(
            "-Y", "sign", "-f", name, "-n", namespace, "-O", f"hashalg={hash_name}", stdin=message
        )

    def krl(self, *lines: str, authority: str | None = None) -> bytes:
        """Return the revocation list for the lines, as ssh-keygen(1) describes them."""
        (self.folder / "spec").write_text("\n".join(lines) + "\n")
        certified = () if authority is None else ("-s", f"{authority}.pub")
        self._run("-q", "-k", "-f", "krl", *certified, "spec")
        return (self.folder / "krl").read_bytes()

    def _run(self, *argv: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["ssh-keygen", *argv],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
            env=_environment(),
        )
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout.decode()


def _environment() -> dict[str, str]:
    """Times without a zone are UTC for us; no agent of the person at work is asked."""
    return {**{name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}, "TZ": "UTC"}
