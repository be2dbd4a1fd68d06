"""``git``: keep run data and credentials out of version control."""

import sys
from typing import TYPE_CHECKING

import click

from babysitter.cli.plain import plain
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, show, style

if TYPE_CHECKING:
    from babysitter.service.git.hooks import HookChange
    from babysitter.service.git.refusing import Inspection

_REFUSALS_MAX = 20
_HOW = {
    "run-data": "git rm -r --cached --quiet -- {path}",
    "environment-file": "git rm --cached --quiet -- {path}",
}


@click.group(cls=Verbs, epilog="Example: babysitter git install-hooks")
def git() -> None:
    """Keep run data and credentials out of version control."""


@git.command("install-hooks", epilog="Example: babysitter git install-hooks")
@json_option
def install_hooks(*, as_json: bool) -> None:
    """Have git refuse commits and pushes that bring in run data or credentials.

    A hook that is there already is kept and called after ours.
    """
    from babysitter.service.git.use_cases import hooks_of  # noqa: PLC0415 (only here)

    changes = hooks_of().install()
    show({"hooks": changes}, as_json=as_json, text=lambda: _changes_text(changes))


@git.command("uninstall-hooks", epilog="Example: babysitter git uninstall-hooks")
@json_option
def uninstall_hooks(*, as_json: bool) -> None:
    """Take our hooks away, and put back what was there before."""
    from babysitter.service.git.use_cases import hooks_of  # noqa: PLC0415 (only here)

    changes = hooks_of().uninstall()
    show({"hooks": changes}, as_json=as_json, text=lambda: _changes_text(changes))


@git.command("check-staged", epilog="Example: babysitter git check-staged")
@json_option
def check_staged(*, as_json: bool) -> None:
    """Look at what is about to be committed; leave with 1 when something may not come in.

    Looks at the index, not at the working tree. The pre-commit hook calls this.
    """
    from babysitter.service.git.use_cases import check_index  # noqa: PLC0415 (only here)

    _tell(check_index(), "commit", as_json=as_json)


@git.command("check-push", epilog="Example: babysitter git check-push origin < refs")
@click.argument("remote", default="")
@click.argument("address", default="")
@json_option
def check_push(*, remote: str, address: str, as_json: bool) -> None:
    """Look at what is about to be pushed; leave with 1 when something may not come in.

    Reads what git gives a pre-push hook on standard input: a line for each ref, "LOCAL-REF LOCAL REMOTE-REF
    REMOTE". Under pre-commit.com, which keeps that for itself, its own variables are read.
    """
    from babysitter.service.git.use_cases import check_pushes  # noqa: PLC0415 (only here)

    lines = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    _tell(check_pushes(lines, remote=remote or address), "push", as_json=as_json)


def _tell(found: "Inspection", what: str, *, as_json: bool) -> None:
    if as_json:
        show(found, as_json=True)
    else:
        if found.unchecked:
            click.echo(f"Warning: {found.unchecked}.", err=True)
        if found.refusals:
            click.echo(_refusals_text(found, what), err=True)
    leave(1 if found.refusals else 0)


def _refusals_text(found: "Inspection", what: str) -> str:
    import shlex  # noqa: PLC0415 (only here)

    lines = [style(f"babysitter refuses this {what}:", fg="red", bold=True)]
    for each in found.refusals[:_REFUSALS_MAX]:
        place = plain(each.path) + (f":{each.line}" if each.line else "")
        commit = f" (commit {each.commit[:12]})" if each.commit else ""
        lines.append(f"  {place}{commit} {plain(each.message)}  [{plain(each.rule)}]")
    if len(found.refusals) > _REFUSALS_MAX:
        lines.append(f"  and {len(found.refusals) - _REFUSALS_MAX} more; see them with --json")
    first = found.refusals[0]
    if first.commit:
        lines.append("It is in a commit: rewrite that (git rebase -i), and rotate what was a credential.")
    elif first.rule in _HOW:
        lines.append(f"Take it out with: {_HOW[first.rule].format(path=shlex.quote(plain(first.path)))}")
    else:
        lines.append('Take the credential out, and read it from the environment: secret("env:NAME").')
    return "\n".join(lines)


def _changes_text(changes: "list[HookChange]") -> str:
    lines = []
    for each in changes:
        lines.append(f"{each.name:<10}  {each.done:<9}  {plain(each.path)}")
        if each.chained:
            lines.append(f"{'':<10}  with the one of before: {plain(each.chained)}")
    return "\n".join(lines)
