"""One browser for all tests about passkeys; a page and a security key for each."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.integration.passkeys.browser import Passkeys, chromium, passkeys_at, serving


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as port:
        yield port


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def origin(port: int) -> str:
    return f"http://localhost:{port}"


@pytest.fixture
def passkeys(browser: Browser, origin: str) -> Iterator[Passkeys]:
    with passkeys_at(browser, origin) as passkeys:
        yield passkeys
