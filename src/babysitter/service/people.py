"""The files of signers: add a person's key, list keys, revoke one. Plain OpenSSH files, in version control.

Nothing takes effect by being written here alone: the log is told when a changed file
is first used, and where the settings ask for signatures over a change
(``[signing.changes]``), it counts only with them (service/signers_in_force.py).
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from babysitter.model.clock import format_time, parse_time
from babysitter.model.errors import NotFoundError, RefusedError, SignersError, UsageError
from babysitter.service.signers_in_force import SIGNERS_NAMESPACE, change_text, proposed, signatures_over
from babysitter.service.signing_keys import sign_as
from babysitter.service.views import View
from babysitter.service.wiring import Workspace, folder_tree
from babysitter.signing.allowed_signers import AllowedSigners, check_principal
from babysitter.signing.keys import parse_public_line
from babysitter.signing.revocation import Revocations

LOCK_TRIES, LOCK_PAUSE_S = 1000, 0.005
_HEAD = "# Who may sign as whom; ssh-keygen(1), ALLOWED SIGNERS. Keep this file in version control.\n"


class KeyView(View, frozen=True, kw_only=True):
    """A key of the file of signers. ``state``: valid, not yet, expired or revoked. Times are RFC 3339."""

    principals: tuple[str, ...]
    type: str
    fingerprint: str
    state: str
    authority: bool
    comment: str


class FileChanged(View, frozen=True, kw_only=True):
    """A file of signers after a change, and what has to happen before it counts."""

    path: str
    fingerprint: str
    needs_signatures: int


class Agreed(View, frozen=True, kw_only=True):
    """A signature over the files of signers as they are now. ``missing``: how many more they need."""

    path: str
    person: str
    missing: int


@dataclass(frozen=True, slots=True)
class People:
    """Use cases on the files of signers of one workspace."""

    workspace: Workspace

    def keys(self) -> list[KeyView]:
        """Return every key with where it stands now."""
        signers, revoked = self._signers(), self._revoked()
        now_s = self.workspace.clock.now_ns() // 1_000_000_000
        found = []
        for line in signers.lines:
            state = "valid"
            if line.valid_after_s is not None and now_s < line.valid_after_s:
                state = "not yet"
            if line.valid_before_s is not None and now_s > line.valid_before_s:
                state = "expired"
            if revoked.is_revoked(line.key):
                state = "revoked"
            found.append(
                KeyView(
                    principals=tuple(line.patterns.split(",")),
                    type=line.key.algorithm,
                    fingerprint=line.key.fingerprint,
                    state=state,
                    authority=line.cert_authority,
                    comment=line.comment,
                )
            )
        return found

    def missing_signatures(self) -> int:
        """Return how many signatures the files need before they count as they are; 0: they are in force."""
        workspace = self.workspace
        if not workspace.log_folder.is_dir():
            return 0
        change = proposed(
            workspace.signer_files, workspace.place.settings, workspace.policy_now(), workspace.logbook
        )
        return change.missing if change is not None else 0

    def add(self, person: str, key_file: Path, *, valid_before: str | None = None) -> FileChanged:
        """Add a person's public key for answers.

        Raises:
            UsageError: the name can't stand in the file, or the time is none.
            SignersError: the file holds no public key, or has the key already.
        """
        return self.add_line(person, _public_line(key_file), valid_before=valid_before)

    def add_line(self, person: str, line: str, *, valid_before: str | None = None) -> FileChanged:
        """Add a person's public key for answers, given as a ``.pub`` file has it.

        Raises:
            UsageError, SignersError: as ``add``.
        """
        check_principal(person)
        key = parse_public_line(line)
        if any(each.key == key and each.names(person) for each in self._signers().lines):
            raise SignersError(
                f"{person} has the key {key.fingerprint} already.", hint="See: babysitter key list"
            )
        options = 'namespaces="babysitter-*"'
        if valid_before is not None:
            options += f',valid-before="{_ssh_time(valid_before)}"'
        words = line.split(maxsplit=2)
        self._append(self.path, f"{person} {options} {' '.join(words)}\n", head=_HEAD)
        return self._changed(key.fingerprint)

    def revoke(self, fingerprint: str) -> FileChanged:
        """Have a key count no more, from now on.

        Raises:
            NotFoundError: no line of the file of signers has a key of that fingerprint.
            RefusedError: the file of revoked keys is a binary list, which ``ssh-keygen -k`` changes.
        """
        keys = [line.key for line in self._signers().lines if line.key.fingerprint.startswith(fingerprint)]
        if len(set(keys)) != 1:
            raise NotFoundError(
                f"{fingerprint} begins the fingerprints of {len(set(keys))} keys.",
                hint="See: babysitter key list",
            )
        path = self.workspace.revoked_path
        if path.is_file() and path.read_bytes().startswith(b"SSHKRL"):
            raise RefusedError(
                f"{path} is a binary revocation list.",
                hint=f"Change it with: ssh-keygen -k -u -f {path} KEY.pub",
            )
        line = f"{keys[0].algorithm} {base64.b64encode(keys[0].blob).decode()}\n"
        self._append(path, line, head="# Keys that no longer count.\n")
        return self._changed(keys[0].fingerprint)

    def approve(self, key: str, person: str | None) -> Agreed:
        """Sign the files as they are now with a key of those in force, and keep that beside them.

        Raises:
            RefusedError: the settings ask for no signatures.
            SignersError, SignatureError: the key is nobody's, or does not count.
        """
        workspace = self.workspace
        changes = workspace.place.settings.signing.changes
        if changes is None:
            raise RefusedError(
                "changes of the files of signers need no signatures here.", hint="See [signing.changes]."
            )
        files, before = workspace.signer_files, workspace.trust_now()
        text = change_text(*files.read())
        signed = sign_as(workspace, key=key, person=person, namespace=SIGNERS_NAMESPACE, make=lambda _: text)
        folder = files.approvals_folder(text)
        people = workspace.policy_now().members(changes.roles, changes.people)
        if signed.person not in people:
            raise RefusedError(
                f"{signed.person} is not of those who agree to changes.",
                hint=f"Ask one of {', '.join(people)}.",
            )
        path = folder / f"{signed.person}.sig"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(signed.signature, encoding="utf-8")
        except OSError as error:
            raise RefusedError(
                f"{path} can't be written: {error.strerror}.", hint="Check its permissions."
            ) from None
        have = signatures_over(files, text, people, before, workspace.clock.now_ns())
        return Agreed(path=str(path), person=signed.person, missing=max(0, changes.quorum - len(have)))

    @property
    def path(self) -> Path:
        """The file of signers."""
        return self.workspace.signers_path

    def _signers(self) -> AllowedSigners:
        data = self.path.read_bytes() if self.path.is_file() else b""
        return AllowedSigners.parse(data, file=str(self.path))

    def _revoked(self) -> Revocations:
        path = self.workspace.revoked_path
        return Revocations.parse(path.read_bytes() if path.is_file() else b"", file=str(path))

    def _append(self, path: Path, text: str, *, head: str) -> None:
        # Written beside and renamed: whoever verifies meanwhile reads the old file or the new, never half.
        fresh = path.with_name(f".{path.name}.new")
        try:
            with _alone_in(path.parent):
                before = path.read_text(encoding="utf-8") if path.is_file() else head
                glue = "" if before.endswith("\n") or not before else "\n"
                fresh.write_text(before + glue + text, encoding="utf-8")
                fresh.replace(path)
        except OSError as error:
            raise RefusedError(
                f"{path} can't be written: {error.strerror}.", hint="Check its permissions."
            ) from None

    def _changed(self, fingerprint: str) -> FileChanged:
        changes = self.workspace.place.settings.signing.changes
        return FileChanged(
            path=str(self.path),
            fingerprint=fingerprint,
            needs_signatures=changes.quorum if changes is not None else 0,
        )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Have a folder's files to ourselves: of two who add a line at once, the later reads the other's.

    Raises:
        RefusedError: somebody else has them for too long.
    """
    disk = folder_tree(folder).disk
    fd = disk.open_directory(str(folder))
    try:
        for _ in range(LOCK_TRIES):
            if disk.try_lock(fd, shared=False):
                break
            disk.pause(LOCK_PAUSE_S)
        else:
            raise RefusedError(f"another process holds {folder}.", hint="Look which one (fuser, lsof).")
        yield
    finally:
        disk.close(fd)


def _public_line(file: Path) -> str:
    path = file if file.suffix == ".pub" else file.with_name(file.name + ".pub")
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SignersError(
            f"{path} can't be read as a public key.", hint="Make a key with: ssh-keygen -t ed25519"
        ) from None
    if "\n" in text:
        raise SignersError(f"{path} has more than one line.", hint="Give the .pub file of one key.")
    return text


def _ssh_time(text: str) -> str:
    """Return an RFC 3339 time, or a date, as OpenSSH writes it, in UTC."""
    try:
        moment_ns = parse_time(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        raise UsageError(f"{text!r} is no time.", hint="Write 2027-01-31, or 2027-01-31T12:00:00Z.") from None
    digits = "".join(character for character in format_time(moment_ns)[:19] if character.isdigit())
    return f"{digits}Z"
