"""What changed in a workspace between two of its states, as a person is shown it: facts without behaviour."""

import re
from typing import Literal

from msgspec import Struct

from babysitter.model.events import BlobRef
from babysitter.model.findings import Finding, ToolRun

RUN = "run"
"""Instead of ``base..``: since the run began."""
_NAME = r"[A-Za-z0-9_@](?:[A-Za-z0-9_/@{}^~+-]|\.(?!\.))*"
SINCE = re.compile(rf"({_NAME})\.\.({_NAME})?")
"""``base..`` and ``base..head``: a commit and the workspace, or two commits."""
Change = Literal["added", "deleted", "changed", "renamed"]


class ChangedFile(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One file that differs. Bytes of a path that are no UTF-8 stand in it as escapes.

    was: the path before, where it was renamed.
    mode_before, mode: as git has them: ``100644``, ``100755``, ``120000`` (a symbolic link); empty: absent.
    bytes_before, bytes: sizes.
    added, removed: lines; None: git takes it for binary.
    kept: False when its contents were too large to keep, so that names, sizes and modes are all there is.
    """

    path: str
    change: Change
    was: str = ""
    mode_before: str = ""
    mode: str = ""
    bytes_before: int = 0
    bytes: int = 0
    added: int | None = None
    removed: int | None = None
    kept: bool = True


class Difference(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What was shown of a workspace.

    since, from_tree, tree: as ``events.ShownChanges``.
    files: in the order of their sections in the patch; those that are not kept have none.
    patch: the whole difference, in git's own format, masked.
    left_out: how many files and folders ``.gitignore`` keeps out of it (a folder counts once);
        left_out_names: the first of them.
    """

    since: str
    from_tree: str
    tree: str = ""
    files: tuple[ChangedFile, ...] = ()
    patch: BlobRef
    left_out: int = 0
    left_out_names: tuple[str, ...] = ()


class ChangesScan(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What scanners say about a workspace, beside its difference.

    tools: how each fared.
    on_changed: findings on lines that changed, the worst first; elsewhere: how many there are besides.
    """

    tools: tuple[ToolRun, ...]
    on_changed: tuple[Finding, ...] = ()
    elsewhere: int = 0
