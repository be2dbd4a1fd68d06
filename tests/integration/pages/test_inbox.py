"""The inbox in a browser: the most urgent first, live without losing one's place, also by keys alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.integration.pages.people import Person
from tests.integration.pages.served import Server

pytestmark = pytest.mark.needs("chromium", "git")
Ask = Callable[..., tuple[str, str]]


def titles(page: Page) -> list[str]:
    return page.locator(".question .open").all_inner_texts()


def test_an_empty_inbox_says_what_would_appear(ada: Person, server: Server) -> None:
    del server
    page = ada.open("/inbox?rule=nobody-asks-by-this")

    expect(page.locator("#empty")).to_contain_text("A question appears here by itself when a run asks")
    expect(page.get_by_role("link", name="Show everything")).to_be_visible()


def test_what_ends_soon_stands_above_what_can_wait(ada: Person, asked: Ask) -> None:
    asked("plain")
    asked("release")
    page = ada.open("/inbox")

    headings = [text.split(" 1")[0] for text in page.locator("main h2").all_inner_texts()]
    assert headings[0].startswith("Expires within the hour")
    assert titles(page).index("Deploy 1.4.0 to production") < titles(page).index("Send the report")


def test_a_new_question_appears_by_itself_and_nothing_moves_under_the_reader(ada: Person, asked: Ask) -> None:
    asked("plain", {"title": "First"})
    page = ada.open("/inbox")
    link = page.get_by_role("link", name="First")
    link.focus()
    page.evaluate("() => { window.loadedOnce = true; }")
    count = int(page.locator("#waiting").inner_text())

    asked("plain", {"title": "Second"})
    expect(page.get_by_role("link", name="Second")).to_be_visible()

    expect(link).to_be_focused()
    assert page.evaluate("window.loadedOnce") is True
    expect(page.locator("#waiting")).to_have_text(str(count + 1))
    assert page.title() == f"({count + 1}) Inbox · Babysitter"


def test_nothing_is_asked_for_while_nothing_happens(ada: Person) -> None:
    page = ada.open("/inbox")
    # What may have moved before the stream was open is looked at once.
    with page.expect_response("**/inbox/count"):
        pass
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("() => new Promise((done) => setTimeout(done, 2500))")

    assert asked == []


def test_filters_are_links(ada: Person, asked: Ask) -> None:
    asked("plain")
    asked("release")
    page = ada.open("/inbox")
    page.get_by_role("link", name="production", exact=True).click()

    page.wait_for_url("**/inbox?rule=production")
    assert set(titles(page)) == {"Deploy 1.4.0 to production"}
    expect(page.locator("#batch-no")).to_contain_text("counts only signed answers")


def test_several_are_approved_at_once_where_the_rule_takes_unsigned_answers(
    ada: Person, server: Server, asked: Ask
) -> None:
    runs = [asked("plain", {"title": f"Batch {number}"})[0] for number in range(2)]
    page = ada.open("/inbox?rule=default-asked")
    for number in range(2):
        page.get_by_label(f"Choose: Batch {number}").check()
    page.get_by_role("button", name="Approve the chosen").click()

    expect(page.locator("#said")).to_have_count(1)
    assert [server.wait_ended(run) for run in runs] == ["completed", "completed"]


def test_keys_move_open_and_explain_themselves(ada: Person, asked: Ask) -> None:
    asked("plain", {"title": "One"})
    asked("plain", {"title": "Two"})
    page = ada.open("/inbox")
    page.keyboard.press("j")
    expect(page.locator(".question .open").first).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(".question .open").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator(".question .open").first).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    page.wait_for_url("**/inbox/*/*")


def test_a_notice_on_the_desktop_tells_the_title_and_nothing_else(ada: Person, asked: Ask) -> None:
    page = ada.open("/inbox")
    page.evaluate(
        """() => {
          window.notices = [];
          window.Notification = class extends EventTarget {
            static permission = "granted";
            constructor(title, options) { super(); window.notices.push([title, options.body]); }
          };
        }"""
    )
    asked("plain", {"title": "Quarterly report", "question": "The password is in the annex, may it go out?"})
    expect(page.get_by_role("link", name="Quarterly report")).to_be_visible()

    assert page.evaluate("window.notices") == [["Babysitter asks", "Quarterly report"]]


def test_a_person_can_do_everything_without_a_mouse(ada: Person, server: Server, asked: Ask) -> None:
    """Sign in, find the question, read it, say why and approve, by keys alone."""
    run, _ = asked("release")
    page = ada.page
    ada.context.clear_cookies()
    ada.open("/inbox")
    press_until(page, "Sign in with a passkey")
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox")
    page.locator(f"[id*='{run}'] .open").wait_for()
    for _ in range(50):
        page.keyboard.press("j")
        if run in str(page.evaluate("document.activeElement.id")):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/inbox/{run}/*")
    press_until(page, "Why")
    page.keyboard.type("By keys alone.")
    press_until(page, "Approve")
    page.keyboard.press("Enter")

    expect(page.locator("#history")).to_contain_text("By keys alone.")
    assert server.wait_ended(run) == "completed"


def press_until(page: Page, name: str) -> None:
    """Press Tab until something of that name has the focus; what has it is seen to."""
    script = """() => {
      const at = document.activeElement;
      const style = getComputedStyle(at);
      const label = at.labels?.[0]?.textContent ?? at.textContent;
      return [label.trim(), at === document.body || style.outlineStyle !== "none"];
    }"""
    for _ in range(120):
        page.keyboard.press("Tab")
        label, is_seen = page.evaluate(script)
        assert is_seen, f"nothing shows that {label[:40]!r} has the focus"
        if label == name:
            return
    raise AssertionError(f"Tab never came to {name}")
