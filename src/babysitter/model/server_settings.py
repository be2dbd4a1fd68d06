"""The settings about the server and who gets in, as ``babysitter.toml`` has them.

Reference: docs/reference/settings.md.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class ServerSettingsTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class AccessTable(ServerSettingsTable, frozen=True, kw_only=True):
    """``[access]``: who may do what in this workspace, by person or by a role of ``[roles]``.

    With nothing said, the account that runs the server may do everything here, and nobody else anything.
    """

    viewers: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    auditors: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()


AccessKey = Literal["viewers", "approvers", "operators", "auditors", "admins"]
"""The keys of ``[access]``."""


class OidcTable(ServerSettingsTable, frozen=True, kw_only=True):
    """``[server.oidc]``: an identity provider through which people sign in.

    issuer: its URL, where ``/.well-known/openid-configuration`` is found.
    client_secret: a reference such as ``env:OIDC_SECRET``; none for a public client.
    person_claim: whose value is a person's name as the files of signers have it.
    groups: a group of the provider to roles of ``[access]`` (``viewers``, ``approvers`` …).
    """

    issuer: str
    client_id: str
    client_secret: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    person_claim: str = "email"
    groups_claim: str = "groups"
    groups: dict[str, tuple[AccessKey, ...]] = {}


class ServerTable(ServerSettingsTable, frozen=True, kw_only=True):
    """``[server]``.

    public_url: how people reach it, as ``https://babysitter.example.com``; links and passkeys are for it.
    workspaces: other workspaces that are served from here, as paths from this file.
    networks: from where it may be reached, as ``10.0.0.0/8``; empty: from everywhere that it listens.
    trusted_proxies: whose ``X-Forwarded-For`` and ``-Proto`` are believed; nobody else's are.
    tls_cert, tls_key: PEM files; needed beyond loopback unless a trusted proxy ends TLS.
    drive: whether the server drives runs itself.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 3185
    public_url: str = ""
    workspaces: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""
    drive: bool = True
    concurrency: Annotated[int, Meta(ge=1, le=1024)] = 64
    session_idle_s: Annotated[int, Meta(ge=60, le=2_592_000)] = 3600
    session_s: Annotated[int, Meta(ge=60, le=2_592_000)] = 43_200
    requests_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] = 600
    oidc: OidcTable | None = None
