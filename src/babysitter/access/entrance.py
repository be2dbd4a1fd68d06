"""The way in: whose credential is this, and may this person come in? Everything of access, put together.

Invariants, each with a test in tests/unit/access (test_sessions.py, test_passkey_ceremonies.py):
    - roles are asked anew at each question, never remembered with a credential;
    - a credential that a revoked key let in counts no more;
    - whoever holds no role anywhere is not let in, so no strangers fill the database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from babysitter.access.credentials import not_let_in
from babysitter.access.grants import NO_MEMBERSHIP, Grants, Membership, Roles
from babysitter.access.oidc import OidcSignIn
from babysitter.access.passkey_ceremonies import PasskeyCeremonies
from babysitter.access.passkeys import Passkeys
from babysitter.access.revoked import RevokedKeys
from babysitter.access.roles import Caller, Role
from babysitter.access.sessions import Opening, Session, Sessions
from babysitter.access.site import Site
from babysitter.access.ssh_login import SshLogin
from babysitter.access.storage import Storage
from babysitter.access.tokens import Token, Tokens, revoke_where
from babysitter.model.errors import ForbiddenError


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person who is in. ``cookie``: of the session, told once. ``then``: the page that they wanted."""

    session: Session
    cookie: str
    then: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """See the module, and ``door.Door``. ``oidc`` gives None where the settings name no provider."""

    storage: Storage
    grants: Grants
    tokens: Tokens
    sessions: Sessions
    passkeys: Passkeys
    revoked: RevokedKeys
    ceremonies: PasskeyCeremonies
    ssh: SshLogin
    site: Callable[[], Site]
    oidc: Callable[[], OidcSignIn | None]

    def by_token(self, token: str) -> Caller:
        """See Door."""
        found = self.tokens.check(token)
        if self.revoked.has(found.public_key):
            raise not_let_in()
        return Caller(
            name=found.person or found.name,
            is_person=found.kind == "human",
            roles=self._roles_of_token(found),
            method=found.method,
            credential=found.id,
            scopes=None if found.scopes is None else frozenset(found.scopes),
        )

    def by_session(self, cookie: str, *, is_use: bool = True) -> Caller:
        """See Door."""
        session = self.sessions.check(cookie, is_use=is_use)
        if self.revoked.has(session.public_key) or not self._vouched(session):
            raise not_let_in()
        return Caller(
            name=session.person,
            is_person=True,
            roles=self.grants.roles_of(session.person, session.membership),
            method=session.method,
            credential=session.id,
        )

    def renew(self, cookie: str) -> str | None:
        """Return another cookie for the session, where the person's roles have changed; the old one is dead.

        Raises:
            CredentialError: there is no such session, or it has ended.
        """
        session = self.sessions.check(cookie)
        return self.sessions.renew(cookie, self.grants.roles_of(session.person, session.membership))

    def sign_in_with_passkey(self, answer: object, ticket_cookie: str, *, replacing: str = "") -> SignedIn:
        """Return the session of a person whose passkey answered; ``replacing``: the cookie they had.

        Raises:
            CredentialError: the answer does not count.
            ForbiddenError: the person holds no role here.
        """
        passkey, ticket = self.ceremonies.checked_sign_in(answer, ticket_cookie)
        opening = Opening(
            person=passkey.person,
            method="passkey",
            roles=self._some_role(passkey.person),
            public_key=passkey.public_key,
        )

        def also(connection: Connection) -> None:
            self.storage.spend(connection, ticket)
            self.passkeys.note_use(connection, passkey)

        session, cookie = self.sessions.open(opening, replacing=replacing, also=also)
        return SignedIn(session=session, cookie=cookie)

    def sign_in_with_oidc(
        self, parameters: Mapping[str, str], ticket_cookie: str, *, replacing: str = ""
    ) -> SignedIn:
        """Return the session of a person whom the identity provider sent back.

        Raises:
            CredentialError: what came back does not count, or there is no provider.
            ForbiddenError: the person holds no role here.
            ProviderError: the provider is away, or says what can't be believed.
        """
        oidc = self.oidc()
        if oidc is None:
            raise not_let_in()
        identity = oidc.checked(parameters, ticket_cookie)
        opening = Opening(
            person=identity.person,
            method="oidc",
            roles=self._some_role(identity.person, identity.membership),
            membership=identity.membership,
        )
        session, cookie = self.sessions.open(
            opening,
            replacing=replacing,
            also=lambda connection: self.storage.spend(connection, identity.ticket),
        )
        return SignedIn(session=session, cookie=cookie, then=identity.then)

    def login_with_ssh(self, challenge_id: str, person: str, signature: str) -> tuple[Token, str]:
        """Return a token of a person whose SSH key signed the challenge, and its text.

        Raises:
            CredentialError: the signature does not count.
            ForbiddenError: the person holds no role here.
        """
        ticket, public_key = self.ssh.checked(challenge_id, person, signature)
        self._some_role(person)
        return self.ssh.finish(ticket, public_key)

    def sign_out_everywhere(self, person: str) -> int:
        """End every session of a person, and every login from a terminal; return how many."""
        with self.storage.database.writing() as connection:
            ended = connection.execute("DELETE FROM sessions WHERE person = ?", (person,)).rowcount
            return ended + revoke_where(
                connection,
                "method = 'ssh' AND person = ?",
                person,
                now_ns=self.storage.now_ns(),
                by=person,
            )

    def _vouched(self, session: Session) -> bool:
        """Tell whether who vouched for the person is still believed: the provider that the settings name."""
        oidc = self.grants.own_settings().server.oidc
        return session.method != "oidc" or (oidc is not None and oidc.issuer == session.membership.issuer)

    def _roles_of_token(self, token: Token) -> Roles:
        if token.kind == "human":
            roles: Roles = self.grants.roles_of(token.person)
        else:
            only: frozenset[Role] = frozenset({token.kind})
            roles = dict.fromkeys(self.grants.workspaces, only)
        if token.workspaces is None:
            return roles
        return {name: held for name, held in roles.items() if name in token.workspaces}

    def _some_role(self, person: str, membership: Membership = NO_MEMBERSHIP) -> Roles:
        roles = self.grants.roles_of(person, membership)
        if not roles:
            raise ForbiddenError(
                f"{person} holds no role on this server.", hint="Ask an admin to name you in [access]."
            )
        return roles
