"""How a question is laid out: margins, colours, no line beyond the screen, long files cut."""

from babysitter.cli.question import LINES_MAX, draw_answers, draw_question
from babysitter.model.events import BreakpointRequested
from tests.unit.cli.test_text import Page

SHOWN = """\
# Production Deployment

Deploy it?

Run: r

## Context

```json
{
  "critical": true
}
```

## Findings on changed lines

NOT SCANNED by bandit: it is not installed.

- HIGH xss a.js:3 [eslint no-inner] Text becomes markup.
- LOW other a.js:9 [eslint x] Style.

## File plan.md

```
- a list, and no line that was removed
```

## File a.diff

````diff
+new
+is⟨U+200B ZERO WIDTH SPACE⟩Admin
-old
```
# not a heading
````

## Who decides

Rule x: 1 of anybody.
"""


class NarrowPage(Page):
    """Forty cells, with styles kept."""

    def __init__(self) -> None:
        super().__init__()
        self.styles: dict[str, dict[str, object]] = {}

    @property
    def columns(self) -> int:
        return 40

    def line(self, text: str, **how: object) -> None:
        super().line(text)
        self.styles[text] = how


class WidePage(NarrowPage):
    """A hundred cells, with styles kept."""

    @property
    def columns(self) -> int:
        return 100


def asked(**more: object) -> BreakpointRequested:
    facts: dict[str, object] = {
        "breakpoint_id": "1-x",
        "call_id": "1",
        "question": "Deploy it?",
        "rule": "x",
        "policy_sha256": "",
        "shown_sha256": "",
    }
    return BreakpointRequested(**{**facts, **more})  # type: ignore[arg-type]


def test_fences_become_a_bar_and_what_is_inside_is_left_alone() -> None:
    page = NarrowPage()

    draw_question(page, SHOWN, "r/1-x")

    assert '  │   "critical": true' in page.lines
    assert "  │ ```" in page.lines
    assert "  │ # not a heading" in page.lines
    assert not any("````" in line for line in page.lines)


def test_titles_questions_and_diffs_have_their_colours() -> None:
    page = NarrowPage()

    draw_question(page, SHOWN, "r/1-x")

    assert page.styles["  Deploy it?"] == {"bold": True}
    assert page.styles["  Run: r"] == {}
    assert page.styles["  Context"] == {"fg": "cyan", "bold": True}
    assert page.styles["  │ +new"] == {"fg": "green"}
    assert page.styles["  │ -old"] == {"fg": "red"}
    assert page.styles["  │ +is⟨U+200B ZERO WIDTH SPACE⟩Admin"] == {"fg": "magenta"}
    assert page.styles["  │ - a list, and no line that was remov"] == {}


def test_what_must_not_be_overlooked_is_loud() -> None:
    wide = WidePage()

    draw_question(wide, SHOWN, "r/1-x")

    assert wide.styles["  NOT SCANNED by bandit: it is not installed."] == {"fg": "red", "bold": True}
    assert wide.styles["  - HIGH xss a.js:3 [eslint no-inner] Text becomes markup."] == {"fg": "red"}
    assert wide.styles["  - LOW other a.js:9 [eslint x] Style."] == {"fg": "yellow"}


def test_no_line_is_wider_than_the_screen() -> None:
    page = NarrowPage()

    draw_question(page, "# T\n\n" + "word " * 40 + "\n\n```\n" + "x" * 500 + "\n```\n", "r/1-x")

    assert max(map(len, page.lines)) <= 40


def test_a_long_document_is_cut_and_says_where_all_of_it_is() -> None:
    page = NarrowPage()

    draw_question(page, "# T\n\n" + "line\n" * 1000, "r/1-x")

    assert len(page.lines) < LINES_MAX + 5
    assert page.lines[-1] == f"  … {1002 - LINES_MAX} more lines: babysitter breakpoint show r/1-x"


def test_what_comes_next_depends_on_what_is_asked() -> None:
    gate, quorum = NarrowPage(), NarrowPage()

    draw_answers(gate, asked(call_id="1!gate"), "r/1-x")
    draw_answers(quorum, asked(quorum=2), "r/1-x")

    assert "  approve  lets the task start, with exactly these arguments" in gate.lines
    assert "  approve  lets the process go on, once 2 people say so" in quorum.lines
