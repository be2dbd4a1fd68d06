"""Each page is usable by everybody: axe finds nothing, in light and in dark, on a desk and on a phone."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from babysitter.testing.clocks import FakeClock
from babysitter.testing.sample_run import RUN_ID, write_sample_run
from tests.integration.pages.people import DESKTOP, PHONE, Person, window
from tests.integration.pages.served import Server

LONG_AGO_NS = 1_500_000_000 * 1_000_000_000
AXE = Path(__file__).parents[3] / "tools" / "scanners" / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = pytest.mark.needs("chromium", "git")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def paths(server: Server, ada: Person) -> dict[str, str]:
    """Every page, by its name."""
    waits, plain = server.ask("release", "waits"), server.ask("plain", "plain")
    answered = server.ask("plain", "answered")
    # So that the audit has something that is held, and something that is due.
    server.ask("plain", "report-q3")
    write_sample_run(server.hosting.home.workspace.store, FakeClock(LONG_AGO_NS))
    server.hosting.home.poke(RUN_ID)
    page = ada.question("answered", answered)
    page.get_by_role("button", name="Approve").click()
    page.locator("#stands[data-state=released]").wait_for()
    return {
        "inbox": "/inbox",
        "inbox-batch": "/inbox?rule=default-asked",
        "inbox-empty": "/inbox?rule=none",
        "question": f"/inbox/waits/{waits}?workspace=shop",
        "question-unsigned": f"/inbox/plain/{plain}?workspace=shop",
        "question-answered": f"/inbox/answered/{answered}?workspace=shop",
        "me": "/me",
        "runs": "/runs",
        "run": "/runs/waits",
        "run-events": "/runs/waits/events",
        "run-ended": "/runs/answered",
        "run-code": "/runs/waits/source",
        "run-code-unplaced": f"/runs/{RUN_ID}/source",
        "run-step": f"/runs/{RUN_ID}/tasks/1-build",
        "passkey-removal": f"/me/passkeys/{server.entrance.passkeys.all()[0].id}",
        "audit": "/audit",
        "audit-approvals": "/audit/approvals",
        "audit-access": "/audit/access",
        "atlas": "/atlas",
        "atlas-run": "/atlas/run:waits",
        "atlas-breakpoint": f"/atlas/breakpoint:waits/{waits}",
        "not-found": "/inbox/none/1",
    }


@pytest.fixture(scope="module")
def stranger(browser: Browser, server: Server) -> Iterator[Person]:
    with ExitStack() as stack:
        yield window(stack, browser, server, "nobody")


def looked_at(page: Page) -> list[str]:
    """Return what axe holds against a page, and whether it is wider than the window."""
    if not AXE.is_file():
        pytest.skip("MISSING PROGRAM: axe-core (`make scanners` installs it)")
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    told = [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
    if page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
        told.append("the page is wider than the window")
    return told


def in_every_light(page: Page) -> list[str]:
    told = []
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            told += [f"{scheme} {size['width']}: {each}" for each in looked_at(page)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESKTOP)
    return told


@pytest.mark.parametrize(
    "name",
    [
        "inbox",
        "inbox-batch",
        "inbox-empty",
        "question",
        "question-unsigned",
        "question-answered",
        "me",
        "runs",
        "run",
        "run-events",
        "run-ended",
        "run-code",
        "run-code-unplaced",
        "run-step",
        "passkey-removal",
        "audit",
        "audit-approvals",
        "audit-access",
        "atlas",
        "atlas-run",
        "atlas-breakpoint",
        "not-found",
    ],
)
def test_axe_finds_nothing(ada: Person, paths: dict[str, str], name: str) -> None:
    assert in_every_light(ada.open(paths[name])) == []


def test_the_audit_says_what_is_due_and_what_is_held(ada: Person, paths: dict[str, str]) -> None:
    section = ada.open(paths["audit"]).locator("section[aria-labelledby=retention]")

    assert section.locator("ul").first.locator("a").get_attribute("href") == f"/runs/{RUN_ID}"
    assert "1 run is due by 1 rule" in section.inner_text()
    assert "Supervisory request 4711" in section.inner_text()


@pytest.mark.parametrize("path", ["/sign-in", "/join"])
def test_axe_finds_nothing_before_the_door(stranger: Person, path: str) -> None:
    assert in_every_light(stranger.open(path)) == []
