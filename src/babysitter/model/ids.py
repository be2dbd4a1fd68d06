"""Names of runs, effects and breakpoints: their form, and how they derive from each other.

Source of the run id's form: ULID specification, https://github.com/ulid/spec (26 characters, Crockford base
32).
"""

import re

from babysitter.model.errors import InvalidIdError

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
REQUEST_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
"""A ULID: what messages to a run are told apart by."""
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NOT_SLUG = re.compile(r"[^A-Za-z0-9_]+")
_SLUG_CHARS_MAX = 40
_TIME_BITS, _DICE_BITS = 48, 80


def check_run_id(run_id: str) -> str:
    """Return the id when it is one a run may have.

    Raises:
        InvalidIdError: it is not, and so could leave the runs directory.
    """
    if not RUN_ID.fullmatch(run_id):
        raise InvalidIdError(
            f"{run_id!r} is not a run id.",
            hint="Use up to 128 letters, digits, dots, dashes and underscores; begin with a letter or digit.",
        )
    return run_id


def ulid(time_ms: int, dice: int) -> str:
    """Return the ULID of a time (milliseconds since 1970) and 80 random bits."""
    number = (time_ms & ((1 << _TIME_BITS) - 1)) << _DICE_BITS | (dice & ((1 << _DICE_BITS) - 1))
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def slug(text: str) -> str:
    """Return the text as a short part of a file name, lower case; ``x`` when nothing is left."""
    return _NOT_SLUG.sub("-", text).strip("-")[:_SLUG_CHARS_MAX].strip("-").lower() or "x"


def effect_id(call_id: str, task_id: str) -> str:
    """Return the id of the effect that a call asks for: readable, and the same on every replay."""
    return f"{call_id}-{slug(task_id)}"


def breakpoint_id(call_id: str, name: str) -> str:
    """Return the id of the breakpoint of a call; ``<call>!gate`` becomes ``<call>-gate-<name>``."""
    return f"{call_id.replace('!', '-')}-{slug(name)}"


def child_run_id(run_id: str, call_id: str) -> str:
    """Return the id of the run that a call starts, derived so that starting it again finds the same one.

    Raises:
        InvalidIdError: the chain of parents has grown past the length an id may have.
    """
    return check_run_id(f"{run_id}.{call_id}")
