"""``witness``: have others see the log, and be such a witness oneself."""

from pathlib import Path

import click

from babysitter.cli.plain import plain
from babysitter.cli.root import Verbs
from babysitter.cli.terminal import json_option, leave, runs_dir_option, show, style, workspace


@click.group(cls=Verbs, epilog="Example: babysitter witness update")
def witness() -> None:
    """Have others see the log, so that nobody rewrites it unseen; or be such a witness."""


@witness.command("update", epilog="Example: babysitter witness update")
@json_option
@runs_dir_option
def update(*, as_json: bool, runs_dir: str | None) -> None:
    """Show every witness of the settings the newest checkpoint. Leaves with 1 when one did not see it."""
    opened = workspace(runs_dir)
    views = opened.witnessing.update()
    lines = []
    for view in views:
        word = style("NOT SEEN", fg="red") if view.problem else style("seen", fg="green")
        lines.append(f"{plain(view.name)}  {word}  {view.size} lines  {plain(view.problem)}".rstrip())
    show(
        {"witnesses": views},
        as_json=as_json,
        text=lambda: "\n".join(lines) or "No witness: see [[log.witnesses]] in docs/reference/settings.md.",
    )
    leave(1 if any(view.problem for view in views) else 0)


@witness.command("seen", epilog="Example: babysitter witness seen --to ~/audit/seen")
@click.option("--to", type=click.Path(file_okay=False), help="Write each into this folder, for verification.")
@json_option
@runs_dir_option
def seen(*, to: str | None, as_json: bool, runs_dir: str | None) -> None:
    """Ask the witnesses of the settings which checkpoint they have seen, and keep it for an audit."""
    found = workspace(runs_dir).witnessing.seen()
    if to is not None:
        folder = Path(to)
        folder.mkdir(parents=True, exist_ok=True)
        for name, notes in found.items():
            for number, note in enumerate(notes):
                (folder / (name if number == 0 else f"{name}.{number}")).write_text(note, encoding="utf-8")
    lines = [f"{plain(name)}: {len(notes)} checkpoint(s)" for name, notes in found.items()]
    show(
        {"seen": found},
        as_json=as_json,
        text=lambda: "\n".join(lines) or "No witness shows what it has seen.",
    )


@witness.command("serve", epilog="Example: babysitter witness serve --name w.example.com --log log.vkey")
@click.option("--name", required=True, help="The witness's name: a host name of yours, for ever.")
@click.option(
    "--log",
    "logs",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False),
    help="A file with a log's verifier key (.a5c/log/log.vkey); may be repeated.",
)
@click.option(
    "--folder", default="witness", type=click.Path(file_okay=False), help="Its key and what it has seen."
)
@click.option("--host", default="127.0.0.1", help="A loopback address; put a proxy with TLS before it.")
@click.option("--port", default=3186, type=click.IntRange(0, 65535), help="0: any free one.")
@json_option
def serve(*, name: str, logs: tuple[str, ...], folder: str, host: str, port: int, as_json: bool) -> None:
    """Be a witness: cosign checkpoints of logs that only grow, and keep evidence of those that don't.

    Speaks the C2SP tlog-witness protocol. Prints its address and its verifier key, for others to name.
    """
    from babysitter.service.witness_server import run_witness  # noqa: PLC0415 (only here)

    with run_witness(
        Path(folder), name=name, logs=[Path(file) for file in logs], host=host, port=port
    ) as running:
        found = {"url": running.url, "key": str(running.verifier)}
        show(found, as_json=as_json, text=lambda: f"{found['url']}  {found['key']}")
        running.wait()
