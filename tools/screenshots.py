"""Takes the pictures of docs/tutorial/approve-in-the-browser.md: on a desk and on a phone, light and dark.

    .venv/bin/python tools/screenshots.py [FOLDER]

It starts the server of the tests of pages, with a question whose difference has something to find, and looks
at it with the system's Chromium. The pictures differ from one run to the next in times and digests alone.
"""

import base64
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page  # noqa: E402 (the imports stand where their root is known)
from small_png import small_png  # noqa: E402

from tests.integration.pages.people import DESKTOP, PHONE, joined, window  # noqa: E402
from tests.integration.pages.served import ADA, BOB, Server, serving  # noqa: E402
from tests.integration.passkeys.browser import chromium  # noqa: E402
from tests.unit.secrets.detection.tokens import made  # noqa: E402

FOLDER = ROOT / "docs" / "tutorial" / "images"
TAKEN_APART = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = canvas.getImageData(0, 0, image.width, image.height).data;
  let text = "";
  for (let at = 0; at < pixels.length; at += 32768) {
    text += String.fromCharCode(...pixels.subarray(at, at + 32768));
  }
  return [btoa(text), image.width, image.height];
}"""
SIZES = {"desktop": DESKTOP, "phone": PHONE}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def pictures(
    folder: Path, page: Page, name: str, before: Callable[[], object] = lambda: None
) -> Iterator[Path]:
    """Take a page in every size and light. ``before``: brings it into view."""
    for size, viewport in SIZES.items():
        for scheme in SCHEMES:
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.evaluate("() => scrollTo(0, 0)")
            before()
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            path = folder / f"{name}-{size}-{scheme}.png"
            path.write_bytes(shrunk(page, page.screenshot()))
            yield path


def shrunk(page: Page, png: bytes) -> bytes:
    """Return a picture with fewer colours; the browser takes it apart, on a page without our policy."""
    browser = page.context.browser
    assert browser is not None, "a context of a browser that was launched has one"
    with browser.new_context() as context:
        encoded, width, height = context.new_page().evaluate(TAKEN_APART, base64.b64encode(png).decode())
    return small_png(base64.b64decode(encoded), width, height)


def take(folder: Path, server: Server, stack: ExitStack) -> Iterator[Path]:
    """Walk through the tutorial, with a picture at each of its steps."""
    browser = stack.enter_context(chromium())
    stranger = window(stack, browser, server, ADA)
    stranger.open("/sign-in?to=/inbox")
    yield from pictures(folder, stranger.page, "sign-in")
    stranger.page.goto(server.invite(ADA))
    yield from pictures(folder, stranger.page, "join")

    ada = joined(stack, browser, server, ADA)
    page = ada.page
    yield from pictures(folder, page, "inbox-empty")
    question = server.ask("release", "release-2026-11")
    server.ask("plain", "report-q3")
    server.ask(
        "plain", "invoice-77", {"title": "Send invoice 77", "question": "May invoice 77 be sent as it is?"}
    )
    ada.open("/inbox")
    page.get_by_role("link", name="Send invoice 77").wait_for()
    yield from pictures(folder, page, "inbox")
    ada.question("release-2026-11", question)
    yield from pictures(folder, page, "question")
    yield from pictures(
        folder, page, "difference", lambda: page.locator("#changes").evaluate("at => at.scrollIntoView()")
    )
    page.get_by_label("Why").fill("Read the difference. Going back was rehearsed on staging.")
    page.evaluate("() => { navigator.credentials.get = () => new Promise(() => {}); }")
    page.get_by_role("button", name="Approve").click()
    page.locator("#signing:not([hidden])").wait_for()
    yield from pictures(
        folder,
        page,
        "signing",
        lambda: page.locator("#signing").evaluate("at => at.scrollIntoView({block: 'end'})"),
    )
    ada.question("release-2026-11", question)
    page.get_by_label("Why").fill("Read the difference. Going back was rehearsed on staging.")
    page.get_by_role("button", name="Approve").click()
    page.locator("#stands[data-state=released]").wait_for()
    yield from pictures(
        folder, page, "answered", lambda: page.locator("#stands").evaluate("at => at.scrollIntoView()")
    )
    run = "release-2026-11"
    server.wait_ended(run)
    step = server.hosting.home.queries.tasks(run)[-1].effect_id
    for name, path in (
        ("runs", "/runs"),
        ("run", f"/runs/{run}"),
        ("step", f"/runs/{run}/tasks/{step}"),
        ("events", f"/runs/{run}/events"),
        ("code", "/runs/report-q3/source"),
        ("audit", "/audit"),
        ("atlas", f"/atlas/run:{run}"),
    ):
        ada.open(path)
        yield from pictures(folder, page, name)
    bob = joined(stack, browser, server, BOB, may_sign=False)
    bob.open("/me")
    yield from pictures(folder, bob.page, "me")


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        server = stack.enter_context(serving(Path(place) / "shop"))
        key = made("ghp" + "_{62:30}{crc62}", random.Random(7))
        (server.root / "shop" / "mail.py").write_text(f'HOST = "mail.example.com"\nTOKEN = "{key}"\n')
        for path in take(folder, server, stack):
            print(f"{path.stat().st_size // 1024:4} KiB  {path.name}")


if __name__ == "__main__":
    main()
