"""A checkpoint: what a log says it is at one moment, in three lines that are then signed as a note.

    <origin: the log's name>
    <number of leaves>
    <base64 of the root>

Source: C2SP tlog-checkpoint.
"""

import base64
import binascii
from dataclasses import dataclass

from babysitter.log.notes import Note, parse_note
from babysitter.model.errors import WitnessError


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A log's name, size and root (32 bytes); ``extension``: further lines, believed by nobody."""

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extension)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint of a note's text.

    Raises:
        WitnessError: it is not one.
    """
    lines = text.split("\n")
    try:
        if len(lines) < 4 or lines[-1] or not lines[0] or not all(lines[3:-1]):
            raise ValueError
        if not lines[1].isascii() or str(size := int(lines[1])) != lines[1] or not 0 <= size < 2**63:
            raise ValueError
        root = base64.b64decode(lines[2], validate=True)
        if len(root) != 32 or base64.b64encode(root).decode() != lines[2]:
            raise ValueError
    except (ValueError, binascii.Error):
        raise WitnessError(
            "this is no checkpoint of a log.", hint="Its text is an origin, a size and a root, a line each."
        ) from None
    return Checkpoint(origin=lines[0], size=size, root=root, extension=tuple(lines[3:-1]))


def read_checkpoint(note: str) -> tuple[Note, Checkpoint]:
    """Return a signed checkpoint as note and content; whose signatures hold is not looked at.

    Raises:
        WitnessError: it is no signed note of a checkpoint.
    """
    parsed = parse_note(note)
    return parsed, parse_checkpoint(parsed.text)
