"""Answers given in a browser: the journal holds what was typed, and signatures are ones for stock tools."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from babysitter.journal.reader import read_records
from babysitter.model import events as ev
from babysitter.model.statement import APPROVAL_NAMESPACE
from tests.integration.pages.people import Person
from tests.integration.pages.served import ADA, BOB, EVE, Server

pytestmark = [pytest.mark.promise("G19", "G24"), pytest.mark.needs("chromium", "git", "ssh-keygen")]
Ask = Callable[..., tuple[str, str]]


def answers(server: Server, run_id: str) -> list[ev.BreakpointResponded]:
    return [event for event in events(server, run_id) if isinstance(event, ev.BreakpointResponded)]


def events(server: Server, run_id: str) -> list[ev.Event]:
    return [record.event() for record in read_records(server.hosting.home.workspace.store, run_id)]


def said(page: Page, words: str) -> None:
    expect(page.locator("#said")).to_contain_text(words)


@pytest.fixture
def stock(server: Server, tmp_path: Path) -> Callable[[str, ev.BreakpointResponded], str]:
    """Return what tells what ``ssh-keygen`` says about an answer of a run."""

    def verify(run_id: str, answer: ev.BreakpointResponded) -> str:
        read = server.hosting.home.workspace.store.read_file
        assert answer.statement_ref is not None and answer.signature_ref is not None
        (tmp_path / "signature").write_bytes(read(run_id, answer.signature_ref.path))
        argv = [
            "ssh-keygen",
            "-Y",
            "verify",
            "-f",
            str(server.root / "allowed_signers"),
            "-I",
            answer.approver,
        ]
        argv += ["-n", APPROVAL_NAMESPACE, "-s", "signature"]
        statement = read(run_id, answer.statement_ref.path)
        done = subprocess.run(argv, input=statement, capture_output=True, cwd=tmp_path, check=False)
        assert (done.returncode == 0) == (b"Good" in done.stdout)
        return (done.stdout + done.stderr).decode()

    return verify


def test_a_passkey_approves_and_stock_ssh_keygen_says_good(
    ada: Person, server: Server, asked: Ask, stock: Callable[[str, ev.BreakpointResponded], str]
) -> None:
    run, question = asked("release")
    page = ada.question(run, question)
    page.get_by_label("Why").fill("Read the diff — „gut“.\nRollback: 1.3.9")
    page.get_by_role("button", name="Approve").click()
    said(page, "Approved.")

    (answer,) = answers(server, run)
    assert (answer.approver, answer.decision, answer.method) == (ADA, "approve", "passkey")
    assert answer.comment == "Read the diff — „gut“.\nRollback: 1.3.9"
    assert answer.user_verified
    assert stock(run, answer).startswith(f'Good "{APPROVAL_NAMESPACE}" signature for {ADA}')
    expect(page.locator("#history")).to_contain_text("signed with a passkey")
    assert server.wait_ended(run) == "completed"


def test_the_digest_of_what_is_signed_is_shown_before_the_device_asks(
    ada: Person, server: Server, asked: Ask
) -> None:
    run, question = asked("release")
    page = ada.question(run, question)
    page.evaluate("() => { navigator.credentials.get = () => new Promise(() => {}); }")
    page.get_by_role("button", name="Approve").click()

    expect(page.locator("#digest")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    assert answers(server, run) == []


def test_a_no_is_a_no_and_its_words_reach_the_process(ada: Person, server: Server, asked: Ask) -> None:
    """Elsewhere the answer "NO, do not do this!" was recorded as an approval."""
    run, question = asked("release")
    page = ada.question(run, question)
    page.get_by_label("Why").fill("NO, do not do this!")
    page.get_by_role("button", name="Reject").click()
    said(page, "Rejected.")

    assert server.wait_ended(run) == "completed"
    (answer,) = answers(server, run)
    assert (answer.decision, answer.comment, answer.method) == ("reject", "NO, do not do this!", "passkey")
    rejected = [event for event in events(server, run) if isinstance(event, ev.BreakpointRejected)]
    assert [event.feedback for event in rejected] == ["NO, do not do this!"]
    assert not any(isinstance(event, ev.EffectStarted) for event in events(server, run))


def test_not_now_leaves_the_question_open(ada: Person, server: Server, asked: Ask) -> None:
    run, question = asked("plain")
    page = ada.question(run, question)
    page.get_by_label("Why").fill("After lunch.")
    page.get_by_role("button", name="Not now").click()
    said(page, "Deferred.")

    assert [answer.decision for answer in answers(server, run)] == ["defer"]
    expect(page.locator("#stands")).to_contain_text("waiting")
    expect(page.get_by_role("button", name="Approve")).to_be_enabled()


def test_where_the_rule_asks_for_no_signature_none_is_made(ada: Person, server: Server, asked: Ask) -> None:
    run, question = asked("plain")
    page = ada.question(run, question)
    expect(page.locator("#answering")).to_contain_text("unsigned: the rule asks for no signature")
    page.get_by_role("button", name="Approve").click()
    said(page, "Approved.")

    assert [(answer.method, answer.statement_ref) for answer in answers(server, run)] == [("token", None)]


def test_people_ask_back_reply_and_pass_on(ada: Person, bob: Person, server: Server, asked: Ask) -> None:
    run, question = asked("release")
    page = ada.question(run, question)
    page.get_by_text("Ask for more, or reply").click()
    page.get_by_label("Your words").fill("Who watches the dashboards?")
    page.get_by_role("button", name="Send").click()
    said(page, "Asked.")

    theirs = bob.question(run, question)
    expect(theirs.locator("#history")).to_contain_text("Who watches the dashboards?")
    theirs.get_by_text("Ask for more, or reply").click()
    theirs.get_by_label("Your words").fill("I do.")
    theirs.get_by_label("This gives what was asked for").check()
    theirs.get_by_role("button", name="Send").click()
    said(theirs, "Replied.")

    page.get_by_text("Pass it on").click()
    page.get_by_label(BOB).check()
    page.get_by_label("A word to them").fill("You are on call.")
    page.get_by_role("button", name="Pass on").click()
    said(page, "Passed on.")
    expect(page.locator("#history")).to_contain_text(f"passed it on to {BOB}")

    found = [type(event) for event in events(server, run)]
    assert {ev.BreakpointInfoRequested, ev.BreakpointInfoGiven, ev.BreakpointReassigned} <= set(found)
    assert server.status(run) == "waiting"


def test_people_answer_in_another_s_place_where_the_rule_says_so(
    eve: Person, server: Server, asked: Ask
) -> None:
    run, question = asked("release")
    page = eve.question(run, question)
    page.get_by_label("In the place of").select_option(ADA)
    page.get_by_role("button", name="Approve").click()
    said(page, "Approved.")

    (answer,) = answers(server, run)
    assert (answer.approver, answer.on_behalf_of, answer.method) == (EVE, ADA, "passkey")
    expect(page.locator("#history")).to_contain_text(f"in the place of {ADA}")


def test_the_glass_is_broken_only_by_a_box_of_its_own_and_told(
    bob: Person, ada: Person, server: Server, asked: Ask
) -> None:
    run, question = asked("release")
    expect(ada.question(run, question).get_by_text("It is an emergency")).to_have_count(0)
    page = bob.question(run, question)
    page.get_by_text("It is an emergency").click()
    page.get_by_label("Break the glass").check()
    page.get_by_label("Why").first.fill("The shop is down.")
    page.get_by_role("button", name="Approve").click()
    said(page, "Approved.")

    (answer,) = answers(server, run)
    assert (answer.approver, answer.break_glass, answer.comment) == (BOB, True, "The shop is down.")
    expect(page.locator("#history")).to_contain_text("breaking the glass")


def test_a_refused_answer_says_why_at_the_form_and_loses_nothing_typed(
    ada: Person, server: Server, asked: Ask
) -> None:
    """The rule wants a signature; whoever sends an answer without one is told so where they wrote it."""
    run, question = asked("release")
    page = ada.question(run, question)
    page.evaluate("document.getElementById('answering').dataset.signature = 'no'")
    page.get_by_label("Why").fill("Written with care.")
    page.get_by_role("button", name="Approve").click()

    expect(page.locator("#answer-error")).to_contain_text("may not approve")
    expect(page.locator("#answer-error")).to_be_focused()
    expect(page.get_by_label("Why")).to_have_value("Written with care.")
    assert answers(server, run) == []


def test_a_device_that_says_no_leaves_everything_as_it_was(ada: Person, server: Server, asked: Ask) -> None:
    run, question = asked("release")
    page = ada.question(run, question)
    page.get_by_label("Why").fill("Looks good.")
    ada.devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": ada.authenticator, "isUserVerified": False}
    )
    try:
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("#answer-error")).to_contain_text("No passkey answered")
    finally:
        told = {"authenticatorId": ada.authenticator, "isUserVerified": True}
        ada.devtools.send("WebAuthn.setUserVerified", told)

    expect(page.get_by_label("Why")).to_have_value("Looks good.")
    assert answers(server, run) == []


def test_pressing_twice_and_asking_again_after_a_lost_reply_does_nothing_twice(
    ada: Person, server: Server, asked: Ask
) -> None:
    run, question = asked("plain")
    page = ada.question(run, question)
    lost: list[str] = []

    def lose_the_first_reply(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().text())
        route.abort()

    page.route("**/answer?*", lose_the_first_reply)
    page.get_by_label("Why").fill("Later.")
    page.get_by_role("button", name="Not now").dblclick()
    expect(page.locator("#answer-error")).to_contain_text("can't be reached")
    page.get_by_role("button", name="Not now").click()
    said(page, "Deferred.")
    page.unroute("**/answer?*")
    ada.errors.clear()

    assert [answer.comment for answer in answers(server, run)] == ["Later."]


def test_a_question_that_another_decided_can_t_be_answered_any_more(
    ada: Person, bob: Person, server: Server, asked: Ask
) -> None:
    run, question = asked("plain")
    page = ada.question(run, question)
    page.get_by_label("Why").fill("Half a thou")
    theirs = bob.question(run, question)
    theirs.get_by_role("button", name="Approve").click()
    said(theirs, "Approved.")

    expect(page.locator("#stands")).to_contain_text("approved")
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    expect(page.get_by_label("Why")).to_have_value("Half a thou")


def test_whoever_is_no_approver_sees_everything_and_is_told_so(
    server: Server, bob: Person, asked: Ask
) -> None:
    run, question = asked("release")
    settings = server.root / "babysitter.toml"
    before = settings.read_text()
    approvers, viewers = f'approvers = ["{ADA}", "{BOB}", "{EVE}"]', "viewers = []"
    assert approvers in before
    assert viewers in before
    try:
        demoted = before.replace(approvers, f'approvers = ["{ADA}"]').replace(viewers, f'viewers = ["{BOB}"]')
        settings.write_text(demoted)
        page = bob.question(run, question)
        expect(page.locator("#answering")).to_contain_text("you are no approver in shop")
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        expect(page.get_by_text("web-1").first).to_be_visible()
    finally:
        settings.write_text(before)
