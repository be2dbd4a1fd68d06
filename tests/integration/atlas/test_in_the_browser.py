"""The Atlas in a real browser: nothing of a text runs, and what is copied is the record."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from babysitter.server.headers import ground_of
from tests.integration.passkeys.browser import TIMEOUT_MS, chromium
from tests.unit.server.atlas_served import HOSTILE, foreign, served
from tests.unit.service.atlas.pages import FOREIGN

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.promise("G29")]
PHONE, DESKTOP = ViewportSize(width=360, height=740), ViewportSize(width=1280, height=900)
PLANTED = "\n\n".join(
    [
        HOSTILE,
        "<svg onload=window.ran=1>",
        "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
        '[x](javascript:window.ran=1) <a href="javascript:window.ran=1">y</a>',
        '[z]( "onmouseover=window.ran=1 )',
        "```html\n</code></pre><script>window.ran=1</script>\n```",
        "# </h1><script>window.ran=1</script>",
        '<div id="said" hx-get="/sign-out" hx-trigger="load">',
        "&lt;script&gt;window.ran=1&lt;/script&gt;",
    ]
)
LARGE = FOREIGN.replace(b"page:guide-keys", b"page:large").replace(b"wiki/guide", "ü".encode() * 150_000)
WIDE = (
    "# A plan\n\n## Steps\n\n| a | b |\n|---|---|\n| "
    + "x" * 300
    + " | y |\n\n```\n"
    + "long " * 90
    + "\n```\n"
)


@dataclass(frozen=True)
class Visitor:
    """Somebody who looks. errors: what the browser complained of."""

    context: BrowserContext
    page: Page
    errors: list[str]

    def open(self, path: str) -> Page:
        """Return the page, loaded, with its scripts run."""
        self.page.goto(path)
        self.page.wait_for_load_state("load")
        return self.page


@contextmanager
def listening(folder: Path) -> Iterator[str]:
    """Serve an Atlas on a socket; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        stands = ground_of(host="127.0.0.1", port=port, public_url="", networks=(), proxies=(), has_tls=False)
        records = [FOREIGN, LARGE, foreign("page:planted", article=PLANTED)]
        served_here = served(folder, records, {"planted": PLANTED, "wide": WIDE}, stands=stands)
        config = uvicorn.Config(served_here.app, lifespan="off", log_config=None, http="h11", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield f"http://localhost:{port}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def visitor(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with listening(tmp_path_factory.mktemp("atlas")) as url:
        headers = {"authorization": "Bearer viewer"}
        context = browser.new_context(base_url=url, extra_http_headers=headers, viewport=DESKTOP)
        context.set_default_timeout(TIMEOUT_MS)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
        page, errors = context.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        try:
            yield Visitor(context, page, errors)
        finally:
            context.close()


def copied(page: Page) -> str:
    """Press the button; return what is on the clipboard then."""
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("The page's JSON is copied.").wait_for()
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


@pytest.mark.parametrize(
    "path", ["page:planted", "document:planted", "run:r", "breakpoint:r/1-go", "?q=script", ""]
)
def test_nothing_that_somebody_wrote_runs_or_is_even_tried(visitor: Visitor, path: str) -> None:
    page = visitor.open(f"/atlas{path}" if path.startswith("?") else f"/atlas/{path}".rstrip("/"))
    for link in page.locator("main a:not([href])").all():
        link.click()
    page.locator("main").hover()

    assert page.locator("main h1").count() == 1
    assert page.evaluate("typeof window.ran") == "undefined"
    assert page.locator("main :is(script, img, svg, iframe, style, [hx-get], [onmouseover])").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    # The policy would stop a script; that it has nothing to stop is another lock.
    assert visitor.errors == []


def test_what_is_copied_is_the_record_byte_for_byte(visitor: Visitor) -> None:
    page = visitor.open("/atlas/page:guide-keys")

    assert copied(page).encode() == FOREIGN


def test_a_record_that_is_too_large_for_its_page_is_copied_from_its_address(visitor: Visitor) -> None:
    page = visitor.open("/atlas/page:large")

    assert page.locator("#record").count() == 0
    assert copied(page).encode() == LARGE


def test_line_breaks_of_a_record_are_shown_as_they_are(visitor: Visitor) -> None:
    page = visitor.open("/atlas/page:planted")

    assert page.locator("#record").evaluate("record => record.textContent") == (
        foreign("page:planted", article=PLANTED).decode()
    )


def test_one_walks_from_a_search_to_a_question_by_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.open("/atlas")
    page.get_by_label("Words").focus()
    page.keyboard.type("asking")
    page.get_by_label("Kind", exact=True).select_option("Run")
    page.get_by_role("button", name="Search").press("Enter")
    page.wait_for_url("**/atlas?q=asking&kind=Run")
    page.get_by_role("link", name="r", exact=True).press("Enter")
    page.wait_for_url("**/atlas/run:r")
    page.get_by_role("link", name="Go", exact=True).press("Enter")
    page.wait_for_url("**/atlas/breakpoint:r/1-go")

    crumbs = page.get_by_role("navigation", name="Breadcrumb").get_by_role("listitem").all_inner_texts()
    assert crumbs == ["Atlas", "Breakpoints", "r", "Go"]


@pytest.mark.parametrize("path", ["", "?kind=Page", "/run:r", "/document:wide", "/page:planted", "/none"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_page_is_wider_than_its_window(visitor: Visitor, path: str, size: ViewportSize) -> None:
    visitor.page.set_viewport_size(size)
    try:
        page = visitor.open(f"/atlas{path}")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"]
    finally:
        visitor.page.set_viewport_size(DESKTOP)
        visitor.errors.clear()
