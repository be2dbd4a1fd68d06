"""One browser and one server for the tests of a module; a page for each, whose every error is a failure."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.integration.passkeys.browser import chromium
from tests.integration.watching.served import Server, serving

COOKIE = "__Host-babysitter"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("watching") / "shop") as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return a page of somebody who is signed in; nothing may be said in its console."""
    who = getattr(request, "param", "ada")
    context = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    context.add_cookies(
        [
            {
                "name": COOKIE,
                "value": who,
                "domain": "localhost",
                "path": "/",
                "secure": True,
                "httpOnly": True,
                "sameSite": "Strict",
            }
        ]
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    yield page
    context.close()
    assert said == []
