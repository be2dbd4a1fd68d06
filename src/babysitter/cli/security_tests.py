"""``security tests``: which security tests there are, whether they pass, and which changes they execute."""

from pathlib import Path
from typing import get_args

import click

from babysitter.cli.plain import plain
from babysitter.cli.render import table
from babysitter.cli.terminal import json_option, leave, show, workspace
from babysitter.model.rules import SecurityTest
from babysitter.model.security_tests import CATEGORIES, SecurityReport
from babysitter.service.security_testing import SINCE, gate, run_security_tests
from babysitter.service.views import View


class SecurityView(View, frozen=True, kw_only=True):
    """What ``--json`` prints. ``findings``: what a question may pass on."""

    holds: bool
    findings: dict[str, object]
    report: SecurityReport


@click.command("tests", epilog='Example: babysitter security tests --since "main.." --require authorization')
@click.option("--since", default=SINCE, show_default=True, help="The commit that changes are counted from.")
@click.option(
    "--require",
    multiple=True,
    type=click.Choice(get_args(SecurityTest)),
    help="A category that must count; repeat it. Default: all four.",
)
@click.option(
    "--python",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The interpreter with the tests' pytest and coverage. Default: .venv/bin/python, else ours.",
)
@click.option("--pytest-arg", "arguments", multiple=True, help="One more argument for pytest; repeat it.")
@json_option
def tests(
    *,
    since: str,
    require: tuple[SecurityTest, ...],
    python: Path | None,
    arguments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find the tests of authentication, authorization, input validation and error handling, and run them.

    They run in the sandbox. A category counts when each of its tests that ran passed, at least one did, and
    each changed function was executed by one of them. Leaves with 1 when one that is required does not count.
    """
    report = run_security_tests(workspace(), since=since, python=python, arguments=arguments)
    holds = gate(report, require or CATEGORIES)
    view = SecurityView(holds=holds, findings=dict(report.findings()), report=report)
    show(view, as_json=as_json, text=lambda: text_of(report))
    if any(run.state == "missing" for run in report.tools):
        leave(4)
    if not holds:
        leave(1)


def text_of(report: SecurityReport) -> str:
    """Return the report for a person."""
    rows = []
    for name in CATEGORIES:
        found = [test for test in report.tests if name in test.categories]
        passed = sum(test.outcome == "passed" for test in found)
        covered = sum(bool(function.executed_by.get(name)) for function in report.functions)
        rows.append(
            (
                name,
                str(len(found)),
                str(passed),
                f"{covered} of {len(report.functions)}",
                "yes" if name in report.held else "no",
            )
        )
    head = ("CATEGORY", "TESTS", "PASSED", "CHANGED FUNCTIONS", "COUNTS")
    return "\n".join((table(rows, head), "", *(plain(line) for line in report.lines())))
