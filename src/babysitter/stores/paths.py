"""The form of a path inside a run; what could leave the run is refused.

Paths come from process code, tasks and mail as text. A path that passes is
relative, uses ``/``, has no empty, ``.`` or ``..`` part and nothing that a
shell or a terminal would trip over. Symlinks are refused where files are opened
(stores/tree.py), since only the disk knows them.
"""

import re

from babysitter.model.errors import InvalidIdError

_PART_BYTES_MAX = 200
"""Room below the 255 bytes of most file systems for the name of a temporary file."""
_PATH_BYTES_MAX = 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def check_path(path: str) -> tuple[str, ...]:
    """Return the parts of a path that stays inside its run.

    Raises:
        InvalidIdError: it is absolute, climbs, is too long or holds control characters.
    """
    parts = tuple(path.split("/"))
    if not path or any(part in {"", ".", ".."} for part in parts):
        raise _refusal(path, "is not a path below the run")
    if _CONTROL.search(path):
        raise _refusal(path, "holds a control character or a backslash")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise _refusal(path, "is not text") from None
    if max(sizes) > _PART_BYTES_MAX or sum(sizes) + len(sizes) > _PATH_BYTES_MAX:
        raise _refusal(path, "is too long")
    return parts


def symlink_refused(path: str) -> InvalidIdError:
    """Return the error for a path through a symlink, or through a file as if it were a directory."""
    return InvalidIdError(
        f"{path!r} goes through a symlink or a file that is no directory.",
        hint="A run's files are plain files in plain directories. Remove the link; look who made it.",
        path=path,
    )


def _refusal(path: str, what: str) -> InvalidIdError:
    return InvalidIdError(
        f"{path!r} {what}.",
        hint="Give a relative path with '/', without '..', of plain characters.",
        path=path,
    )
