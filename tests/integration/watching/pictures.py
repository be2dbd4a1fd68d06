"""Pictures of the pages of runs for the docs: python -m tests.integration.watching.pictures docs/images."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.integration.passkeys.browser import chromium
from tests.integration.watching import runs
from tests.integration.watching.conftest import COOKIE
from tests.integration.watching.served import Server, serving

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
PICTURES = (
    ("runs", "/runs", "desktop", "light"),
    ("run", "/runs/release-1-2-0", "desktop", "light"),
    ("run", "/runs/release-1-2-0", "phone", "dark"),
    ("audit", "/audit", "desktop", "dark"),
)


def take(browser: Browser, server: Server, folder: Path) -> None:
    """Write each picture, of the whole page."""
    for name, path, size, scheme in PICTURES:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        cookie = {"name": COOKIE, "value": "ada", "domain": "localhost", "path": "/"}
        context.add_cookies([{**cookie, "secure": True, "sameSite": "Strict"}])  # type: ignore[typeddict-item]
        page = context.new_page()
        page.goto(path)
        page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)
        context.close()


def main(folder: Path) -> None:
    """Serve a workspace with runs, and take the pictures."""
    with (
        tempfile.TemporaryDirectory() as place,
        serving(Path(place) / "shop") as server,
        chromium() as browser,
    ):
        runs.broken(server)
        runs.release(server)
        runs.going(server)
        take(browser, server, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
