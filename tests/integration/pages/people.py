"""People before a browser: joined by an invitation, signed in, with a security key of their own."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from tests.integration.pages.served import Server
from tests.integration.passkeys.browser import KEY

TIMEOUT_MS = 20_000
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
WATCH = """addEventListener("securitypolicyviolation", (event) => {
  console.error("CSP", event.violatedDirective, event.blockedURI);
});"""
EXPECTED = "Failed to load resource: the server responded with a status of 4"
"""What Chromium says of a refusal that a test asks for; the refusal itself is looked at by the test."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with one window. ``authenticator``: their security key, which knows its user."""

    name: str
    server: Server
    context: BrowserContext
    page: Page
    authenticator: str
    devtools: Any
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Return the person's window, at that path."""
        self.page.goto(f"{self.server.url}{path}")
        return self.page

    def question(self, run_id: str, breakpoint_id: str) -> Page:
        """Return the person's window, at a question."""
        return self.open(f"/inbox/{run_id}/{breakpoint_id}?workspace=shop")

    def taken_errors(self) -> list[str]:
        """Return what went wrong in the window since last time."""
        found, self.errors[:] = [error for error in self.errors if EXPECTED not in error], []
        return found

    def watch(self, page: Page) -> None:
        """Note whatever a page complains about."""

        def note(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.errors.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))


def window(stack: ExitStack, browser: Browser, server: Server, name: str, **options: Any) -> Person:
    """Return somebody who has not joined yet."""
    context = browser.new_context(viewport=DESKTOP, **options)
    stack.callback(context.close)
    context.set_default_timeout(TIMEOUT_MS)
    context.add_init_script(WATCH)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    person = Person(
        name=name,
        server=server,
        context=context,
        page=page,
        devtools=devtools,
        authenticator=added["authenticatorId"],
    )
    person.watch(page)
    return person


def joined(
    stack: ExitStack,
    browser: Browser,
    server: Server,
    name: str,
    *,
    may_sign: bool = True,
    calls_it: str = "",
    **options: Any,
) -> Person:
    """Return somebody who joined by an invitation and signed in. ``calls_it``: the device."""
    person = window(stack, browser, server, name, **options)
    page = person.page
    page.goto(server.invite(name, may_sign=may_sign))
    page.get_by_label("What you call this device").fill(calls_it)
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/inbox")
    return person
