"""Who may sign, right now: the file of signers, where a change of it counts.

Without ``[signing.changes]`` the file counts as it is, and the log is told of each version.
With it, a new version counts once enough of those named have signed it, with keys of the
version before; until then that one stays in force, but for keys that the new one revokes.
Their signatures lie beside the file: ``<signers>.approvals/<SHA-256>/<person>.sig``, made
with ``babysitter key approve``.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from babysitter.config import Settings
from babysitter.model.errors import SignatureError, SignersError
from babysitter.model.evidence_settings import SigningTable
from babysitter.model.rules import Policy
from babysitter.model.values import sha256_hex
from babysitter.service.logbook import Logbook
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.revocation import Revocations
from babysitter.signing.verify import Trust, verify_signature

SIGNERS_NAMESPACE = "babysitter-signers"
_FILE_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SignerFiles:
    """The file of signers and the file of revoked keys, either of which may be missing."""

    signers_path: Path
    revoked_path: Path

    def read(self) -> tuple[bytes, bytes]:
        """Return the bytes of both.

        Raises:
            SignersError: one can't be read.
        """
        return _bytes_of(self.signers_path), _bytes_of(self.revoked_path)

    def approvals_folder(self, text: bytes) -> Path:
        """Return where the signatures over a change lie."""
        folder = self.signers_path.with_name(f"{self.signers_path.name}.approvals")
        return folder / sha256_hex(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Files of signers that differ from those in force, where that needs signatures.

    old: whom to believe by those in force.
    signed_by: the signatures so far, by person. missing: how many more must.
    """

    old: Trust
    signed_by: dict[str, bytes]
    missing: int


def proposed(files: SignerFiles, settings: Settings, policy: Policy, logbook: Logbook) -> Proposed | None:
    """Return where a change of the files stands; None: they are in force, or need nobody's signature.

    Raises:
        SignersError: a file can't be used.
    """
    return _proposed(files, files.read(), settings, policy, logbook)


def _proposed(
    files: SignerFiles, contents: tuple[bytes, bytes], settings: Settings, policy: Policy, logbook: Logbook
) -> Proposed | None:
    """Return the same of what was read: what is decided about is what comes into force, if it does."""
    before, changes = logbook.signers_in_force(), settings.signing.changes
    if before is None or changes is None or logbook.says_signers(*contents):
        return None
    kept = logbook.log.read
    old_revoked = kept(f"signers/{before.revoked_sha256}") if before.revoked_sha256 else b""
    old = trust_of(settings.signing, kept(f"signers/{before.signers_sha256}"), old_revoked)
    people = policy.members(changes.roles, changes.people)
    signed_by = signatures_over(files, change_text(*contents), people, old, logbook.now_ns())
    return Proposed(old=old, signed_by=signed_by, missing=max(0, changes.quorum - len(signed_by)))


def signers_in_force(files: SignerFiles, settings: Settings, policy: Policy, logbook: Logbook) -> Trust:
    """Return whom to believe, after telling the log of a change that counts.

    Raises:
        SignersError: a file can't be used.
    """
    contents = files.read()
    change = _proposed(files, contents, settings, policy, logbook)
    if change is not None and change.missing:
        return _revoking_at_once(change.old, contents[1], settings.signing)
    if logbook.says_signers(*contents) or (not any(contents) and logbook.signers_in_force() is None):
        return trust_of(settings.signing, *contents)
    # Whether a change needs signatures is in the rules, so the log has those first.
    logbook.tell_policy(policy)
    with logbook.log.alone():
        # Looked at again with the log in hand: whoever was faster may have told of a newer file.
        contents = files.read()
        change = _proposed(files, contents, settings, policy, logbook)
        if change is not None and change.missing:
            return _revoking_at_once(change.old, contents[1], settings.signing)
        trust = trust_of(settings.signing, *contents)
        logbook.tell_signers(*contents, change.signed_by if change is not None else {})
        return trust


def _revoking_at_once(old: Trust, revoked: bytes, settings: SigningTable) -> Trust:
    """Return the trust of before, less the keys that are revoked since: a stolen key waits for nobody."""
    since = Revocations.parse(revoked, file=settings.revoked)
    return replace(old, revoked=(*old.revoked, since))


def trust_of(settings: SigningTable, signers: bytes, revoked: bytes) -> Trust:
    """Return whom these files let one believe."""
    return Trust(
        signers=AllowedSigners.parse(signers, file=settings.signers),
        revoked=(Revocations.parse(revoked, file=settings.revoked),) if revoked else (),
        origins=frozenset(settings.origins),
        require_verification=settings.user_verification,
    )


def change_text(signers: bytes, revoked: bytes) -> bytes:
    """Return what people sign when they agree to new files of signers."""
    return f"babysitter-signers/v1\n{sha256_hex(signers)}\n{sha256_hex(revoked)}\n".encode()


def signatures_over(
    files: SignerFiles, text: bytes, people: tuple[str, ...], old: Trust, at_ns: int
) -> dict[str, bytes]:
    """Return the signatures over a change that hold, by those in force, by person."""
    folder = files.approvals_folder(text)
    found = {}
    for person in people:
        signature = _bytes_of(folder / f"{person}.sig")
        if not signature:
            continue
        try:
            verify_signature(
                old,
                message=text,
                armored=signature,
                principal=person,
                namespace=SIGNERS_NAMESPACE,
                at_ns=at_ns,
            )
        except SignatureError:
            # A signature that does not hold is as good as none; the quorum says whether that is enough.
            continue
        found[person] = signature
    return found


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SignersError(
            f"{path} can't be read: {error.strerror}.", hint="Check its permissions.", file=str(path), line=0
        ) from None
    if len(data) > _FILE_BYTES_MAX:
        raise SignersError(
            f"{path} has {len(data)} bytes.", hint="No file of signers is that large.", file=str(path), line=0
        )
    return data
