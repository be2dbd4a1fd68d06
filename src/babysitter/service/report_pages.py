"""A report as one page: HTML that needs nothing else and runs nothing, or Markdown."""

import html
import re
from collections.abc import Sequence

from babysitter.service.report_blocks import Block

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --loud: #b00020; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { margin-top: 2.5rem; border-bottom: 2px solid var(--line); }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
.long { overflow-wrap: anywhere; }
th { font-weight: 600; } td:first-child { min-width: 7rem; }
pre { border: 1px solid var(--line); padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.loud { border-left: .4rem solid var(--loud); padding: .4rem .75rem; font-weight: 600; }
@media (prefers-color-scheme: dark) { :root { --loud: #ff6b81; } }
@media print { body { max-width: none; margin: 0; font-size: 11px; } h2 { break-after: avoid; }
  tr, pre { break-inside: avoid; } }
"""
_WORD_CHARS_MAX = 28
_CSP = "default-src 'none'; style-src 'unsafe-inline'"
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of text: a page shows them as what they are."""
_MARKED = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def as_html(title: str, blocks: Sequence[Block]) -> str:
    """Return the report as an HTML page. Every word of it is text: no script, no link, nothing loaded."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">\n'
        f"<title>{_escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def as_markdown(blocks: Sequence[Block]) -> str:
    """Return the report as Markdown. What a run says can't become markup of it."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _html(block: Block) -> str:
    match block.kind:
        case "heading":
            return f"<h{block.level}>{_escaped(block.words)}</h{block.level}>"
        case "sentence":
            return f"<p>{_escaped(block.words)}</p>"
        case "loud":
            return f'<p class="loud">{_escaped(block.words)}</p>'
        case "text":
            return f"<pre>{_escaped(block.words)}</pre>"
        case "table":
            head = "".join(f"<th>{_escaped(each)}</th>" for each in block.heads)
            rows = ["".join(_cell(each) for each in row) for row in block.rows]
            shown = f"<thead><tr>{head}</tr></thead>" if any(block.heads) else ""
            return f"<table>{shown}<tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def _cell(words: str) -> str:
    # A digest may break anywhere, so that it leaves room for the words beside it.
    is_long = any(len(word) > _WORD_CHARS_MAX for word in words.split())
    return f'<td class="long">{_escaped(words)}</td>' if is_long else f"<td>{_escaped(words)}</td>"


def _escaped(words: str) -> str:
    return html.escape(_visible(words), quote=True)


def _markdown(block: Block) -> str:
    match block.kind:
        case "heading":
            return f"{'#' * block.level} {_plain(block.words)}"
        case "sentence":
            return _plain(block.words)
        case "loud":
            return f"**{_plain(block.words)}**"
        case "text":
            longest = max((len(run) for run in re.findall(r"`+", block.words)), default=0)
            fence = "`" * max(3, longest + 1)
            return f"{fence}\n{_visible(block.words).rstrip()}\n{fence}"
        case "table":
            heads = block.heads if any(block.heads) else tuple(" " for _ in block.heads)
            lines = [heads, tuple("---" for _ in heads), *block.rows]
            return "\n".join(
                "| " + " | ".join(each if number == 1 else _plain(each) for each in row) + " |"
                for number, row in enumerate(lines)
            )


def _plain(words: str) -> str:
    return _MARKED.sub(r"\\\1", " ".join(_visible(words).split()))


def _visible(words: str) -> str:
    return _NOT_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", words)
