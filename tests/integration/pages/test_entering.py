"""The browser's way in: joining by an invitation, signing in with a passkey, and out again."""

from collections.abc import Callable
from contextlib import ExitStack
from html import escape
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from babysitter.server.credentials import COOKIE as SESSION
from tests.integration.access.provider import CLIENT, Provider, providing
from tests.integration.pages.people import Person, joined, window
from tests.integration.pages.served import ADA, BOB, EVE, Server

pytestmark = [pytest.mark.promise("G19"), pytest.mark.needs("chromium", "git")]


def test_nobody_sees_a_page_without_signing_in(browser: Browser, server: Server) -> None:
    with ExitStack() as stack:
        page = window(stack, browser, server, "nobody").page

        for path in ("/inbox", "/me", "/inbox/r/1?workspace=shop"):
            page.goto(f"{server.url}{path}")
            assert page.url.startswith(f"{server.url}/sign-in?to=")
            expect(page.get_by_role("heading")).to_have_text("Sign in")


def test_an_invitation_makes_a_passkey_that_signs_in(browser: Browser, server: Server) -> None:
    with ExitStack() as stack:
        person = joined(stack, browser, server, EVE)
        page = person.open("/me")

        expect(page.get_by_role("heading", level=1)).to_have_text(EVE)
        expect(page.get_by_text("signs answers")).to_be_visible()
        assert person.taken_errors() == []
    assert EVE in (server.root / "allowed_signers").read_text()


def test_the_code_of_an_invitation_is_sent_in_no_address_and_left_in_none(
    browser: Browser, server: Server
) -> None:
    with ExitStack() as stack:
        page = window(stack, browser, server, BOB).page
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        link = server.invite(BOB)
        page.goto(link)
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_text("this device has your passkey now")).to_be_visible()

        code = link.partition("#")[2]
        assert code.startswith("bsi_")
        assert not any(code in url.partition("#")[0] for url in asked)
        assert page.url == f"{server.url}/join"
    log = (server.root / ".a5c" / "server" / "access.jsonl").read_text()
    assert code not in log


def test_a_person_removes_a_passkey_and_is_told_what_follows(browser: Browser, server: Server) -> None:
    with ExitStack() as stack:
        person = joined(stack, browser, server, "una@example.com", calls_it="old phone")
        page = person.open("/me")
        page.get_by_role("link", name="Remove old phone").click()

        expect(page.get_by_text("This is your last passkey.")).to_be_visible()
        expect(page.get_by_text("The file of signers still has it")).to_be_visible()
        expect(page.get_by_text("babysitter key revoke SHA256:")).to_be_visible()
        page.get_by_role("button", name="Remove my last passkey").click()

        page.wait_for_url("**/sign-in**")
        assert person.open("/me").url.startswith(f"{server.url}/sign-in?to=")
        assert person.taken_errors() == []
    assert "una@example.com" in (server.root / "allowed_signers").read_text()
    log = (server.root / ".a5c" / "server" / "access.jsonl").read_text()
    assert '"route":"me.passkey.remove"' in log


def test_an_invitation_counts_once_and_the_page_says_no_at_the_form(browser: Browser, server: Server) -> None:
    with ExitStack() as stack:
        link = server.invite(BOB)
        first, second = (window(stack, browser, server, BOB).page for _ in range(2))
        for page, place in ((first, "#after"), (second, "#join-error")):
            page.goto(link)
            page.get_by_role("button", name="Make a passkey").click()
            expect(page.locator(place)).to_be_visible()


@pytest.mark.parametrize(("path", "form"), [("/sign-in", "#sign-in"), ("/join", "#join")])
def test_a_form_that_nobody_listens_to_yet_can_not_be_pressed(
    browser: Browser, server: Server, path: str, form: str
) -> None:
    """On a slow line its button only loaded the page again."""
    with ExitStack() as stack:
        page = window(stack, browser, server, "nobody").page
        page.route("**/*.js", lambda route: route.abort())
        page.goto(f"{server.url}{path}")
        assert page.locator(form).evaluate("form => form.inert")

        page.unroute("**/*.js")
        page.reload()
        expect(page.get_by_role("button")).to_be_enabled()
        assert not page.locator(form).evaluate("form => form.inert")


def test_the_session_is_a_cookie_that_no_script_and_no_other_site_gets(ada: Person) -> None:
    """Chromium takes a ``__Host-`` cookie over plain HTTP from localhost alone; see ADR 0045."""
    cookie = next(each for each in ada.context.cookies() if each["name"] == SESSION)

    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (
        True,
        True,
        "Strict",
        "/",
    )
    assert "babysitter" not in ada.open("/inbox").evaluate("document.cookie")


def test_signing_in_leads_to_no_other_site(browser: Browser, server: Server) -> None:
    elsewhere = (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "\\\\evil",
    )
    with ExitStack() as stack:
        person = joined(stack, browser, server, ADA)
        page = person.page
        for to in elsewhere:
            person.context.clear_cookies()
            page.goto(f"{server.url}/sign-in?to={to}")
            page.get_by_role("button", name="Sign in with a passkey").click()
            page.wait_for_url("**/inbox")

            assert page.url == f"{server.url}/inbox"


def test_after_signing_in_a_person_is_where_they_were_going(
    browser: Browser, server: Server, asked: Callable[..., tuple[str, str]]
) -> None:
    run, question = asked("plain")
    with ExitStack() as stack:
        person = joined(stack, browser, server, ADA)
        person.context.clear_cookies()
        page = person.question(run, question)
        page.get_by_role("button", name="Sign in with a passkey").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Send the report")
        assert page.url == f"{server.url}/inbox/{run}/{question}?workspace=shop"


def test_a_device_without_a_passkey_says_so_at_the_form(browser: Browser, server: Server) -> None:
    with ExitStack() as stack:
        page = window(stack, browser, server, "nobody").page
        page.goto(f"{server.url}/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()

        expect(page.locator("#sign-in-error")).to_contain_text("No passkey answered")


def test_signing_out_ends_the_session_on_the_server_too(browser: Browser, server: Server) -> None:
    with ExitStack() as stack:
        person = joined(stack, browser, server, ADA)
        cookie = next(each["value"] for each in person.context.cookies() if each["name"] == SESSION)

        def status() -> int:
            headers = {"Cookie": f"{SESSION}={cookie}"}
            return stranger.context.request.get(f"{server.url}/api/v1/runs", headers=headers).status

        stranger = window(stack, browser, server, "nobody")
        assert status() == 200
        person.page.get_by_role("button", name="Sign out").click()
        person.page.wait_for_url("**/sign-in")

        assert status() == 401
        assert person.open("/inbox").url.startswith(f"{server.url}/sign-in")


def test_signing_out_everywhere_ends_the_other_windows(browser: Browser, server: Server) -> None:
    with ExitStack() as stack:
        one, other = (joined(stack, browser, server, ADA) for _ in range(2))
        one.open("/me").get_by_role("button", name="Sign out everywhere").click()
        one.page.wait_for_url("**/sign-in")

        assert other.open("/inbox").url.startswith(f"{server.url}/sign-in")


def test_a_passkey_that_is_in_no_file_of_signers_shows_the_line_to_add(
    browser: Browser, server: Server
) -> None:
    with ExitStack() as stack:
        person = joined(stack, browser, server, BOB, may_sign=False)
        page = person.open("/me")

        line = page.locator("pre").last
        expect(line).to_contain_text(f'{BOB} namespaces="babysitter-*" sk-ecdsa-sha2-nistp256@openssh.com ')


def test_who_comes_back_from_an_identity_provider_is_signed_in_where_they_were_going(
    browser: Browser, server: Server
) -> None:
    """The session is Strict, and a way that began at the provider's page must not lose it."""
    settings = server.root / "babysitter.toml"
    before = settings.read_text()
    told = Provider(secret="", person={"email": ADA, "email_verified": True})
    with providing(told) as provider, ExitStack() as stack:
        stack.callback(settings.write_text, before)
        settings.write_text(
            f'{before}\n[server.oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n'
        )
        page = window(stack, browser, server, ADA).page

        page.goto(f"{server.url}/inbox?rule=production")
        page.get_by_role("link", name="Sign in with your organisation").click()
        page.wait_for_url(f"{provider.issuer}/authorize?**")
        back = f"{server.url}/login/oidc?{urlencode(provider.visit(page.url))}"
        page.set_content(f'<a href="{escape(back)}">Allow</a>')
        page.get_by_role("link", name="Allow").click()
        page.wait_for_url("**/inbox?rule=production")

        expect(page.get_by_role("link", name=ADA)).to_be_visible()
