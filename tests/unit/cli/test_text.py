"""Text on its way to a terminal: harmless, cut to its width, put together from chunks."""

from hypothesis import given
from hypothesis import strategies as st

from babysitter.cli.following import Following
from babysitter.cli.plain import plain, plain_lines
from babysitter.cli.screen import Screen, cut


class Page(Screen):
    """A screen that keeps its lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def line(self, text: str, **how: object) -> None:
        self.lines.append(text)


@given(st.text())
def test_what_is_shown_moves_no_cursor_and_turns_nothing_around(text: str) -> None:
    shown = plain_lines(text)

    assert not set(shown) & {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160))}
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")
    assert "\n" not in plain(text)


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S"))))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_emoji_of_several_parts_stay_whole() -> None:
    assert (
        plain("\U0001f469\u200d\U0001f680 caf\u00e9\u00a0!") == "\U0001f469\u200d\U0001f680 caf\u00e9\u00a0!"
    )


def test_tabs_and_windows_line_ends_are_kept_as_layout() -> None:
    assert plain_lines("a\tb\r\nc\rd") == "a    b\nc\N{REPLACEMENT CHARACTER}d"


def test_a_status_is_cut_to_the_cells_it_takes() -> None:
    assert cut("short", 10) == "short"
    assert cut("a long status line", 7) == "a long…"
    assert cut("日本語です", 5) == "日…"


@given(st.text(alphabet="ab\n\u00e9\u65e5", max_size=60), st.lists(st.integers(1, 7), max_size=30))
def test_lines_are_the_same_however_the_output_was_chunked(text: str, sizes: list[int]) -> None:
    page, data = Page(), text.encode()
    following = Following(page, lambda effect_id: effect_id)

    for size in [*sizes, len(data)]:
        following.show("e", "stdout", data[:size])
        data = data[size:]
    following.end("e")

    whole = text.split("\n") if not text.endswith("\n") else text.split("\n")[:-1]
    assert page.lines == [f"    e │ {line}" for line in (whole if text else [])]


def test_outputs_of_two_tasks_do_not_mix() -> None:
    page = Page()
    following = Following(page, str.upper)

    following.show("one", "stdout", b"a")
    following.show("two", "stdout", b"b\n")
    following.show("one", "stderr", b"c\n")
    following.end("one")

    assert page.lines == ["    TWO │ b", "    ONE │ c", "    ONE │ a"]


def test_a_line_without_end_is_shown_in_pieces() -> None:
    page = Page()

    Following(page, str).show("e", "stdout", b"x" * 10_000)

    assert [len(line) for line in page.lines] == [4096 + len("    e │ ")] * 2
