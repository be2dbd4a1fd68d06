"""The settings about signatures and the log, as ``babysitter.toml`` has them.

Reference: docs/reference/settings.md.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class EvidenceTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class SignersChangeTable(EvidenceTable, frozen=True, kw_only=True):
    """``[signing.changes]``: a new file of signers is in force once ``quorum`` of these have signed it."""

    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    quorum: Annotated[int, Meta(ge=1, le=100)] = 1


class SigningTable(EvidenceTable, frozen=True, kw_only=True):
    """``[signing]``. Paths are relative to the settings file.

    signers: who may sign with which key, in OpenSSH's own format; belongs in version control.
    revoked: keys that no longer count: OpenSSH's key revocation list, or public keys line by line.
    origins: pages whose passkey answers count, as ``https://babysitter.example.com``.
    user_verification: whether a PIN or fingerprint is asked of passkeys only, or of every security key.
    """

    signers: str = "allowed_signers"
    revoked: str = "revoked_keys"
    origins: tuple[str, ...] = ()
    user_verification: Literal["passkeys", "always"] = "passkeys"
    changes: SignersChangeTable | None = None


class WitnessTable(EvidenceTable, frozen=True, kw_only=True):
    """``[[log.witnesses]]``: somebody else who sees the log's checkpoints.

    kind: ``http`` (C2SP tlog-witness; ``key`` is its verifier key), ``git`` (a remote and its ``branch``) or
        ``timestamp`` (an RFC 3161 authority; ``roots``: a PEM file of who may vouch for it).
    """

    name: str
    kind: Literal["http", "git", "timestamp"]
    url: str
    key: str = ""
    branch: str = "checkpoints"
    roots: str = ""


class LogTable(EvidenceTable, frozen=True, kw_only=True):
    """``[log]``. Progress of a run is told every ``progress_lines`` lines or ``progress_s`` seconds.

    origin: the log's name, unique in the world; made at first use when it is empty.
    witness_timeout_s: how long a driver waits for a witness before it goes on without.
    """

    origin: str = ""
    progress_lines: Annotated[int, Meta(ge=1)] = 1000
    progress_s: Annotated[float, Meta(gt=0)] = 60.0
    witness_timeout_s: Annotated[float, Meta(gt=0, le=600)] = 5.0
    witnesses: tuple[WitnessTable, ...] = ()
