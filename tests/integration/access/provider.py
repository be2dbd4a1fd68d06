"""An OpenID provider on loopback: discovery, keys, codes, tokens, PKCE checked; it lies when told to.

It is HTTP, which only this machine may speak; certificates are tested in tests/integration/transport.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "babysitter", "the client's secret, of this test alone"
Key = RSAKey | ECKey


@cache
def rsa_key(name: str) -> RSAKey:
    """Return one key for each name: making them is slow."""
    return RSAKey.generate_key(2048, {"use": "sig", "kid": name})


@dataclass
class Provider:
    """``claims`` changes what a token says, ``sign`` how it is signed, ``described`` the description."""

    port: int = 0
    clock_s: Callable[[], float] = time.time
    person: dict[str, Any] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=lambda: [rsa_key("the first")])
    claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    sign: Callable[["Provider", dict[str, Any]], str] | None = None
    described: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    secret: str = SECRET
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access_token: str = "access-token-of-this-test"
    token_type: str = "Bearer"
    userinfo: Callable[[BaseHTTPRequestHandler], None] | None = None
    """Answers the userinfo endpoint, which there is then."""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def visit(self, url: str) -> dict[str, str]:
        """Do what a browser and its person do there; return the parameters with which it is sent back."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            **({"userinfo_endpoint": f"{self.issuer}/userinfo"} if self.userinfo else {}),
            **self.described,
        }

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Return the answer to a code; None where the request is not right."""
        query = self.codes.pop(form.get("code", ""), None)
        if query is None or form.get("redirect_uri") != query["redirect_uri"]:
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != query["code_challenge"]:
            return None
        if self.secret:
            expected = base64.b64encode(
                urlencode({CLIENT: self.secret}).replace("=", ":", 1).replace("+", "%20").encode()
            )
            if authorization != f"Basic {expected.decode()}":
                return None
        elif form.get("client_id") != CLIENT:
            return None
        now = int(self.clock_s())
        said = {
            "iss": self.issuer,
            "sub": "12345",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
            **self.person,
        }
        said = self.claims(said)
        token = (self.sign or _signed)(self, said)
        return {"access_token": self.access_token, "token_type": self.token_type, "id_token": token}


def _signed(provider: Provider, claims: dict[str, Any]) -> str:
    key = provider.keys[0]
    algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


@contextmanager
def providing(provider: Provider) -> Iterator[Provider]:
    """Let it answer on a free port of loopback."""

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            if self.path == "/.well-known/openid-configuration":
                self._answer(200, provider.description())
            elif self.path == "/keys":
                self._answer(200, {"keys": [key.as_dict(private=False) for key in provider.keys]})
            elif self.path == "/userinfo" and provider.userinfo is not None:
                provider.userinfo(self)
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            given = provider.token(form, self.headers.get("Authorization", ""))
            self._answer(200 if given else 400, given or {"error": "invalid_grant"})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing: pytest shows what tests print."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Requests) as server:
        provider.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join(20)
