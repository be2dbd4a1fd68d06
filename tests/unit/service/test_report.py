"""Reports: whatever stands in a run is text in them, and what people must not overlook stands out."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.service.report_blocks import heading, loud, sentence, table, text
from babysitter.service.report_pages import as_html, as_markdown
from babysitter.service.reporting import report_on
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import resume, start, workspace
from tests.unit.service.signing import BOB, rule, sign, trusting

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> & \"quoted\" 'single' ]]> ``` | \x1b[31m \u202egpj"
)


def blocks(words: str) -> list[object]:
    return [
        heading(2, words),
        sentence(words),
        loud(words),
        text(words),
        table((words, ""), [(words, words)]),
    ]


@pytest.mark.parametrize("words", [HOSTILE, "a\x00b", "-->"])
def test_no_text_of_a_run_becomes_markup_of_the_page(words: str) -> None:
    page = as_html(words, blocks(words))  # type: ignore[arg-type]

    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z0-9!]+)", page))
    assert tags <= set("!doctype html head meta title style body h2 p pre table thead tbody tr th td".split())
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert "\x1b" not in page
    assert "\u202e" not in page


@given(st.text(max_size=60))
def test_every_text_is_read_back_from_the_page_as_it_was_or_visibly_otherwise(words: str) -> None:
    page = as_html("t", [sentence(words)])

    inside = page.split("<body>\n<p>", 1)[1].rsplit("</p>", 1)[0]
    assert "<" not in inside
    if words.isprintable() and not set(words) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"):
        assert html.unescape(inside) == words


def test_a_fence_in_what_was_shown_does_not_end_the_fence_of_the_page() -> None:
    page = as_markdown([text("```\n# not a heading\n```")])

    assert page.startswith("````\n")
    assert page.endswith("\n````\n")


def approved() -> FakeWorkspace:
    place = trusting(workspace(), rule())
    start(place, "deploying", ["here"])
    sign(place, BOB, "1-gate-deploy", comment="fine")
    resume(place)
    return place


def test_a_report_says_who_approved_what_under_which_rule_and_what_is_not_proven() -> None:
    place = approved()

    page = as_markdown(report_on(place, ["r"], title="Report"))
    plain = page.replace("\\", "")

    assert "Rule production: 1 of alice@example.com, bob@example.com." in plain
    assert "| bob@example.com | approve |" in plain
    assert "Let deploy start with exactly these arguments?" in page
    assert "What this does not prove" in page
    assert "there is no log, or nothing in it, and there was one" in page


def test_a_report_says_loudly_what_verification_found() -> None:
    place = approved()
    files = place.store._run("r").files  # type: ignore[attr-defined]
    files["breakpoints/1-gate-deploy/approval-1.json"] += b" "

    page = as_markdown(report_on(place, ["r"], title="Report"))

    assert "**error: r:" in page.replace("\\", "")
