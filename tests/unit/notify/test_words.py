"""A notice in words: masked, bounded, and without anything that a chat or mail program could act on."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.service.notify.words import LINE_CHARS_MAX, TITLE_CHARS_MAX, Letter, harmless
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.notify.telling import EVERYTHING, Taken, answer, ask, channel, now_ns, outbox, workspace


def told(tmp_path: Path, place: FakeWorkspace | None = None, **inputs: Any) -> Letter:
    """Return what is told of a question."""
    place, taken = place or workspace(), Taken()
    ask(place, **inputs)
    outbox(place, tmp_path, taken).pump(now_ns(place))
    return taken.letters[-1][1]


def data(letter: Letter) -> Any:
    return orjson.loads(letter.body)["data"]


def test_it_says_what_is_asked_by_which_rule_of_whom_until_when_and_where_to_answer(tmp_path: Path) -> None:
    place = workspace(link="https://babysitter.example.com/")

    letter = told(tmp_path, place, questions=["Deploy 1.2 to production?\nMore."], expires_in=7200)

    assert letter.title == "Waits for an answer: Production Deployment"
    assert letter.text.splitlines() == [
        "Deploy 1.2 to production?",
        "Rule default-asked: 1 of anybody",
        "Asked 2026-01-31 10:15 UTC",
        "Expires 2026-01-31 12:15 UTC, which then means no",
        "Process asking",
        "Answer it: https://babysitter.example.com/inbox/r/1-production-deployment",
    ]


def test_without_a_page_it_names_the_command(tmp_path: Path) -> None:
    letter = told(tmp_path)

    assert letter.text.endswith("Answer it: babysitter breakpoint show r/1-production-deployment")
    assert data(letter)["url"] is None


def test_programs_get_the_same_as_json(tmp_path: Path) -> None:
    letter = told(tmp_path, workspace(link="https://b.example.com"))

    whole = orjson.loads(letter.body)
    assert whole["type"] == "breakpoint.requested"
    assert whole["timestamp"] == whole["data"]["breakpoint"]["askedAt"]
    assert whole["data"] == {
        "id": letter.id,
        "workspace": "shop",
        "runId": "r",
        "processId": "asking",
        "seq": 2,
        "to": ["*"],
        "title": letter.title,
        "text": letter.text,
        "url": "https://b.example.com/inbox/r/1-production-deployment",
        "command": "babysitter breakpoint show r/1-production-deployment",
        "breakpoint": {
            "id": "1-production-deployment",
            "title": "Production Deployment",
            "question": "Deploy?",
            "rule": "default-asked",
            "quorum": 1,
            "eligible": ["*"],
            "askedAt": whole["timestamp"],
            "expiresAt": None,
        },
    }


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("@everyone look", "\uff20everyone look"),
        ("ask <@U024BE7LH> or <!channel>", "ask \u2039\uff20U024BE7LH\u203a or \u2039!channel\u203a"),
        ("mail alice@example.com", "mail alice@example.com"),
        ("[Approve](https://evil.example/yes)", "(Approve)(https: //evil.example/yes)"),
        ("<https://evil.example|Approve>", "\u2039https: //evil.example\u2223Approve\u203a"),
        ("<script>alert(1)</script>", "\u2039script\u203aalert(1)\u2039/script\u203a"),
        ("see www.evil.example", "see www .evil.example"),
        (
            "**bold** _it_ `code` ~~no~~ deploy_to_prod",
            "\u2217\u2217bold\u2217\u2217 \u02cdit\u02cd 'code' \u223c\u223cno\u223c\u223c deploy_to_prod",
        ),
        ("yes\u202egnihton\u202c", "yes⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩gnihton"),
        ("bell\x07 and \x1b(0", "bell⟨U+0007⟩ and ⟨U+001B⟩(0"),
        (
            "\n  \n second line is the first that says something",
            "second line is the first that says something",
        ),
    ],
)
def test_nothing_of_a_question_acts_in_a_chat_or_mail(tmp_path: Path, question: str, shown: str) -> None:
    letter = told(tmp_path, questions=[question], title=question)

    assert letter.text.startswith(shown)
    assert shown[:60] in letter.title
    assert data(letter)["breakpoint"]["question"].startswith(shown)


@given(st.text(max_size=400))
def test_what_is_harmless_holds_no_markup_and_is_not_changed_again(text: str) -> None:
    shown = harmless(text)

    assert not set(shown) & set("<>[]`*~|\\")
    assert "://" not in shown
    assert harmless(shown) == shown


def test_long_texts_are_cut(tmp_path: Path) -> None:
    letter = told(tmp_path, questions=["why " * 1000], title="what " * 1000)

    assert len(letter.title) <= TITLE_CHARS_MAX
    assert max(len(line) for line in letter.text.splitlines()) <= LINE_CHARS_MAX
    assert len(letter.body) < 4096


def test_why_a_run_failed_is_told_in_one_line(tmp_path: Path) -> None:
    place, taken = workspace(channel(events=("run.failed",))), Taken()
    ask(place, fail="no room\nat all")
    answer(place)

    outbox(place, tmp_path, taken).pump(now_ns(place))

    letter = taken.letters[0][1]
    assert letter.title == "Failed: asking"
    assert letter.text.splitlines()[0] == "ValueError: no room"
    assert data(letter)["error"] == "ValueError: no room"
    assert "See it: babysitter run show r" not in letter.text
    assert letter.text.endswith("See it: babysitter run status r")


def test_there_are_words_for_every_kind(tmp_path: Path) -> None:
    place, taken = workspace(channel(events=EVERYTHING)), Taken()
    ask(place, questions=["One?", "Two?"])
    box = outbox(place, tmp_path, taken)
    answer(place)
    answer(place, "reject", "2-production-deployment")

    box.pump(now_ns(place))

    titles = [letter.title for _, letter in taken.letters]
    assert titles == [
        "Approved: Production Deployment",
        "Rejected: Production Deployment",
        "Completed: asking",
    ]
