"""In a real browser: pages of runs move by themselves, stay fluid, and run nobody else's code."""

import pytest
from playwright.sync_api import Page, Request, expect

from babysitter.journal.layout import output_path
from babysitter.model import events as ev
from tests.integration.watching import runs
from tests.integration.watching.served import Server

QUIET_MS = 3000


def asked_of(page: Page, server: Server) -> list[str]:
    """Return a list that grows with every request of the page."""
    found: list[str] = []

    def note(request: Request) -> None:
        found.append(request.url.removeprefix(server.url))

    page.on("request", note)
    return found


def open_stream(page: Page, path: str) -> None:
    """Open a page, and return once it hears of what moves."""
    with page.expect_response("**/stream"):
        page.goto(path)


def test_the_list_and_the_run_move_by_themselves(page: Page, server: Server) -> None:
    run = runs.going(server, "moves-1")
    open_stream(page, "/runs?text=moves-1")
    page.evaluate("window.stayed = true")
    expect(page.locator("#list")).to_contain_text("1/2")

    run.add(runs.ended("1-report"), after_s=1)
    server.tell("moves-1")

    expect(page.locator("#list")).to_contain_text("2/2")
    assert page.evaluate("window.stayed")

    open_stream(page, "/runs/moves-1")
    page.evaluate("window.stayed = true")
    run.add(runs.asked(run, "2", "2-go", "Go on?", title="Go on"), after_s=1)
    server.tell("moves-1")

    expect(page.locator(".decide h2")).to_have_text("Go on")
    assert page.evaluate("window.stayed")

    run.add(*runs.released("2-go"), ev.RunCompleted(output={"done": True}, output_sha256=""), after_s=1)
    server.tell("moves-1")

    expect(page.locator(".decide")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()


@pytest.mark.parametrize(
    ("run_id", "driven"), [("moves-2", "moves-2"), ("moves-6.1", "moves-6")], ids=["run", "child"]
)
def test_output_goes_on_where_it_was(page: Page, server: Server, run_id: str, driven: str) -> None:
    run = runs.going(server, run_id)
    sink = run.writer.open_output(output_path("1-report", "stdout", 1), 1_000_000)
    # More than the search for credentials holds back.
    sink.write(b"".join(b"line %d of the first\n" % number for number in range(2000)))
    open_stream(page, f"/runs/{run_id}")
    page.get_by_role("link", name="Write the report").click()
    log = page.get_by_label("stdout")
    expect(log).to_contain_text("line 0 of the first")
    before = int(log.get_attribute("data-next") or "0")
    asked = asked_of(page, server)

    sink.write(b"".join(b"line %d of the second\n" % number for number in range(2000)))
    sink.close()
    server.tell_written(driven)

    expect(log).to_contain_text("line 1999 of the second")
    text = log.text_content() or ""
    assert [
        text.count(f"line {number} of the {which}\n") for number in (0, 1999) for which in ("first", "second")
    ] == [1] * 4
    assert [url for url in asked if "stdout" in url] == [
        f"/api/v1/runs/{run_id}/tasks/1-report/stdout?workspace=shop&offset={before}"
    ]
    assert [url for url in asked if "stdout" not in url] == []  # what is written moves nothing else


def test_nothing_hides_in_what_a_run_says_of_itself(page: Page, server: Server) -> None:
    """A letter that turns the rest around would show another name than the one that is approved."""
    run = runs.going(server, "hidden-1")
    turned, written_out = "pay \u202egnp.exe", "pay ⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩gnp.exe"
    run.add(runs.wanted("2", "step", turned), runs.asked(run, "3", "3-go", turned, title=turned), after_s=1)
    server.tell("hidden-1")

    for path, times in (
        ("/runs/hidden-1", 4),
        ("/runs/hidden-1/events?type=EFFECT_REQUESTED", 1),
        ("/runs/hidden-1/tasks/2-step", 2),
    ):
        page.goto(path)
        said = page.locator("main").inner_text()
        assert "\u202e" not in said, path
        assert said.count(written_out) == times, path


def test_who_looks_away_asks_for_nothing_and_misses_nothing(page: Page, server: Server) -> None:
    run = runs.going(server, "moves-3")
    open_stream(page, "/runs/moves-3")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    asked = asked_of(page, server)
    page.evaluate("addEventListener('moved', () => { document.body.dataset.told = 'yes'; }, true)")

    run.add(runs.ended("1-report"), after_s=1)
    server.tell("moves-3")
    expect(page.locator("body")).to_have_attribute("data-told", "yes")
    assert [url for url in asked if url.startswith("/runs")] == []

    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".figures")).to_contain_text("2 of 2 done")


def test_ten_thousand_lines_stay_fluid_and_a_storm_of_moves_is_no_storm_of_requests(
    page: Page, server: Server
) -> None:
    run = runs.large(server)
    open_stream(page, "/runs/large")
    expect(page.locator(".rows .line[data-kind]")).to_have_count(200)
    assert page.evaluate("document.querySelectorAll('*').length") < 5000
    asked = asked_of(page, server)

    page.wait_for_timeout(QUIET_MS)
    assert [url for url in asked if "/inbox/count" not in url and url != "/runs/large"] == []
    assert len(asked) <= 2  # what the stream's beginning asks for once

    asked.clear()
    page.evaluate("window.began = performance.now()")
    for number in range(60):
        run.add(runs.wanted(f"{5000 + number}", "step", f"Late {number}"), after_s=0.01)
        server.tell("large")
        page.wait_for_timeout(50)
    expect(page.locator(".rows")).to_contain_text("Late 59")
    seconds = page.evaluate("performance.now() - window.began") / 1000
    assert asked.count("/runs/large") <= seconds + 2
    assert asked.count("/inbox/count") <= seconds + 2

    page.get_by_role("link", name="Earlier").first.click()
    expect(page.locator(".rows .line[data-kind]")).to_have_count(200)
    page.goto("/runs/large/events")
    expect(page.locator(".lines details")).to_have_count(100)
    before = page.locator(".lines .seq").last.inner_text()
    run.add(runs.wanted("9000", "step", "The last of all"), after_s=0.01)
    server.tell("large")
    expect(page.locator(".lines details").last).to_contain_text("The last of all")
    assert int(page.locator(".lines .seq").last.inner_text()) == int(before) + 1
    page.goto("/runs/large/events?begin=0")
    expect(page.locator(".lines details")).to_have_count(100)


def test_new_lines_are_added_below_and_what_is_open_stays_open(page: Page, server: Server) -> None:
    run = runs.going(server, "moves-4")
    open_stream(page, "/runs/moves-4/events")
    page.locator(".lines details").first.evaluate("each => { each.open = true; }")

    run.add(runs.ended("1-report"), after_s=1)
    server.tell("moves-4")

    expect(page.locator(".lines details")).to_have_count(7)
    assert page.locator(".lines details").first.evaluate("each => each.open")


def test_no_text_of_a_run_is_ever_executed(page: Page, server: Server) -> None:
    """Labels, arguments, outputs, errors, questions, names: everything that a process or a person writes."""
    runs.attack(server)
    paths = (
        "/runs",
        "/runs/attack",
        "/runs/attack/tasks/0-t",
        "/runs/attack/tasks/1-u",
        "/runs/attack/events",
        "/runs/attack/source",
        "/audit",
        "/audit/approvals",
        "/audit/access?who=%3Cscript%3Ewindow.ran=1%3C/script%3E",
        "/runs?text=%3Cscript%3Ewindow.ran=1%3C/script%3E",
    )
    seen = 0
    for path in paths:
        open_stream(page, path)
        for each in page.locator("details").all():
            each.evaluate("each => { each.open = true; }")
        seen += runs.ATTACKS[0] in page.locator("main").inner_text()
        assert page.evaluate("window.ran") is None, path
        assert page.locator("main script, main iframe, main img, main [onerror], main [onload]").count() == 0
    assert seen >= 7  # or the attack was never there

    open_stream(page, "/runs/attack")
    page.locator("a[data-task]").first.click()
    expect(page.locator("#pane")).to_contain_text("ExitStatusError")
    page.get_by_role("button", name="Signal", exact=True).click()
    assert page.evaluate("window.ran") is None


def test_a_signal_and_a_cancel_are_sent_in_the_readers_name(page: Page, server: Server) -> None:
    run = runs.going(server, "moves-5")
    run.add(ev.SignalAwaited(call_id="9", name="ready"), after_s=1)
    # Nobody drives it now, so what comes is a line at once.
    run.writer.close()
    server.tell("moves-5")
    open_stream(page, "/runs/moves-5")

    page.get_by_role("button", name="Signal", exact=True).click()
    page.get_by_label("Payload, as JSON").fill("{not json")
    page.get_by_role("button", name="Send it in my name").click()
    expect(page.get_by_role("alert")).to_contain_text("no JSON")
    page.get_by_label("Payload, as JSON").fill('{"n": 1}')
    page.get_by_role("button", name="Send it in my name").click()
    expect(page.locator("#said")).to_have_text("The signal was sent.")

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_label("Why").fill("wrong target")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#said")).to_have_text("The run was asked to stop.")

    events = list(server.hosting.home.queries.events("moves-5"))
    sent = [event.data for event in events if event.type in ("SIGNAL_RECEIVED", "RUN_CANCEL_REQUESTED")]
    assert [(each.get("name"), each.get("payload"), each.get("reason")) for each in sent] == [
        ("ready", {"n": 1}, None),
        (None, None, "wrong target"),
    ]
    assert {each.get("sender") or each.get("by") for each in sent} == {"ada@example.com"}


def test_a_run_is_read_with_the_keyboard_alone(page: Page, server: Server) -> None:
    runs.release(server, "keys-1")
    open_stream(page, "/runs?text=keys-1")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/keys-1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#pane h2")).to_be_focused()
    expect(page.locator("#pane h2")).to_contain_text("Build the wheel")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_empty()
    expect(page.locator(".rows a").nth(1)).to_be_focused()


def test_an_auditor_verifies_all_runs_of_a_page(page: Page, server: Server) -> None:
    runs.broken(server, "audited-1")
    open_stream(page, "/audit")

    page.get_by_role("button", name="Verify these").click()

    expect(page.locator("#said")).to_contain_text("verify")
    expect(page.locator(".proof .tag.good", has_text="chain verified").first).to_be_visible()
    expect(page.locator(".proof", has_text="has not verified")).to_have_count(0)
