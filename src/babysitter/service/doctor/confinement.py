"""With which rights runs and their tasks work here (G05)."""

from babysitter.model.errors import SandboxError
from babysitter.service.doctor.check import Check, Result, note, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings


def is_not_root(here: Surroundings) -> Result:
    """Look whether this is root."""
    if here.uid != 0:
        return ok(f"this is user {here.uid}, not root")
    return problem(
        "this is root",
        fix="Make a user for runs alone, own the workspace with it, and drive runs as that user.",
        command="sudo useradd --create-home babysitter",
    )


def sandbox_works(here: Surroundings) -> Result:
    """Start a program in the sandbox that tasks would get here."""
    mode = here.settings.sandbox.mode
    if mode == "none":
        return problem(
            'the settings say [sandbox] mode = "none"; tasks run with all of your rights',
            fix='Take the line out, or write mode = "bubblewrap", in babysitter.toml.',
            command="sed -n '/\\[sandbox\\]/,/^\\[/p' babysitter.toml",
            places=("babysitter.toml",),
        )
    try:
        name = here.wired.sandbox_name()
    except SandboxError as error:
        return problem(error.message, fix=error.hint, command="sudo apt install bubblewrap")
    if name == "landlock":
        return problem(
            "tasks are confined by Landlock: they see other processes of yours",
            fix="Install bubblewrap.",
            command="sudo apt install bubblewrap",
            severity="low",
        )
    return ok(f"a program was started in {name}")


def grants_are_narrow(here: Surroundings) -> Result:
    """Look for grants of the settings that give a task nearly everything."""
    wide = []
    for grant in here.settings.sandbox.tasks:
        paths = [path for path in (*grant.read, *grant.write) if _holds_home(here, path)]
        wide += [f"{grant.task} may use {path}" for path in paths]
        wide += [f"{grant.task} may reach every host" for name in grant.network if name == "*"]
        wide += [
            f"{grant.task} may reach this machine's services" for name in grant.network if name == "loopback"
        ]
    if not wide:
        return ok("no grant of [[sandbox.tasks]] gives everything")
    return problem(
        some(wide),
        fix="Name the paths and hosts that the task needs, in babysitter.toml.",
        command="grep -n -A6 'sandbox.tasks' babysitter.toml",
        places=("babysitter.toml",),
    )


def _holds_home(here: Surroundings, path: str) -> bool:
    """Tell whether a granted path is the home of whoever drives runs, or holds it."""
    place = here.home if path == "~" else here.root / path
    return here.home.resolve().is_relative_to(place.resolve())


def inline_is_denied(here: Surroundings) -> Result:
    """Say whether tasks may run in the driver itself."""
    if here.settings.sandbox.inline == "deny":
        return ok('[sandbox] inline = "deny"')
    return note(
        "inline tasks are allowed: they run in the driver, unconfined, without secrets",
        fix='Where process code is not yours alone, write inline = "deny" under [sandbox].',
    )


CHECKS = (
    Check(
        id="D05-not-root",
        title="runs are not driven as root",
        promise="G05",
        severity="medium",
        why="limits on processes do not bind root, and whatever gets out of a sandbox is root then.",
        look=is_not_root,
    ),
    Check(
        id="D05-sandbox-works",
        title="tasks are confined",
        promise="G05",
        severity="high",
        why="an unconfined task reads your keys, your home and your network.",
        look=sandbox_works,
    ),
    Check(
        id="D05-narrow-grants",
        title="no task is granted everything",
        promise="G05",
        severity="low",
        why="a sandbox with the whole network or the whole disk confines little.",
        look=grants_are_narrow,
    ),
    Check(
        id="D05-inline-tasks",
        title="inline tasks are denied",
        promise="G05",
        severity="low",
        why="an inline task is not confined at all.",
        look=inline_is_denied,
    ),
)
