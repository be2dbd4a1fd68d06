"""Nothing hides in text that was made visible, and nothing else of it changes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.changes.visible import decoded, visible

pytestmark = pytest.mark.promise("G01")

TRICKS = {
    "reordered": "/*\u202e } \u2066if (isAdmin)\u2069 \u2066 begin admins only */",
    "an isolate that is never closed": "access = 'user\u2067'",
    "zero width": "is\u200bAdmin",
    "a joiner within a word": "pass\u200dword",
    "a soft hyphen": "pass\u00adword",
    "a word of look-alikes": "\u0441\u043e\u0440y".replace("y", ""),
    "a look-alike within a word": "p\u0430ypal",
    "a Greek letter within a word": "\u03bfs.system",
    "fullwidth": "if x \uff1d\uff1d 1",
    "the Greek question mark": "a\u037e b",
    "a click for an exclamation mark": "if (env\u01c3='prod')",
    "bytes in variation selectors": "a\ufe01\U000e0100",
    "tags": "a\U000e0041",
    "a letter that shows nothing": "const { timeout,\u3164} = x",
    "a blank of Braille": "a\u2800b",
    "an escape": "\x1b[8mhidden\x1b[0m",
    "a return in the middle": "evil()\rgood()  ",
    "a line separator": "# comment\u2028evil()",
    "a blank that does not break": "a\u00a0= 1",
    "no UTF-8": "caf\udce9",
}


@pytest.mark.parametrize("text", TRICKS.values(), ids=TRICKS)
def test_a_trick_is_written_out(text: str) -> None:
    shown = visible(text)

    assert "⟨" in shown
    hidden = {char for char in text if unicodedata.category(char) in ("Cf", "Cc", "Cs", "Zl", "Zp")}
    assert not hidden & set(shown)


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n\treturn x\n",
        "Größe, naïve, Łódź, smørrebrød",
        "# привет, мир",
        "# Ελληνικά κείμενα",
        "GitHubの設定を日本語で",
        "“quotes”, dashes — … → ≤ ×",
        "👍",
    ],
)
def test_ordinary_text_of_the_world_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_mark_says_which_character_it_is() -> None:
    assert visible("a\u202eb") == "a⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩b"
    assert visible(decoded(b"\xe9")) == "⟨byte E9⟩"


@given(st.text())
def test_what_was_made_visible_holds_nothing_that_hides_and_its_lines_stay_lines(text: str) -> None:
    shown = visible(text)

    assert not {unicodedata.category(char) for char in shown.replace("\n", "").replace("\t", "")} & {
        "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp",
    }  # fmt: skip
    assert shown.count("\n") == text.count("\n")
    shown.encode()


@given(st.text(), st.text())
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    if one != other:
        assert visible(one) != visible(other)


@given(st.text(alphabet="⟨⟩U+202E \u202eRIGHT-TO-LEFT OVERRIDE"))
def test_no_text_passes_for_a_mark(text: str) -> None:
    assert visible(text).count("⟨") == sum(char in "⟨⟩\u202e" for char in text)
