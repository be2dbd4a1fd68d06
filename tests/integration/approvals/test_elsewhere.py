"""Answers with ``--server``: what is signed was checked on the signer's machine, whatever a server does."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.approvals.elsewhere import (
    ALICE,
    ASKED,
    BOB,
    RUN,
    Elsewhere,
    MiddleMan,
    between,
    build,
    honest,
    serving,
)

pytestmark = [pytest.mark.promise("G25"), pytest.mark.needs("ssh-keygen", "git")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """A server whose run waits for Alice, who is signed in. Tests that answer it have their own."""
    with between() as man:
        place = build(tmp_path_factory.mktemp("served"), man)
        with serving(place):
            place.sign_in(ALICE)
            yield place


@pytest.fixture
def place(served: Elsewhere) -> Iterator[Elsewhere]:
    """The same, with a middle man who is honest until told otherwise."""
    man = served.man
    man.answers, man.takes = honest, honest
    man.asked.clear()
    yield served
    man.answers, man.takes = honest, honest


def test_what_waits_and_what_it_shows_can_be_seen_from_elsewhere(place: Elsewhere) -> None:
    listed = place.call("inbox", "--server", place.man.url)
    as_json = json.loads(place.call("inbox", "--server", place.man.url, "--json").stdout)
    shown = place.call("breakpoint", "show", "r/1", "--server", place.man.url)
    there = place.there("breakpoint", "show", f"{RUN}/{ASKED}")

    assert f"{RUN}/{ASKED}" in listed.stdout
    assert "the server's word" in listed.stderr
    assert [each["breakpoint"]["breakpointId"] for each in as_json["breakpoints"]] == [ASKED]
    assert shown.stdout == there
    assert "+two" in shown.stdout
    assert "First the database." in shown.stdout


def test_a_signed_answer_from_elsewhere_counts_and_stock_tools_say_so(tmp_path: Path) -> None:
    with between() as man:
        place = build(tmp_path, man)
        with serving(place):
            place.sign_in(ALICE)
            place.man.asked.clear()
            deferred = place.answer("defer", "--comment", "After lunch.")
            said = place.answer("approve", "--comment", "Read the plan.")
            asked = list(place.man.asked)
        place.there("journal", "verify", "--all")
        before, line = place.lines("BREAKPOINT_RESPONDED")
        kept = place.root / ".a5c" / "runs" / RUN / line["data"]["statementRef"]["path"]
        signers = place.root / "allowed_signers"
        verify = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", ALICE, "-n", "babysitter-approval"]
        checked = subprocess.run(
            [*verify, "-s", f"{kept}.sig"], input=kept.read_bytes(), capture_output=True, check=False
        )

    assert f"Deferred {RUN}/{ASKED}" in deferred.stdout
    assert (before["data"]["decision"], before["data"]["comment"]) == ("defer", "After lunch.")
    assert "+two" in said.stderr
    assert f"You approve {RUN}/{ASKED}, exactly this: deploy" in said.stderr
    assert f"Approved {RUN}/{ASKED}" in said.stdout
    assert (line["data"]["approver"], line["data"]["method"]) == (ALICE, "ssh")
    assert checked.returncode == 0, checked.stderr
    assert place.lines("BREAKPOINT_RELEASED")
    assert not [path for path in asked if path.endswith(("/statement", f"/{ASKED}"))], "nothing is believed"


def test_what_may_not_be_signed_here_is_told_before_anything_is_sent(place: Elsewhere) -> None:
    name, where = f"{RUN}/{ASKED}", ("--server", place.man.url)

    no_key = place.call("approve", name, *where, status=2)
    two_places = [
        place.answer("approve", "--runs-dir", "x", status=2),
        place.call("inbox", *where, "--runs-dir", "x", status=2),
        place.call("breakpoint", "show", name, *where, "--runs-dir", "x", status=2),
    ]
    other = place.answer("approve", "--as", BOB, status=2)
    nothing = place.call("approve", "r/9", *where, "--key", place.key(ALICE), status=2)
    nobody = place.call("inbox", "--server", "http://127.0.0.1:9", status=4)

    assert "--key" in no_key.stderr
    assert all("two places" in each.stderr for each in two_places)
    assert f"as {ALICE}, not as {BOB}" in other.stderr
    assert "no open breakpoint is named r/9" in nothing.stderr
    assert "not signed in" in nobody.stderr
    assert not _answers_sent(place.man)


def test_a_key_that_is_not_the_person_s_does_not_count_at_the_server(place: Elsewhere) -> None:
    key = place.key(BOB)
    refused = place.call(
        "approve", f"{RUN}/{ASKED}", "--server", place.man.url, "--key", key, "--json", status=4
    )

    assert json.loads(refused.stdout)["error"]["code"] == "refused.signature"
    assert place.lines("BREAKPOINT_RESPONDED") == []


def _changed(old: str, new: str, *, in_path: str) -> Callable[[str, bytes], bytes]:
    def lie(path: str, body: bytes) -> bytes:
        if in_path not in path.partition("?")[0]:
            return body
        assert old.encode() in body, "the lie is about nothing"
        return body.replace(old.encode(), new.encode())

    return lie


def _cut(in_path: str) -> Callable[[str, bytes], bytes]:
    return lambda path, body: body[:-1] if in_path in path.partition("?")[0] else body


def _more(in_path: str) -> Callable[[str, bytes], bytes]:
    return lambda path, body: body + b" " if in_path in path.partition("?")[0] else body


FILE = "/files/breakpoints/1-ship/files/1"
LIES: dict[str, tuple[Callable[[str, bytes], bytes], str]] = {
    "a word of shown.md": (
        _changed("First the", "Later the", in_path="shown.md"),
        "shown.md is not the document",
    ),
    "shown.md, cut": (_cut("shown.md"), "shown.md is not the document"),
    "a byte of the difference": (
        _changed("+two", "+twp", in_path="changes.diff"),
        "changes.diff is not the file",
    ),
    "the difference, cut": (_cut("changes.diff"), "changes.diff has not the"),
    "a byte of a file": (_changed("First", "Fjrst", in_path=FILE), "files/1 is not the file"),
    "a byte more of a file": (_more(FILE), "files/1 has not the"),
    "many bytes more of a file": (lambda path, body: body + b"xx" if FILE in path else body, "bytes where"),
    "the facts": (_changed('"here"', '"ther"', in_path="shown.json"), "shown.json is not the file"),
    "the question, in its line": (
        _changed("Ship it?", "Shop it?", in_path="/journal"),
        "another question than the journal",
    ),
    "who decides, in its line": (
        _changed(f'"eligible":["{ALICE}"]', f'"eligible":["{BOB}"]', in_path="/journal"),
        "another people than the journal",
    ),
    "the document's digest, in its line": (
        _changed('"shownSha256":"', '"shownSha256":"0', in_path="/journal"),
        "shown.md is not the document",
    ),
    "an earlier line": (_changed('"processId":"', '"processId":"x', in_path="/journal"), "has prefix"),
    "the journal, cut": (_cut("/journal"), "never asks"),
    "more than was asked for": (lambda path, body: body + b"\n" * (5 << 20), "more than"),
}


@pytest.mark.parametrize("what", LIES)
def test_a_server_that_lies_gets_no_signature(place: Elsewhere, what: str) -> None:
    place.man.answers, differs = LIES[what]

    answered = place.answer("approve", status=None)
    shown = place.call("breakpoint", "show", f"{RUN}/{ASKED}", "--server", place.man.url, status=None)

    for done in (answered, shown):
        assert done.returncode in (1, 2, 4)
        assert differs in done.stderr
        assert not done.stdout
    assert "You approve" not in answered.stderr
    assert not _answers_sent(place.man)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"decision":"reject"', '"decision":"approve"'),
        ("not today", "any today"),
        ("deploy", "deplox"),
        ('"breakGlass":false', '"breakGlass":true'),
        ("SIGNATURE-----\\n", "SIGNATURE-----\\nA"),
    ],
)
def test_an_answer_that_is_changed_on_its_way_does_not_count(place: Elsewhere, old: str, new: str) -> None:
    place.man.takes = _changed(old, new, in_path="/answer")

    refused = place.answer("reject", "--comment", "not today", "--json", status=4)

    assert json.loads(refused.stdout)["error"]["code"] in ("refused.signature", "refused.policy")
    assert place.lines("BREAKPOINT_RESPONDED") == []


def test_what_is_signed_for_a_run_that_was_made_up_counts_for_no_other(place: Elsewhere) -> None:
    # Nothing after the question's line proves it, and the policy is no part of what is shown.
    def lie(path: str, body: bytes) -> bytes:
        if "/journal" not in path:
            return body
        before, question, line = body.partition(b'"type":"BREAKPOINT_REQUESTED"')
        return before + question + line.replace(b'"policySha256":"', b'"policySha256":"0', 1)

    place.man.answers = lie

    refused = place.answer("approve", "--json", status=4)

    assert json.loads(refused.stdout)["error"]["code"] == "refused.signature"
    assert _answers_sent(place.man)
    assert place.lines("BREAKPOINT_RESPONDED") == []


def _answers_sent(man: MiddleMan) -> list[str]:
    return [path for path in man.asked if path.startswith("POST") and "/answer" in path]
