"""Show figures: lines for people, one object for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.figures import Figure
from benchmarks.machine import Machine


def heading(machine: Machine, *, is_quick: bool) -> str:
    """Return what stands above the figures."""
    lines = [
        f"{machine.system}, {machine.processors} × {machine.processor}, {machine.python}",
        f"file system {machine.file_system} on {machine.device} ({machine.mount_options})",
    ]
    if is_quick:
        lines.append("quick: small sizes; the goals are for `make bench`, figures are provisional")
    if machine.is_busy:
        lines.append(
            f"load average {machine.load_1m:.1f}: other work disturbs the figures, they are provisional"
        )
    return "\n".join(lines)


def line_of(figure: Figure) -> str:
    """Return one figure as one line, and below it what it was made from."""
    goal = f"{figure.goal.relation} {figure.goal.bound:g}{figure.goal.unit}"
    value = "-" if figure.value is None else f"{_number(figure.value)}{figure.goal.unit}"
    text = f"{figure.verdict:<8} {value:>14}  {goal:<20} {figure.goal.says}"
    below = [f"{name} {_shown(part)}" for name, part in figure.parts.items()]
    if below:
        text += "\n" + " " * 9 + ", ".join(below)
    if figure.why:
        text += "\n" + "\n".join(f"         {line}" for line in figure.why.splitlines())
    return text


def as_json(machine: Machine, figures: Iterable[Figure], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole report as one JSON object."""
    return {
        "machine": machine.as_json(),
        **context,
        "figures": [figure.as_json() for figure in figures],
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _shown(part: object) -> str:
    if isinstance(part, float):
        return _number(part)
    if isinstance(part, dict):
        return " ".join(f"{name} {_shown(inner)}" for name, inner in part.items())
    return str(part)
