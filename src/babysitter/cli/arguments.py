"""The arguments that commands share, RUN and BP, and what a shell offers for them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from babysitter.cli.plain import plain
from babysitter.cli.terminal import workspace

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def run_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add RUN, as ``run_id``: an id, the beginning of one, or ``last``."""
    return click.argument("run_id", metavar="RUN", shell_complete=offer_runs)(command)


def breakpoint_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add BP, as ``breakpoint_id``: <runId>/<breakpointId> or a unique beginning of it."""
    return click.argument("breakpoint_id", metavar="BP", shell_complete=offer_breakpoints)(command)


def offer_runs(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the runs of this workspace whose ids begin so, and ``last``."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 (only for a shell)

    del ctx, parameter
    run_ids = ["last", *workspace().store.run_ids()]
    return [CompletionItem(run_id) for run_id in run_ids if run_id.startswith(incomplete)]


def offer_breakpoints(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Return what waits for a person, with the questions."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 (only for a shell)

    from babysitter.service.queries import Queries  # noqa: PLC0415 (only where a breakpoint is completed)

    del ctx, parameter
    views = Queries(workspace()).inbox()
    items = [
        CompletionItem(f"{view.run_id}/{view.breakpoint_id}", help=plain(view.question)) for view in views
    ]
    return [item for item in items if item.value.startswith(incomplete)]
