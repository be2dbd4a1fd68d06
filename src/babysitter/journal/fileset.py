"""Which files a run may have beside those that its lines name.

Names alone are judged here. A file of a known name that no line names is
"unnamed": honest in a run that has not ended, since a crash can come between a
file and its line, and in few places always. A file of an unknown name is a problem.
"""

import re
from enum import Enum

from babysitter.journal.grammar import Grammar


class Standing(Enum):
    """What an unnamed file's name makes of it."""

    LOOSE = "kept for the driver or a person; never part of proof"
    LEFTOVER = "written before a line that never came"
    UNKNOWN = "unknown"


_ID = r"([^/]+)"
_UNFINISHED = re.compile(r"(.*?)\.([^/]+)\.part")
_ALWAYS_LOOSE = re.compile(r"state/[^/]+|mail/[A-Za-z0-9][A-Za-z0-9._-]*\.json")
_TASK_FILE = re.compile(rf"tasks/{_ID}/(?:(?:task|input|result)\.json|(?:stdout|stderr)(?:\.[0-9]+)?\.log)")
_BREAKPOINT_FILE = re.compile(
    rf"breakpoints/{_ID}/(?:shown\.(?:md|json)|files/[^/]+|approval-[0-9]+\.json(?:\.sig)?)"
)
_ELSEWHERE = re.compile(r"artifacts/.+|output\.json|journal/torn/[0-9]{8,}-[0-9a-f]{16}\.bin")
_CHILD = "-child"


def standing(path: str, grammar: Grammar) -> Standing:
    """Return what the name of an unnamed file makes of it, in the run that ``grammar`` has followed."""
    unfinished = _UNFINISHED.fullmatch(path)
    if unfinished is not None:
        # A crash left it; it never took its name. It is as good as the name it was to have.
        whole = unfinished.group(1) + unfinished.group(2)
        known = whole in _WRITTEN_IN_STEPS or standing(whole, grammar) is not Standing.UNKNOWN
        return Standing.LOOSE if known else Standing.UNKNOWN
    if _ALWAYS_LOOSE.fullmatch(path):
        return Standing.LOOSE
    task = _TASK_FILE.fullmatch(path)
    if task is not None and _is_known_task(task.group(1), grammar):
        # Output of an attempt that a crash cut short, or a derived file's earlier form.
        return Standing.LOOSE
    if task is not None or _BREAKPOINT_FILE.fullmatch(path) or _ELSEWHERE.fullmatch(path):
        return Standing.UNKNOWN if grammar.ended else Standing.LEFTOVER
    return Standing.UNKNOWN


_WRITTEN_IN_STEPS = frozenset({"journal/journal.jsonl"})


def _is_known_task(name: str, grammar: Grammar) -> bool:
    if grammar.knows("effect", name):
        return True
    return name.endswith(_CHILD) and grammar.knows("child", name.removesuffix(_CHILD))
