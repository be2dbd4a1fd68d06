"""Before a passkey signs, the browser makes the statement itself, and refuses any other."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from babysitter.model.statement import APPROVAL_NAMESPACE
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.signing.passkeys import challenge_of
from tests.integration.pages.people import Person
from tests.integration.pages.served import Server

pytestmark = [pytest.mark.promise("G24"), pytest.mark.needs("chromium", "git")]
Ask = Callable[..., tuple[str, str]]
COUNTING = """() => {
  window.devicesAsked = 0;
  const get = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = (options) => { window.devicesAsked += 1; return get(options); };
}"""


@pytest.fixture(scope="module")
def opened(ada: Person, server: Server) -> Page:
    """A question that waits, and that no test of this module answers."""
    return ada.question("r", server.ask("release", "r"))


def refused(page: Page, words: str) -> None:
    """Press Approve: the page says why it signs nothing, and no device was asked."""
    page.evaluate(COUNTING)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#answer-error")).to_contain_text(words)
    assert page.evaluate("window.devicesAsked") == 0


def tampering(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Have the server's statement come changed."""

    def on_the_way(route: Route) -> None:
        reply = route.fetch()
        told = reply.json()
        change(told)
        route.fulfill(response=reply, body=json.dumps(told))

    page.route("**/statement?*", on_the_way)


def in_statement(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Return what changes one place of the statement and leaves it in canonical form."""

    def change(told: dict[str, Any]) -> None:
        statement = json.loads(told["statement"])
        *parents, name = path.split(".")
        inner = statement
        for part in parents:
            inner = inner[int(part)] if isinstance(inner, list) else inner[part]
        inner[name] = value
        told["statement"] = canonical_json(statement).decode()

    return change


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "predicate.decision",
            "reject",
            "statement.predicate.decision is “reject”, and here it is “approve”",
        ),
        ("predicate.comment", "Yes, and to all others.", "statement.predicate.comment is “Yes, and"),
        (
            "predicate.approver",
            "mallory@example.com",
            "statement.predicate.approver is “mallory@example.com”",
        ),
        ("predicate.runId", "another", "statement.predicate.runId is “another”"),
        ("predicate.approves.0.argsSha256", "0" * 64, "statement.predicate.approves.0.argsSha256 is “0000"),
        ("predicate.journal.head", "f" * 64, "statement.predicate.journal.head is “ffff"),
        ("predicate.breakGlass", True, "statement.predicate.breakGlass is “true”, and here it is nothing"),
        ("subject.0.digest.sha256", "1" * 64, "statement.subject.0.digest.sha256 is “1111"),
        ("predicate.nonce", "again", "has no number or no time"),
        ("predicate.issuedAt", "2001-01-01T00:00:00.000000Z", "this device's clock says otherwise"),
    ],
)
def test_a_statement_that_says_anything_else_is_not_signed(
    opened: Page, path: str, value: object, words: str
) -> None:
    tampering(opened, in_statement(path, value))
    try:
        refused(opened, words)
    finally:
        opened.unroute("**/statement?*")


def test_a_statement_in_other_bytes_is_not_signed(opened: Page) -> None:
    tampering(opened, lambda told: told.update(statement=told["statement"].replace(",", ", ", 1)))
    try:
        refused(opened, "not written in canonical form")
    finally:
        opened.unroute("**/statement?*")


def test_a_challenge_that_is_not_the_statement_s_is_not_answered(opened: Page) -> None:
    tampering(opened, lambda told: told.update(challenge="A" * 80))
    try:
        refused(opened, "something else than the statement")
    finally:
        opened.unroute("**/statement?*")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("document.querySelector('[data-args]').textContent = '{\"argv\": [\"rm\"]}'", "not in the document"),
        (
            "document.querySelector('.lead').textContent = 'All harmless'",
            "not in the document: “All harmless”",
        ),
        ("document.querySelector('tr.add .line').textContent = '+safe()'", "not in the document: “+safe()”"),
        ("document.querySelector('#document').append('!')", "does not have the digest"),
        (
            "document.querySelector('[data-call] [data-fact=argsSha256]').textContent = '0'.repeat(64)",
            "Arguments",
        ),
    ],
)
def test_a_page_that_shows_something_else_signs_nothing(
    ada: Person, server: Server, opened: Page, script: str, words: str
) -> None:
    del opened
    question = next(iter(_open_question(server)))
    page = ada.question("r", question)
    page.evaluate(f"() => {{ {script}; }}")
    refused(page, words.lower() if words == "Arguments" else words)


def _open_question(server: Server) -> list[str]:
    view = server.hosting.home.queries.status("r")
    return [each.breakpoint_id for each in view.breakpoints]


def test_the_browser_s_forms_are_ours_to_the_byte(ada: Person, server: Server) -> None:
    """RFC 8785, SHA-256 and the text of an SSH signature, over what is awkward in each."""
    del server
    values: list[Any] = [
        {"b": 1, "a": [True, None, "x"], "": {}},
        {"\u20ac": "euro", "\r": "cr", "\U0001f600": "smile", "\ufb33": "dalet", "1": "one", "\u0080": "c"},
        '\u2028 </script> " \\ \u0007 \u00fc',
        [0.1, 1e21, 1.0, -0.0, 1e-7, 9007199254740991, -1.5e300],
    ]
    page = ada.open("/inbox")
    url = page.get_attribute("script[src*='inbox.js']", "src")
    assert url is not None
    module = url.replace("inbox.js", "ceremony.js")
    script = """async ([url, values, text]) => {
      const { canonical, sha256, challengeOf } = await import(url);
      const challenge = await challengeOf(text, "babysitter-approval");
      return [values.map(canonical), await sha256(text), [...challenge]];
    }"""
    text = "Ein „Satz“ 😀"
    written, digest, challenge = page.evaluate(script, [module, values, text])

    assert [each.encode() for each in written] == [canonical_json(value) for value in values]
    assert digest == sha256_hex(text.encode())
    assert bytes(challenge) == challenge_of(text.encode(), APPROVAL_NAMESPACE)
