"""``retention``: which ended runs the rules of the settings would let go. Nothing is removed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from babysitter.cli.plain import plain
from babysitter.cli.render import table
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, runs_dir_option, show, workspace

if TYPE_CHECKING:
    from babysitter.service.hosting.retention import RetentionPlan

_NO_RULE = (
    "No rule of retention is set, so no run is ever due. Write one in [[retention.rules]] of "
    "babysitter.toml: see docs/reference/retention.md."
)


@click.group(cls=Verbs, epilog="Example: babysitter retention plan")
def retention() -> None:
    """Say which ended runs are due to be removed, and which are held."""


@retention.command("plan", epilog="Example: babysitter retention plan --json")
@json_option
@runs_dir_option
def plan(*, as_json: bool, runs_dir: str | None) -> None:
    """List the runs that are due, by which rule and since when, and those that are held. Removes nothing.

    Leaves with 0 whether or not any run is due.
    """
    from babysitter.service.hosting.retention import retention_plan  # noqa: PLC0415 (only here)

    found = retention_plan(workspace(runs_dir))
    show(found, as_json=as_json, text=lambda: "\n".join(_lines(found)))


def _lines(found: "RetentionPlan") -> Iterator[str]:
    if not found.rules:
        yield _NO_RULE
    if found.due:
        rows = [
            (
                run.run_id,
                run.process_id,
                run.status,
                run.ended_at[:19],
                run.rule,
                run.due_since[:19],
                "?" if run.bytes is None else str(run.bytes),
            )
            for run in found.due
        ]
        yield table(rows, ("DUE", "PROCESS", "STATUS", "ENDED", "RULE", "SINCE", "BYTES"))
    if found.rules:
        yield f"{_runs(found.due_total)} due, {found.bytes} bytes. Nothing was removed."
    if found.held:
        held = [(run.run_id, run.process_id, run.status, run.hold, run.by, run.reason) for run in found.held]
        yield table(held, ("HELD", "PROCESS", "STATUS", "HOLD", "BY", "REASON"))
    for hold in found.holds:
        if hold.missing:
            yield f"Hold {hold.id} names what is no run here: {plain(', '.join(hold.missing))}."
    yield from _stays(found)
    if found.next_due_at is not None:
        yield f"The next is due at {found.next_due_at[:19]}Z, by rule {found.next_due_rule}."


def _stays(found: "RetentionPlan") -> Iterator[str]:
    """Say why the others stay."""
    told = (
        (found.later, "not yet due"),
        (found.kept, "among the newest that their rule keeps"),
        (found.family, "a parent or child run has not ended"),
        (found.unended, "it has not ended"),
        (found.unruled if found.rules else 0, "ended, and no rule is for them"),
        (found.unreadable, "not readable: see babysitter journal verify --all"),
    )
    for count, why in told:
        if count:
            yield f"{_runs(count)} not due: {why}."


def _runs(count: int) -> str:
    return "1 run is" if count == 1 else f"{count} runs are"
