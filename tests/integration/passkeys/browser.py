"""A real browser with a security key that is software: a page to ask on, and what comes back as bytes.

The key is Chromium's virtual authenticator, driven over the DevTools protocol. It touches itself,
and is told whether it knows its user.
"""

import base64
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Frame, Page, sync_playwright

from babysitter.signing.passkeys import Assertion, authenticator_data_of

PAGE = Path(__file__).with_name("page.html")
# No sandbox of its own, as tests run as root; no services that would want a network; no profile's questions.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
KEY = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "hasCredBlob": True,
}
TIMEOUT_MS = 30_000


@dataclass(frozen=True, kw_only=True)
class Passkeys:
    """One page, and the one security key of its browser."""

    page: Page
    devtools: CDPSession
    authenticator: str

    def register(self, options: dict[str, Any]) -> bytes:
        """Return the authenticator data of a new passkey."""
        answer = self.page.evaluate("options => register(options)", options)["response"]
        data = _bytes(answer["authenticatorData"])
        assert authenticator_data_of(_bytes(answer["attestationObject"])) == data
        return data

    def sign(self, options: dict[str, Any], *, on: Frame | None = None) -> Assertion:
        """Return the answer to the options, asked on the page or on one that it embeds."""
        answer = (on or self.page).evaluate("options => sign(options)", options)["response"]
        return Assertion(
            authenticator_data=_bytes(answer["authenticatorData"]),
            client_data_json=_bytes(answer["clientDataJSON"]),
            signature_der=_bytes(answer["signature"]),
        )

    def knows_its_user(self, *, known: bool) -> None:
        """Let the key's question for a PIN or fingerprint succeed, or fail, from now on."""
        told = {"authenticatorId": self.authenticator, "isUserVerified": known}
        self.devtools.send("WebAuthn.setUserVerified", told)

    def embedded(self, url: str) -> Frame:
        """Return the page at the address, inside this one."""
        self.page.evaluate("url => embed(url)", f"{url}/")
        frame = self.page.frames[1]
        frame.wait_for_url(f"{url}/**")
        return frame


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give the system's Chromium, without windows."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def passkeys_at(browser: Browser, url: str) -> Iterator[Passkeys]:
    """Give a page at the address, with a new security key and no memory of pages before."""
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    try:
        page = context.new_page()
        page.goto(url)
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
        yield Passkeys(page=page, devtools=devtools, authenticator=added["authenticatorId"])
    finally:
        context.close()


class _OnePage(BaseHTTPRequestHandler):
    def __init__(self, page: bytes, *request: Any) -> None:
        self.page = page
        super().__init__(*request)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(self.page)))
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: object) -> None:
        """Say nothing: pytest shows what tests print."""


@contextmanager
def serving() -> Iterator[int]:
    """Serve the page on loopback, under every path; give the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_OnePage, PAGE.read_bytes())) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(20)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
