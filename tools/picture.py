"""Draws a run as an SVG timeline, from its journal alone: a row for each effect, question, timer and child.

    python tools/picture.py .a5c/runs/RUN > docs/images/run.svg

Invariants:
    - the same journal gives the same bytes;
    - everything drawn stands in the journal; text is escaped, so a journal can't put markup into the picture;
    - stretches in which nothing worked (a person was asked, a timer slept) are folded, with their length.

Standard library only. How the lines are read: tools/timeline.py.
"""

import argparse
import hashlib
import sys
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

from timeline import Row, Run, duration, read_run

WIDTH, LEFT, RIGHT, TOP, ROW, FOOT = 960, 276, 140, 112, 32, 64
ROWS_MAX = 48
LEGEND = (("ok", "done"), ("again", "tried again"), ("bad", "failed"), ("ask", "asked a person"))
FOLDED_SHARE = 0.10
"""A folded stretch gets at most this share of the width that working time has."""

# Colours stand twice, not as custom properties, which viewers other than browsers do not know.
STYLE = """
text{font:13px ui-sans-serif,-apple-system,"Segoe UI","Noto Sans","DejaVu Sans",Arial,sans-serif;fill:#1f2328}
.head{font-size:20px;font-weight:600}.soft{fill:#59636e}.small{font-size:11.5px}.mono{font-family:ui-monospace,
"DejaVu Sans Mono",Menlo,Consolas,monospace}.end{text-anchor:end}.mid{text-anchor:middle}
.paper{fill:#fff}.card{fill:#f6f8fa}.grid{stroke:#d1d9e0}.mark{stroke:#59636e;stroke-dasharray:3 3}
.ok{fill:#1a7f37}.bad{fill:#cf222e}.again{fill:#bf8700}.ask{fill:#8250df}.wait{fill:#0969da}.faint{opacity:.28}
.fold{fill:#818b98;opacity:.12}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}.soft{fill:#9198a1}.paper{fill:#0d1117}.card{fill:#151b23}
.grid{stroke:#3d444d}.mark{stroke:#9198a1}.ok{fill:#3fb950}.bad{fill:#f85149}.again{fill:#d29922}
.ask{fill:#ab7df8}.wait{fill:#4493f8}}
"""


@dataclass
class Axis:
    """Maps time to pixels; ``folds`` are the shortened stretches without work: (from, to) seconds."""

    knots: list[tuple[float, float]]
    folds: list[tuple[float, float]]

    def x(self, at: float) -> float:
        """Return the horizontal place of a moment."""
        (before, left), *rest = self.knots
        for after, right in rest:
            if at <= after:
                return left + (right - left) * (at - before) / (after - before) if after > before else left
            before, left = after, right
        return left


def make_axis(run: Run) -> Axis:
    """Return an axis that gives working time its true proportions and folds long waits."""
    bars = [bar for row in run.rows.values() for bar in row.bars]
    moments = sorted({run.begin, run.end, *(bar.begin for bar in bars), *(bar.end for bar in bars)})
    work = [(bar.begin, bar.end) for bar in bars if bar.works]
    pieces = [(a, b, any(begin < b and end > a for begin, end in work)) for a, b in pairwise(moments)]
    busy = sum(b - a for a, b, works in pieces if works)
    limit = max(busy * FOLDED_SHARE, 1e-3) if busy else float("inf")
    sized: list[tuple[float, float]] = []
    folds: list[tuple[float, float]] = []
    for works, stretch in groupby(pieces, key=itemgetter(2)):
        inside = [(a, b) for a, b, _ in stretch]
        length = inside[-1][1] - inside[0][0]
        folded = not works and length > limit
        sized += [(b, (b - a) * (limit / length if folded else 1)) for a, b in inside]
        folds += [(inside[0][0], inside[-1][1])] if folded else []
    scale = (WIDTH - LEFT - RIGHT) / (sum(size for _, size in sized) or 1.0)
    knots, x = [(moments[0], float(LEFT))], float(LEFT)
    for at, size in sized:
        x += size * scale
        knots.append((at, x))
    return Axis(knots, folds)


def _text(x: float, y: float, text: str, look: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{look}">{escape(text)}</text>'


def _short(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _box(look: str, x: float, y: float, width: float, height: float, *, radius: int = 2) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{look}" {place} rx="{radius}"/>'


def _diamond(x: float, y: float, look: str) -> str:
    return f'<path class="{look}" d="M{x:.1f} {y - 8:.1f}l8 8-8 8-8-8z"/>'


def _draw_row(row: Row, index: int, axis: Axis) -> list[str]:
    y = TOP + index * ROW + ROW / 2
    out = [f"<g><title>{escape(f'{row.name} ({row.kind}): {row.outcome}')}</title>"]
    indent = 28 + 14 * min(row.depth, 4)
    out.append(_text(indent, y + 4.5, _short(row.name, 25 - 2 * min(row.depth, 4))))
    out.append(_text(LEFT - 16, y + 4, row.kind, "soft small end"))
    for bar in row.bars:
        x, width = axis.x(bar.begin), max(axis.x(bar.end) - axis.x(bar.begin), 3.0)
        x, height = min(x, WIDTH - RIGHT - 3.0), 12 if bar.works else 4
        out.append(_box(bar.look, x, y - height / 2, width, height))
    out += [_diamond(axis.x(at), y, look) for at, look in row.diamonds]
    out.append(f'<circle class="{row.look}" cx="{WIDTH - RIGHT + 24}" cy="{y:.1f}" r="4"/>')
    out.append(_text(WIDTH - RIGHT + 34, y + 4, _short(row.outcome, 15), "small"))
    return [*out, "</g>"]


def _draw_time(run: Run, axis: Axis, bottom: float) -> list[str]:
    out = [
        f'<line class="grid" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom:.1f}"/>'
        for x in (LEFT, WIDTH - RIGHT)
    ]
    taken = -1.0
    for begin, end in axis.folds:
        x, width = axis.x(begin), axis.x(end) - axis.x(begin)
        out.append(_box("fold", x, TOP - 6, width, bottom - TOP + 6))
        if x > taken:
            out.append(_text(x + width / 2, TOP - 14, duration(end - begin), "soft small mid"))
            taken = x + 70
    for at, text in run.marks:
        x = axis.x(at)
        out.append(f'<line class="mark" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom:.1f}"/>')
        out.append(_text(x, bottom + 14, text, "soft small mid"))
    return out


def _draw_legend(y: float) -> list[str]:
    out, x = [], 28.0
    for look, text in LEGEND:
        shape = _diamond(x + 7, y - 4, look) if look == "ask" else _box(look, x, y - 9, 14, 10)
        out += [shape, _text(x + 22, y, text, "soft small")]
        x += 40 + 6.6 * len(text)
    out.append(_text(x, y, "long waits are folded; above them stands how long they were", "soft small"))
    return out


def draw(run: Run, head: str) -> str:
    """Return the picture. ``head``: the SHA-256 of the whole journal, which a reader may compare."""
    axis, rows = make_axis(run), list(run.rows.values())
    hidden = max(len(rows) - ROWS_MAX, 0)
    shown = rows[:ROWS_MAX]
    bottom = TOP + ROW * len(shown)
    height = bottom + FOOT + (18 if hidden else 0)
    facts = f"{run.lines} journal lines · {duration(run.end - run.begin)} · sha256 {head[:16]}…"
    label = escape(f"Timeline of run {run.run_id}: {run.status}", quote=True)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">',
        f"<style>{STYLE}</style>",
        _box("paper", 0, 0, WIDTH, height, radius=10),
        _text(28, 40, _short(run.process, 60), "head"),
        f'<circle class="{run.look}" cx="{WIDTH - RIGHT + 24}" cy="34" r="5"/>',
        _text(WIDTH - RIGHT + 36, 39, run.status),
        _text(28, 64, f"run {run.run_id}", "soft small mono"),
        _text(WIDTH - 28, 64, facts, "soft small end"),
    ]
    out += [
        _box("card", 16, TOP + index * ROW, WIDTH - 32, ROW, radius=6) for index in range(0, len(shown), 2)
    ]
    out += _draw_time(run, axis, bottom)
    out += [piece for index, row in enumerate(shown) for piece in _draw_row(row, index, axis)]
    if hidden:
        out.append(_text(28, bottom + 18, f"… and {hidden} more", "soft small"))
    return "\n".join([*out, *_draw_legend(height - 20), "</svg>"]) + "\n"


def main() -> int:
    """Draw the run of the given folder to standard output."""
    parser = argparse.ArgumentParser(description="Draw a run as an SVG timeline.")
    parser.add_argument("run", type=Path, help="a run's folder, for example .a5c/runs/RUN")
    data = (parser.parse_args().run / "journal" / "journal.jsonl").read_bytes()
    run = read_run(data.decode().splitlines())
    sys.stdout.write(draw(run, hashlib.sha256(data).hexdigest()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
