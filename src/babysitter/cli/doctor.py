"""``doctor``: check the security guide on this machine and in this workspace."""

from pathlib import Path

import click

from babysitter.cli.terminal import json_option, leave, show

_STATUS = {"fine": 0, "problems": 1, "unchecked": 4}


@click.command(epilog="Example: babysitter doctor --fix")
@click.argument("path", type=click.Path(), default=".")
@click.option("--fix", is_flag=True, help="Do what is safe: close files, add ignore lines, untrack run data.")
@click.option(
    "--only", multiple=True, metavar="ID", help="Only this check: D03-…, D03 or G03; may be repeated."
)
@click.option("--offline", is_flag=True, help="Ask nothing of the network.")
@click.option("--all", "-a", "everything", is_flag=True, help="Show what is fine, too.")
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0, for code hosts.")
@json_option
def doctor(  # noqa: PLR0913 (one parameter an option)
    *,
    path: str,
    fix: bool,
    only: tuple[str, ...],
    offline: bool,
    everything: bool,
    sarif: bool,
    as_json: bool,
) -> None:
    """Check what the security guide says, on this machine and in this workspace.

    Each check says what was found, why it matters and what to do. Leaves with 0 when all is well, 1 when
    there is a problem, 4 when there is none but something that matters could not be checked.
    """
    from babysitter.cli.doctor_text import diagnosis_text  # noqa: PLC0415 (only here)
    from babysitter.service.doctor.examining import examine, surroundings_of  # noqa: PLC0415

    if sarif and as_json:
        raise click.UsageError("give either --json or --sarif.", click.get_current_context())
    diagnosis = examine(surroundings_of(Path(path), online=not offline), only=only, fix=fix)
    if sarif:
        from babysitter.service.doctor.sarif import sarif_of  # noqa: PLC0415 (only here)

        show(sarif_of(diagnosis), as_json=True)
    else:
        show(diagnosis, as_json=as_json, text=lambda: diagnosis_text(diagnosis, everything=everything))
    leave(_STATUS[diagnosis.verdict])
