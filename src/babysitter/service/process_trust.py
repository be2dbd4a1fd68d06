"""Saying that a process may run, and taking it back: signed for everybody, or for this account alone.

A word is given about exactly the bytes that were scanned a moment before, and is refused while a credential
stands in them, or a finding of high severity that nobody took by name and with a reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from babysitter.model.clock import format_time
from babysitter.model.errors import (
    BabysitterError,
    NotFoundError,
    RefusedError,
)
from babysitter.model.findings import Scan
from babysitter.model.statement import Digest, Subject
from babysitter.model.trust_statement import (
    PROCESS_NAMESPACE,
    AcceptedFinding,
    CheckedBy,
    CoveredFile,
    TrustPredicate,
    TrustStatement,
    trust_bytes,
)
from babysitter.service.process.accepting import taken
from babysitter.service.process.admission import granted_sha256
from babysitter.service.process.closure import Sources, covered, read_sources
from babysitter.service.process.records import Record
from babysitter.service.process_review import Reviewing
from babysitter.service.signing_keys import sign_as
from babysitter.service.views import View
from babysitter.service.wiring import Workspace


class TrustedView(View, frozen=True, kw_only=True):
    """A word that was given. ``path``: where it is kept. ``believes``: who may sign, where that is new."""

    entry: str
    digest: str
    files: int
    method: str
    by: str
    path: str
    accepted: tuple[AcceptedFinding, ...]
    checked: tuple[CheckedBy, ...]
    believes: tuple[str, ...] = ()


class TrustRecordView(View, frozen=True, kw_only=True):
    """A word that is kept. ``state``: in force, or why not. ``current``: about the code as it is now."""

    entry: str
    digest: str
    method: str
    by: str
    at: str
    state: str
    current: bool
    path: str


@dataclass(frozen=True, slots=True)
class Trusting:
    """Use cases about trust in one workspace's processes."""

    workspace: Workspace

    def trust(
        self,
        entry: str,
        *,
        key: str | None = None,
        person: str | None = None,
        accept: Mapping[str, str] | None = None,
        with_bandit: bool = True,
    ) -> TrustedView:
        """Trust a process as it is now; with a key for everybody who believes it, else for this account here.

        Args:
            entry: the process.
            key: a path, or ``agent``; None: an unsigned word.
            person: who signs, where the key is of several.
            accept: findings that are taken: rule or fingerprint to reason.
            with_bandit: whether bandit is asked too; what it finds can be refused only when it is.

        Raises:
            UntrustedProcessError: there is a credential in it, or a high finding that is not accepted.
            RefusedError: an unsigned word does not count here, or the person may not review.
            SignersError, SignatureError: the key is nobody's, or does not count.
        """
        if key is None:
            self._check_local()
        sources = read_sources(entry, self.workspace.root)
        if sources.is_built_in:
            raise RefusedError(f"{entry} comes with Babysitter.", hint="It needs nobody's word.")
        scan = Reviewing(self.workspace).scan(sources, with_bandit=with_bandit)
        accepted = taken(sources, scan, accept or {})
        if key is None:
            return self._locally(sources, self._statement(sources, scan, accepted))
        return self._signed(sources, self._statement(sources, scan, accepted), key, person)

    def untrust(self, entry: str) -> tuple[TrustRecordView, ...]:
        """Take back every word about an entry, whichever digest it is of; return what was taken back.

        Raises:
            NotFoundError: there is none.
        """
        trust = self.workspace.process_trust
        name = entry.partition("#")[0].removeprefix("./")
        removed = []
        for view, record, method in self._kept():
            if view.entry.partition("#")[0] == name or view.digest == entry:
                (trust.signed if method == "signed" else trust.local).remove(record)
                removed.append(view)
        if not removed:
            raise NotFoundError(f"nobody has trusted {entry}.", hint="See: babysitter process list")
        for store, records in (
            (trust.signed.sources, trust.signed.all()),
            (trust.local.sources, trust.local.all()),
        ):
            store.keep_only(_digests_of(records))
        return tuple(removed)

    def records(self) -> tuple[TrustRecordView, ...]:
        """Return every word that is kept, the newest first."""
        views = (view for view, _, _ in self._kept())
        return tuple(sorted(views, key=lambda view: view.at, reverse=True))

    def believe_signers(self) -> tuple[str, ...]:
        """Have the files of signers, as they are, count for this account here; return whom they name.

        Raises:
            RefusedError: the environment says which files count.
        """
        trust = self.workspace.process_trust
        if trust.surroundings.pinned_signers is not None:
            raise RefusedError(
                "BABYSITTER_SIGNERS_SHA256 says which files of signers count here.",
                hint=f"Set it to {trust.signers_sha256()}, or unset it.",
            )
        at = format_time(self.workspace.clock.now_ns())
        trust.local.believe_signers(trust.signers_sha256(), at)
        return tuple(dict.fromkeys(line.patterns for line in self.workspace.trust_now().signers.lines))

    def _check_local(self) -> None:
        trust = self.workspace.process_trust
        if trust.surroundings.in_ci:
            raise RefusedError(
                "CI is set, and there an unsigned word does not count.",
                hint="Sign: babysitter process trust ENTRY --key KEY, and commit babysitter.trust/.",
            )
        if not self.workspace.place.settings.trust.takes_local:
            raise RefusedError(
                "[trust] of the settings asks for a reviewer's signature.",
                hint="Sign: babysitter process trust ENTRY --key KEY",
            )

    def _statement(
        self, sources: Sources, scan: Scan, accepted: tuple[AcceptedFinding, ...]
    ) -> TrustStatement:
        checked = [CheckedBy(tool=run.tool, state=run.state, version=run.version) for run in scan.tools]
        if not any(each.tool == "bandit" for each in checked):
            checked.append(CheckedBy(tool="bandit", state="left out"))
        return TrustStatement(
            subject=tuple(
                Subject(name=path, digest=Digest(sha256=sha256)) for path, sha256 in sources.digests.items()
            ),
            predicate=TrustPredicate(
                entry=sources.named,
                process_digest=sources.digest,
                settings_sha256=granted_sha256(self.workspace.place.settings),
                reviewer=self.workspace.place.user,
                issued_at=format_time(self.workspace.clock.now_ns()),
                covers=tuple(
                    CoveredFile(file=file, digest=digest) for file, digest in covered(sources).items()
                ),
                accepted=accepted,
                checked=tuple(checked),
            ),
        )

    def _locally(self, sources: Sources, statement: TrustStatement) -> TrustedView:
        local = self.workspace.process_trust.local
        statement = _with(statement, workspace=local.root)
        local.sources.keep(sources.files)
        path = local.write(sources.digest, trust_bytes(statement))
        return _view(statement, "local", str(path))

    def _signed(
        self, sources: Sources, statement: TrustStatement, key: str, person: str | None
    ) -> TrustedView:
        trust = self.workspace.process_trust
        reviewers = self.workspace.place.settings.trust.reviewers

        def make(signer: str) -> bytes:
            if reviewers and signer not in self.workspace.policy_now().members(reviewers, ()):
                raise RefusedError(
                    f"{signer} is none of {', '.join(reviewers)}, who review processes here.",
                    hint="Ask one of them, or change [trust] reviewers.",
                )
            return trust_bytes(_with(statement, reviewer=signer))

        signed = sign_as(self.workspace, key=key, person=person, namespace=PROCESS_NAMESPACE, make=make)
        trust.signed.sources.keep(sources.files)
        path = trust.signed.write(sources.digest, signed.person, signed.message, signed.signature)
        believes: tuple[str, ...] = ()
        if trust.surroundings.pinned_signers is None and not trust.believes_signers():
            # Whoever signs by these files takes them for true; that is said aloud.
            believes = self.believe_signers()
        return _view(_with(statement, reviewer=signed.person), "signed", str(path), believes)

    def _kept(self) -> Iterable[tuple[TrustRecordView, Record, str]]:
        trust = self.workspace.process_trust
        current: dict[str, str] = {}
        settings_sha256 = granted_sha256(self.workspace.place.settings)
        for method, records in (("signed", trust.signed.all()), ("local", trust.local.all())):
            for record in records:
                try:
                    statement = record.statement()
                except BabysitterError as error:
                    yield _broken(record, method, error), record, method
                    continue
                predicate = statement.predicate
                if predicate.entry not in current:
                    current[predicate.entry] = self._digest_now(predicate.entry)
                state = trust.standing(record, statement) if method == "signed" else self._local_state()
                if not state and predicate.settings_sha256 != settings_sha256:
                    state = "[sandbox] of the settings has changed since"
                view = TrustRecordView(
                    entry=predicate.entry,
                    digest=predicate.process_digest,
                    method=method,
                    by=predicate.reviewer,
                    at=predicate.issued_at,
                    state=state or "in force",
                    current=current[predicate.entry] == predicate.process_digest,
                    path=str(record.path),
                )
                yield view, record, method

    def _local_state(self) -> str:
        if self.workspace.process_trust.surroundings.in_ci:
            return "CI is set"
        return "" if self.workspace.place.settings.trust.takes_local else "[trust] asks for a signature"

    def _digest_now(self, entry: str) -> str:
        try:
            return read_sources(entry, self.workspace.root).digest
        except BabysitterError:
            return ""


def _with(statement: TrustStatement, **changes: str) -> TrustStatement:
    predicate = msgspec.structs.replace(statement.predicate, **changes)
    return msgspec.structs.replace(statement, predicate=predicate)


def _view(statement: TrustStatement, method: str, path: str, believes: tuple[str, ...] = ()) -> TrustedView:
    predicate = statement.predicate
    return TrustedView(
        entry=predicate.entry,
        digest=predicate.process_digest,
        files=len(statement.subject),
        method=method,
        by=predicate.reviewer,
        path=path,
        accepted=predicate.accepted,
        checked=predicate.checked,
        believes=believes,
    )


def _broken(record: Record, method: str, error: BabysitterError) -> TrustRecordView:
    return TrustRecordView(
        entry="", digest=record.path.parent.name, method=method, by=record.path.stem, at="",
        state=error.message, current=False, path=str(record.path),
    )  # fmt: skip


def _digests_of(records: Iterable[Record]) -> set[str]:
    found = set()
    for record in records:
        try:
            found |= {subject.digest.sha256 for subject in record.statement().subject}
        except BabysitterError:
            # A record that does not read keeps nothing.
            continue
    return found
