"""May this code run? The plan; each step that fails says which one, and what to do.

     0. The process that comes with this product is this product: who runs the one trusts the other.
     1. ``--allow-untrusted`` lets anything run, is journaled, and is refused where nobody is at the terminal.
     2. Signed statements about this digest, under the sandbox's settings as they are now, each by a reviewer
        whose
        signature holds at this moment: as many people as ``[trust] quorum`` asks for.
     3. The files that say who may sign came with the code. They count where this account has believed these
        very files on this machine, or the environment names their digest (``BABYSITTER_SIGNERS_SHA256``).
     4. Else an unsigned word of this account on this machine about this digest, under the same settings; not
        in continuous integration, and not where ``[trust]`` denies it.

It is asked before any of the code is imported. What is missing refuses.
"""

from collections.abc import Iterator
from typing import Protocol

import msgspec
from msgspec import Struct

from babysitter.config import FILE_NAME, Place, Settings
from babysitter.model.clock import Clock
from babysitter.model.errors import RefusedError, SignatureError, UntrustedProcessError
from babysitter.model.rules import Policy
from babysitter.model.trust_statement import PROCESS_NAMESPACE, TrustStatement
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.service.process.admitted import Admitted, Surroundings
from babysitter.service.process.closure import Sources
from babysitter.service.process.records import LocalRecords, Record, SignedRecords, stamp_of
from babysitter.service.signers_in_force import SignerFiles, change_text
from babysitter.signing.verify import Trust, verify_signature

_CACHE_S = 30.0
"""A key that expires meanwhile counts that much longer; a file that changes counts at once."""


class Asked(Protocol):
    """The workspace whose code it is about. Who may sign is asked only where there is a statement."""

    place: Place
    clock: Clock

    @property
    def signer_files(self) -> SignerFiles:
        """The files that say who may sign."""
        ...

    def policy_now(self) -> Policy:
        """Return who is in which role."""
        ...

    def trust_now(self) -> Trust:
        """Return whose signatures count at this moment."""
        ...


class WorkspaceAdmission:
    """See the module."""

    def __init__(self, workspace: Asked, here: Surroundings) -> None:
        self._workspace = workspace
        self.surroundings = here
        self._known: dict[str, tuple[object, float, Admitted]] = {}

    @property
    def signed(self) -> SignedRecords:
        """The folder in version control."""
        return SignedRecords(self._workspace.place.root)

    @property
    def local(self) -> LocalRecords:
        """What this account said."""
        return LocalRecords(self.surroundings.state, self._workspace.place.root)

    @property
    def _settings(self) -> Settings:
        return self._workspace.place.settings

    def admit(self, sources: Sources, *, allow_untrusted: bool = False) -> Admitted:
        """See Admission."""
        if sources.is_built_in:
            return Admitted(method="built-in", by=("babysitter",))
        if allow_untrusted and self.surroundings.in_ci:
            raise RefusedError(
                "--allow-untrusted is for a person at a terminal, and CI is set.",
                hint="Have the process trusted with a signature: babysitter process trust ENTRY --key KEY, "
                "and commit babysitter.trust/.",
            )
        digest = sources.digest
        stamps, now_s = self._stamps(), self._workspace.clock.monotonic_s()
        known = self._known.get(digest)
        if known is not None and known[0] == stamps and now_s - known[1] < _CACHE_S:
            return known[2]
        try:
            admitted = self._decide(sources, digest)
        except UntrustedProcessError:
            if allow_untrusted:
                return Admitted(method="allowed-untrusted", by=(self.surroundings.user,))
            raise
        self._known[digest] = (stamps, now_s, admitted)
        return admitted

    def signers_sha256(self) -> str:
        """Return the digest of the files of signers as they are."""
        return sha256_hex(change_text(*self._workspace.signer_files.read()))

    def believes_signers(self) -> bool:
        """Tell whether the files of signers, as they are, count for this account."""
        digest = self.signers_sha256()
        pinned = self.surroundings.pinned_signers
        return digest == (pinned if pinned is not None else self.local.believed_signers())

    def standing(self, record: Record, statement: TrustStatement) -> str:
        """Return why a signed statement does not count now; empty when it does."""
        predicate = statement.predicate
        reviewers = self._settings.trust.reviewers
        if reviewers and predicate.reviewer not in self._workspace.policy_now().members(reviewers, ()):
            return f"{predicate.reviewer} is none of {', '.join(reviewers)}, who review here"
        try:
            verify_signature(
                self._workspace.trust_now(),
                message=record.data,
                armored=record.signature,
                principal=predicate.reviewer,
                namespace=PROCESS_NAMESPACE,
                at_ns=self._workspace.clock.now_ns(),
            )
        except SignatureError as error:
            return error.message.rstrip(".")
        return ""

    def _stamps(self) -> object:
        files = self._workspace.signer_files
        paths = (self._workspace.place.root / FILE_NAME, files.signers_path, files.revoked_path)
        return (*map(stamp_of, paths), self.signed.stamps(), self.local.stamps())

    def _decide(self, sources: Sources, digest: str) -> Admitted:
        problems: list[tuple[str, str]] = []
        signed = self._signed(digest, problems)
        if signed is not None and self.believes_signers():
            return signed
        local = self._local(digest, problems)
        if local is not None:
            return local
        if signed is not None:
            raise self._unbelieved(sources, signed)
        raise untrusted(sources, problems)

    def _signed(self, digest: str, problems: list[tuple[str, str]]) -> Admitted | None:
        found: dict[str, str] = {}
        for record, statement in self._about(self.signed.all(), digest, problems):
            why = self.standing(record, statement)
            if why:
                problems.append(("record", f"{record.path.name}: {why}"))
            else:
                found[statement.predicate.reviewer] = record.sha256
        quorum = self._settings.trust.quorum
        if len(found) < quorum:
            if found:
                problems.append(("record", f"{len(found)} of {quorum} reviewers have signed"))
            return None
        return Admitted(method="signed", by=tuple(found), statements=tuple(found.values()))

    def _local(self, digest: str, problems: list[tuple[str, str]]) -> Admitted | None:
        for record, statement in self._about(self.local.all(), digest, problems):
            if not self.local.is_about_here(statement):
                continue
            if self.surroundings.in_ci:
                problems.append(("record", "an unsigned word does not count where CI is set"))
            elif not self._settings.trust.takes_local:
                problems.append(("record", "[trust] asks for a signature, and yours is an unsigned word"))
            else:
                by = (statement.predicate.reviewer,)
                return Admitted(method="local", by=by, statements=(record.sha256,))
        return None

    def _about(
        self, records: Iterator[Record], digest: str, problems: list[tuple[str, str]]
    ) -> Iterator[tuple[Record, TrustStatement]]:
        """Yield the records about this digest under these settings; note those about it that fail."""
        settings_sha256 = granted_sha256(self._settings)
        for record in records:
            if digest.encode() not in record.data:
                continue
            try:
                statement = record.statement()
            except SignatureError as error:
                problems.append(("record", f"{record.path.name}: {error.message}"))
                continue
            if not statement.covers(digest):
                continue
            if statement.predicate.settings_sha256 != settings_sha256:
                by = statement.predicate.reviewer
                problems.append(("settings", f"{by} trusted it under other settings of [sandbox]"))
                continue
            yield record, statement

    def _unbelieved(self, sources: Sources, signed: Admitted) -> UntrustedProcessError:
        name = self._workspace.signer_files.signers_path.name
        return UntrustedProcessError(
            f"{sources.named} is signed by {', '.join(signed.by)}, according to {name}, which came with it; "
            "on this machine nobody has said that these signers count.",
            hint="Look at: babysitter key list, then: babysitter key believe "
            f"(in CI: set BABYSITTER_SIGNERS_SHA256={self.signers_sha256()} where the code can't change it).",
            entry=sources.named,
            digest=sources.digest,
            reason="signers",
            by=signed.by,
            signers_sha256=self.signers_sha256(),
        )


def granted_sha256(settings: Settings) -> str:
    """Return the digest of what the settings say about the sandbox: the one table that lets code do more."""
    return sha256_hex(canonical_json(_said(settings.sandbox)))


def _said(value: object) -> object:
    """Return a table as JSON, without what would be so anyway: a new setting must change no digest."""
    if isinstance(value, Struct):
        fields = msgspec.structs.fields(value)
        pairs = ((field.encode_name, getattr(value, field.name), field.default) for field in fields)
        return {name: _said(given) for name, given, default in pairs if given != default}
    if isinstance(value, tuple | list):
        return [_said(item) for item in value]
    return msgspec.to_builtins(value)


def untrusted(sources: Sources, problems: list[tuple[str, str]]) -> UntrustedProcessError:
    """Return the refusal, with the command that changes it."""
    why = "; ".join(dict.fromkeys(text for _, text in problems))
    entry = sources.named
    return UntrustedProcessError(
        f"nobody has trusted {entry} as it is now (digest {sources.digest[:12]}…)"
        + (f": {why}." if why else "."),
        hint=f"Review it: babysitter process review {entry}, "
        f"then: babysitter process trust {entry} [--key KEY]",
        entry=entry,
        digest=sources.digest,
        reason=problems[0][0] if problems else "unknown",
    )
