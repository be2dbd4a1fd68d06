"""Whatever somebody writes, in whatever field, the browser shows it as text: nothing of it runs."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.integration.pages.flow import PLANTED
from tests.integration.pages.people import Person
from tests.integration.pages.served import Server

pytestmark = [pytest.mark.promise("G19"), pytest.mark.needs("chromium", "git")]
Ask = Callable[..., tuple[str, str]]
NAME = "<img src=x onerror=window.planted='name'>{{7*7}}.txt"


def nothing_ran(page: Page) -> None:
    """Nothing planted has run, or runs when it is pointed at; no template was filled in."""
    page.wait_for_load_state("load")
    for place in page.locator("main *:has-text('onerror')").all()[:40]:
        if place.is_visible():
            place.dispatch_event("mouseover")
    assert page.evaluate("window.planted") is None
    assert page.locator("main img, main script, main [onmouseover], main [onerror]").count() == 0
    assert page.locator("main a[href^='javascript']").count() == 0


def test_what_is_planted_in_every_field_runs_nowhere(ada: Person, server: Server, asked: Ask) -> None:
    (server.root / "shop" / NAME).write_text(f"{PLANTED}\n")
    run, question = asked("hostile")
    page = ada.open("/inbox")
    expect(page.locator(".question").first).to_contain_text("{{7*7}}")
    nothing_ran(page)

    page = ada.question(run, question)
    page.get_by_text("Ask for more, or reply").click()
    page.get_by_label("Your words").fill(PLANTED)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#history blockquote")).to_contain_text("{{7*7}}")
    page.get_by_label("Why").fill(PLANTED)
    page.get_by_role("button", name="Not now").click()
    expect(page.locator("#history")).to_contain_text("deferred")
    page.locator("#exact summary").click()

    expect(page.locator("h1")).to_have_text(PLANTED)
    expect(page.locator("[data-args]")).to_contain_text("window.planted")
    expect(page.locator(".file", has_text=NAME)).to_contain_text("{{7*7}}")
    nothing_ran(page)


def test_a_comment_with_all_of_it_is_signed_as_it_was_typed(ada: Person, server: Server, asked: Ask) -> None:
    run, question = asked("release")
    page = ada.question(run, question)
    page.get_by_label("Why").fill(PLANTED)
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#stands")).to_contain_text("rejected")

    expect(page.locator("#history blockquote")).to_have_text(PLANTED)
    nothing_ran(page)
    assert server.wait_ended(run) == "completed"


def test_files_come_as_attachments_and_only_those_that_the_question_lists(ada: Person, asked: Ask) -> None:
    run, question = asked("release")
    page = ada.question(run, question)
    with page.expect_download() as coming:
        page.get_by_role("link", name="the whole difference").click()
    assert b"price_3" in coming.value.path().read_bytes()
    assert coming.value.suggested_filename == "changes.diff"

    request = ada.context.request
    base = f"{ada.server.url}/inbox/{run}/{question}/files"
    headers = request.get(f"{base}/0").headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == 'attachment; filename="shown.json"'
    assert headers["x-content-type-options"] == "nosniff"
    for number in ("9", "-1", "..%2f..%2fbabysitter.toml", "0x0", "%00", "1e9"):
        assert request.get(f"{base}/{number}").status == 404, number
