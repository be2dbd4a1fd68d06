"""``policy``: show the rules, say why, hold them against cases, review an emergency."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from babysitter.cli.arguments import breakpoint_argument, offer_breakpoints
from babysitter.cli.plain import plain
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, style, workspace
from babysitter.config import signing_key
from babysitter.service.reading import find_breakpoint

if TYPE_CHECKING:
    from babysitter.service.policing import ExplanationView, PolicyView


@click.group(cls=Verbs, epilog="Example: babysitter policy explain 01J9/4-go")
def policy() -> None:
    """Show who may approve what, and say why."""


@policy.command("show", epilog="Example: babysitter policy show --json | jq .rules")
@json_option
@runs_dir_option
def show_(*, as_json: bool, runs_dir: str | None) -> None:
    """Print the rules in force, and the emergencies that wait for a review."""
    from babysitter.service.policing import Policing  # noqa: PLC0415 (imports cryptography)

    found = Policing(workspace(runs_dir)).show()
    show(found, as_json=as_json, text=lambda: _policy_text(found))


def _policy_text(found: "PolicyView") -> str:
    lines = []
    for rule in found.conditions:
        lines.append(style(rule.id, bold=True))
        lines += [f"  {plain(text)}" for text in rule.conditions]
    lines += [
        f"auto {rule['id']}: {plain(rule.get('breakpoint', '*'))}{' never' if rule.get('never') else ''}"
        for rule in found.document["auto_approve"]
    ]
    lines += [style(f"waits for a review: {plain(name)}", fg="red") for name in found.unreviewed]
    lines.append(style(f"SHA-256 {found.sha256}", dim=True))
    return "\n".join(lines)


@policy.command("explain", epilog="Example: babysitter policy explain --task deploy --environment production")
@click.argument("breakpoint_id", metavar="BP", required=False, shell_complete=offer_breakpoints)
@click.option("--task", help="What if this task were asked for?")
@click.option("--process", default="", help="In a run of this process.")
@click.option("--environment", help="Touching this environment.")
@click.option("--critical", is_flag=True, help="Critical.")
@click.option("--tag", "tags", multiple=True, help="With this label.")
@json_option
@runs_dir_option
def explain(  # noqa: PLR0913 (one parameter an option)
    *,
    breakpoint_id: str | None,
    task: str | None,
    process: str,
    environment: str | None,
    critical: bool,
    tags: tuple[str, ...],
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Say which rule decides about a question, or about a task that may come, and what is missing.

    Leaves with 0 when it may go on now, 1 when something is missing.
    """
    from babysitter.service.policing import Policing, WhatIf  # noqa: PLC0415 (imports cryptography)

    opened = workspace(runs_dir)
    use_case = Policing(opened)
    if breakpoint_id is not None:
        found = use_case.explain(*find_breakpoint(opened.store, breakpoint_id))
    else:
        what_if = WhatIf(task=task, process=process, environment=environment, critical=critical, tags=tags)
        hypothetical = use_case.explain_what_if(what_if)
        if hypothetical is None:
            nothing = {"rule": None, "allowed": True}
            show(nothing, as_json=as_json, text=lambda: "No rule: nobody's yes is needed.")
            return
        found = hypothetical
    show(found, as_json=as_json, text=lambda: explanation_text(found))
    leave(0 if found.allowed else 1)


def explanation_text(found: "ExplanationView") -> str:
    """Return an explanation as lines."""
    lines = [
        f"Rule {style(found.rule, bold=True)} decides:",
        *(f"  {plain(text)}" for text in found.conditions),
    ]
    lines.append(f"Who may approve: {plain(', '.join(found.eligible)) or 'nobody'}")
    lines.append(
        f"Approved so far: {plain(', '.join(found.counted)) or 'by nobody'} "
        f"({len(found.counted)} of {found.quorum})"
    )
    lines += [style(f"Missing: {plain(text)}", fg="yellow") for text in found.missing]
    lines += [f"Note: {plain(text)}" for text in found.notes]
    if found.allowed:
        lines.append(style("Nothing is missing: it may go on.", fg="green"))
    return "\n".join(lines)


@policy.command("check", epilog="Example: babysitter policy check policies/cases.toml")
@click.argument("cases", type=click.Path(dir_okay=False))
@json_option
@runs_dir_option
def check(*, cases: str, as_json: bool, runs_dir: str | None) -> None:
    """Hold the rules against the cases of a TOML file. Leaves with 1 when one comes out otherwise."""
    from babysitter.service.policing import Policing  # noqa: PLC0415 (imports cryptography)

    results = Policing(workspace(runs_dir)).check(Path(cases))
    lines = []
    for result in results:
        word = style("pass", fg="green") if result.passed else style("FAIL", fg="red", bold=True)
        lines.append(f"{word}  {plain(result.name)}")
        if not result.passed:
            why = plain("; ".join(result.reasons)) or ("" if result.rule else "nobody was needed")
            lines.append(f"      wanted {result.expected}, got {result.got} by rule {result.rule}: {why}")
    failed = sum(not result.passed for result in results)
    lines.append(f"{len(results) - failed} of {len(results)} cases as expected")
    show({"cases": results}, as_json=as_json, text=lambda: "\n".join(lines))
    leave(1 if failed else 0)


@policy.command(
    "review",
    epilog="Example: babysitter policy review 01J9/4-go --key ~/.ssh/id_ed25519 --comment 'was right'",
)
@breakpoint_argument
@click.option("--key", metavar="PATH|agent", help="Sign with this SSH key (default: $BABYSITTER_KEY).")
@click.option("--as", "reviewer", metavar="NAME", help="Who you are, where the key is of several.")
@click.option("--comment", required=True, help="What you found; signed and kept.")
@json_option
@runs_dir_option
def review(
    *,
    breakpoint_id: str,
    key: str | None,
    reviewer: str | None,
    comment: str,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Review an emergency. Until that is done nobody can break the glass again."""
    from babysitter.service.policing import Policing  # noqa: PLC0415 (imports cryptography)

    used = key or signing_key()
    if not used:
        raise click.UsageError("say which --key signs the review.", click.get_current_context())
    run_id, mark, name = breakpoint_id.partition("/")
    if not mark:
        raise click.UsageError("name it whole: RUN/BREAKPOINT.", click.get_current_context())
    done = Policing(workspace(runs_dir)).review(run_id, name, key=used, reviewer=reviewer, comment=comment)
    more = f" Still open: {', '.join(done.still_open)}." if done.still_open else ""
    show(done, as_json=as_json, text=lambda: f"Reviewed {done.breakpoint} as {done.reviewer}.{more}")
