"""``process``: review a process before it runs, say that it may, take that back."""

from typing import TYPE_CHECKING

import click

from babysitter.cli.plain import plain
from babysitter.cli.render import table
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, workspace
from babysitter.config import signing_key

if TYPE_CHECKING:
    from babysitter.service.process_review import ReviewView
    from babysitter.service.process_trust import TrustedView, TrustRecordView

_FINDINGS, _NOT_CHECKED = 1, 4


@click.group(cls=Verbs, epilog="Example: babysitter process review process.py")
def process() -> None:
    """Review processes, and say which of them may run."""


@process.command("review", epilog="Example: babysitter process review examples/release.py")
@click.argument("entry")
@click.option("--no-bandit", is_flag=True, help="Do not ask bandit; the review says that it did not look.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print the findings as SARIF 2.1.0.")
@json_option
@runs_dir_option
def review(*, entry: str, no_bandit: bool, as_sarif: bool, as_json: bool, runs_dir: str | None) -> None:
    """Show what a process consists of, what it may do, what is wrong with it and what has changed.

    Nothing of it is run. Leaves with 0 when there is nothing of high severity, 1 when there is, 4 when a part
    could not be checked.
    """
    from babysitter.service.process_review import Reviewing  # noqa: PLC0415 (only here)

    found = Reviewing(workspace(runs_dir)).review(entry, with_bandit=not no_bandit)
    if as_sarif:
        show(found.sarif(), as_json=True)
    else:
        from babysitter.cli.process_text import review_text  # noqa: PLC0415 (only for people)

        show(found, as_json=as_json, text=lambda: review_text(found))
    leave(_status_of(found))


def _status_of(found: "ReviewView") -> int:
    if any(each.severity in ("critical", "high") for each in found.scan.findings):
        return _FINDINGS
    return 0 if found.complete else _NOT_CHECKED


@process.command("trust", epilog="Example: babysitter process trust process.py --key ~/.ssh/id_ed25519")
@click.argument("entry")
@click.option(
    "--key", metavar="PATH|agent", help="Sign with this SSH key, for everybody (default: $BABYSITTER_KEY)."
)
@click.option("--local", is_flag=True, help="Do not sign: it counts for this account on this machine alone.")
@click.option("--as", "person", metavar="NAME", help="Who you are, where the key is of several.")
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    metavar="RULE=REASON",
    help="Take a finding of this rule, or of this fingerprint; signed and kept.",
)
@click.option("--no-bandit", is_flag=True, help="Do not ask bandit; the statement says that it did not look.")
@json_option
@runs_dir_option
def trust(  # noqa: PLR0913 (one parameter an option)
    *,
    entry: str,
    key: str | None,
    local: bool,
    person: str | None,
    accepted: tuple[str, ...],
    no_bandit: bool,
    as_json: bool,
    runs_dir: str | None,
) -> None:
    """Say that a process may run as it is now. One byte of any of its files changed, and it may not any more.

    Refused while a credential stands in it, or a finding of high severity that is not accepted.
    """
    from babysitter.service.process_trust import Trusting  # noqa: PLC0415 (imports cryptography)

    if local and key:
        raise click.UsageError("--local and --key contradict each other.", click.get_current_context())
    accept = dict(each.partition("=")[::2] for each in accepted)
    done = Trusting(workspace(runs_dir)).trust(
        entry,
        key=None if local else key or signing_key(),
        person=person,
        accept=accept,
        with_bandit=not no_bandit,
    )
    show(done, as_json=as_json, text=lambda: _trusted_text(done))


def _trusted_text(done: "TrustedView") -> str:
    files = "1 file" if done.files == 1 else f"{done.files} files"
    where = (
        f"Signed by {plain(done.by)}: {done.path}. Commit babysitter.trust/, so that it counts for others."
        if done.method == "signed"
        else "It counts for this account on this machine, in this folder."
    )
    lines = [f"Trusted {plain(done.entry)}, digest {done.digest[:12]}…, {files}. {where}"]
    lines += [f"Accepted {each.rule} in {plain(each.path)}: {plain(each.reason)}" for each in done.accepted]
    lines += [f"NOT CHECKED by {each.tool} ({each.state})" for each in done.checked if each.state != "passed"]
    if done.believes:
        lines.append(f"What {plain(', '.join(done.believes))} signs counts from now on, in this folder.")
    return "\n".join(lines)


@process.command("untrust", epilog="Example: babysitter process untrust process.py")
@click.argument("entry")
@json_option
@runs_dir_option
def untrust(*, entry: str, as_json: bool, runs_dir: str | None) -> None:
    """Take back every word about a process, signed or not. ENTRY, or a digest in full."""
    from babysitter.service.process_trust import Trusting  # noqa: PLC0415 (imports cryptography)

    removed = Trusting(workspace(runs_dir)).untrust(entry)
    lines = [
        f"Removed the word of {plain(view.by)} about {view.digest[:12]}… ({view.method})." for view in removed
    ]
    if any(view.method == "signed" for view in removed):
        lines.append("Commit that, so that it counts for others.")
    show({"removed": removed}, as_json=as_json, text=lambda: "\n".join(lines))


@process.command("list", epilog="Example: babysitter process list")
@json_option
@runs_dir_option
def list_(*, as_json: bool, runs_dir: str | None) -> None:
    """List which code is trusted, by whom, since when, and whether that counts."""
    from babysitter.service.process_trust import Trusting  # noqa: PLC0415 (imports cryptography)

    found = Trusting(workspace(runs_dir)).records()
    show({"trusted": found}, as_json=as_json, text=lambda: _list_text(found))


def _list_text(found: "tuple[TrustRecordView, ...]") -> str:
    if not found:
        return "Nothing is trusted yet. Review a process with: babysitter process review ENTRY"
    rows = [
        (
            view.entry or "?",
            f"{view.digest[:12]}…",
            "as it is now" if view.current else "of before",
            f"{view.by} ({view.method})",
            view.at[:19],
            view.state,
        )
        for view in found
    ]
    return table(rows, ("PROCESS", "DIGEST", "CODE", "TRUSTED BY", "SINCE", "STATE"))
