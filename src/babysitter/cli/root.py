"""The tree of commands: names and one-line helps here, each command's module imported when it is called.

``group:verb`` is the same command as ``group verb``. A name that is not known
is answered with the nearest ones.
"""

import importlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": (
        "babysitter.cli.init",
        "init",
        "Make this folder a workspace: settings, .gitignore lines, an example process.",
    ),
    "start": (
        "babysitter.cli.drive",
        "start",
        "Start a run of a process and drive it until it ends or waits.",
    ),
    "resume": ("babysitter.cli.drive", "resume", "Drive a run on from where its journal stands."),
    "run": ("babysitter.cli.run", "run", "Look at runs; create, advance, cancel and signal them."),
    "task": ("babysitter.cli.task", "task", "Look at a run's tasks, or post the result of one."),
    "inbox": ("babysitter.cli.answer", "inbox", "List what waits for a person."),
    "approve": ("babysitter.cli.answer", "approve", "Say yes to a breakpoint."),
    "reject": ("babysitter.cli.answer", "reject", "Say no to a breakpoint."),
    "defer": ("babysitter.cli.answer", "defer", "Say 'not now' to a breakpoint."),
    "breakpoint": (
        "babysitter.cli.breakpoint",
        "breakpoint_",
        "Look at breakpoints and their answers, ask back, pass them on.",
    ),
    "process": (
        "babysitter.cli.process",
        "process",
        "Review processes, and say which of them may run.",
    ),
    "journal": ("babysitter.cli.journal", "journal", "Print, verify, scan and export journals."),
    "scan": ("babysitter.cli.scan", "scan", "Look for credentials in files, trees and git history."),
    "audit": (
        "babysitter.cli.audit",
        "audit",
        "List approvals, write a report, hand over what can be verified elsewhere.",
    ),
    "retention": ("babysitter.cli.retention", "retention", "Say which ended runs are due to be removed."),
    "policy": ("babysitter.cli.policy", "policy", "Show who may approve what, and say why."),
    "key": ("babysitter.cli.key", "key", "Say who may sign with which key."),
    "serve": ("babysitter.cli.serve", "serve", "Show, drive and answer runs in a browser, for a team."),
    "person": ("babysitter.cli.person", "person", "Say who signs in to the server with a passkey."),
    "token": ("babysitter.cli.token", "token", "Make, list and revoke tokens of the server."),
    "login": ("babysitter.cli.login", "login", "Sign in at a server with your SSH key."),
    "logout": ("babysitter.cli.login", "logout", "Sign out at a server."),
    "witness": (
        "babysitter.cli.witness",
        "witness",
        "Have others see the log, or be such a witness.",
    ),
    "notify": (
        "babysitter.cli.notify",
        "notify",
        "Tell people what waits for them, and list what they were told.",
    ),
    "sandbox": (
        "babysitter.cli.sandbox",
        "sandbox",
        "Say what a task may do, and try a command in a sandbox.",
    ),
    "secret": (
        "babysitter.cli.secret",
        "secret",
        "List the secrets that are declared and check that they resolve.",
    ),
    "doctor": (
        "babysitter.cli.doctor",
        "doctor",
        "Check what the security guide says, on this machine and in this workspace.",
    ),
    "git": ("babysitter.cli.git", "git", "Keep run data and credentials out of version control."),
    "security": (
        "babysitter.cli.security",
        "security",
        "Have scanners look at the workspace, and run its security tests.",
    ),
    "mcp": (
        "babysitter.cli.mcp",
        "mcp",
        "Serve this workspace to a coding agent, by the Model Context Protocol.",
    ),
    "atlas": (
        "babysitter.cli.atlas",
        "atlas",
        "Look up documents, processes, runs, people and rules as pages with edges.",
    ),
    "completion": (
        "babysitter.cli.completion",
        "completion",
        "Print the completion script for bash, zsh or fish.",
    ),
}
VERBS = {
    "run": "list status show events watch create iterate cancel signal replay rebuild-state".split(),
    "task": ["list", "show", "post"],
    "breakpoint": ["list", "show", "history", "ask", "reply", "reassign", "rules"],
    "process": ["review", "trust", "untrust", "list"],
    "journal": ["cat", "verify", "scan", "export"],
    "audit": ["approvals", "report", "export", "verify", "access"],
    "retention": ["plan"],
    "policy": ["show", "explain", "check", "review"],
    "key": ["list", "add", "revoke", "approve", "believe"],
    "person": ["invite", "list", "passkeys", "remove", "remove-passkey"],
    "token": ["create", "list", "revoke"],
    "witness": ["update", "seen", "serve"],
    "notify": ["list", "send", "test"],
    "sandbox": ["explain", "try"],
    "security": ["scan", "tests"],
    "secret": ["list", "check"],
    "atlas": ["get", "search", "neighbors"],
    "git": ["install-hooks", "uninstall-hooks", "check-staged", "check-push"],
}
"""The verbs of each group, known without importing it, for ``group:verb`` in completion and suggestions."""


class Tree(click.Group):
    """The top of the tree."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order a newcomer needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None when there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; split ``group:verb``; suggest names for one that is not known."""
        group, mark, verb = args[0].partition(":")
        if mark and group in VERBS:
            args = [group, verb, *args[1:]]
        if args[0] not in COMMANDS:
            known = [*COMMANDS, *aliases()] if mark else [*COMMANDS]
            raise click.UsageError(f"there is no command {args[0]!r}.{suggestion(args[0], known)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Return the commands, and ``group:verb`` once the group is typed, without importing any."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 (only for a shell)

        items = [CompletionItem(name, help=text) for name, (_, _, text) in COMMANDS.items()]
        if ":" in incomplete:
            items = [CompletionItem(alias) for alias in aliases()]
        found = [item for item in items if item.value.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def aliases() -> list[str]:
    """Return every ``group:verb``."""
    return [f"{group}:{verb}" for group, verbs in VERBS.items() for verb in verbs]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean …?`` for a mistyped name, or where to look."""
    import difflib  # noqa: PLC0415 (only for an error)

    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else " See: babysitter --help"


class Verbs(click.Group):
    """A group of verbs that suggests the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or suggest."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(
                f"there is no {ctx.info_name} {args[0]!r}.{suggestion(args[0], self.commands)}", ctx
            )
        return super().resolve_command(ctx, args)


@click.command(cls=Tree, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda c, _, v: _version(c, show=v),
    help="Print the version.",
)
def babysitter() -> None:
    """Run AI-agent workflows that can be proven.

    A process is an async Python function. Babysitter performs its steps in a sandbox, stops at breakpoints
    until a person approves, and keeps a journal that anybody can verify with standard tools.

    Every command has --help with an example, and --json. Exit status: 0 done, 1 the answer is no, 2 wrong
    usage, 3 the run waits, 4 refused or impossible here, 130 and 143 stopped by a signal.

    Example: babysitter start process.py --input target=dist
    """


def _version(ctx: click.Context, *, show: bool) -> None:
    if show:
        from babysitter._version import __version__  # noqa: PLC0415 (only here)

        click.echo(f"babysitter {__version__}")
        ctx.exit()


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit status. Nothing ever leaves here as a traceback."""
    from babysitter.cli.leaving import exit_status_of  # noqa: PLC0415 (imports the error tree)

    return exit_status_of(babysitter, arguments)
