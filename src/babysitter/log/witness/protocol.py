"""The words of the witness protocol, as client and server write and read them.

A request is ``old <size>``, the hashes of a consistency proof in base64, an empty line, and the
signed checkpoint. A refusal for a wrong old size is the right one, in decimal.

Source: C2SP tlog-witness, add-checkpoint.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from babysitter.model.errors import WitnessError

ADD_CHECKPOINT = "/add-checkpoint"
REQUEST_BYTES_MAX = 64 * 1024
PROOF_HASHES_MAX = 63
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request: the checkpoint goes on from the tree of ``old_size``, which ``proof`` shows."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str


def format_request(old_size: int, proof: Sequence[bytes], note: str) -> bytes:
    """Return the body of a request."""
    lines = (f"old {old_size}", *(base64.b64encode(each).decode() for each in proof), "")
    return ("".join(f"{line}\n" for line in lines) + note).encode()


def parse_request(body: bytes) -> AddCheckpoint:
    """Return the request of a body.

    Raises:
        WitnessError: it is none, and no part of it was believed.
    """
    try:
        head, mark, note = body.decode().partition("\n\n")
        first, *hashes = head.split("\n")
        old = _OLD.fullmatch(first)
        if not mark or not old or len(hashes) > PROOF_HASHES_MAX:
            raise ValueError
        return AddCheckpoint(old_size=int(old[1]), proof=tuple(_hash_of(line) for line in hashes), note=note)
    except (ValueError, binascii.Error):
        raise WitnessError(
            "this is no add-checkpoint request.",
            hint="It is 'old SIZE', at most 63 hashes in base64, an empty line, and a signed checkpoint.",
        ) from None


def parse_size(body: bytes) -> int | None:
    """Return the size that a refusal names; None when it names none."""
    found = _SIZE.fullmatch(body)
    return int(found[1]) if found else None


def _hash_of(line: str) -> bytes:
    data = base64.b64decode(line, validate=True)
    if len(data) != 32 or base64.b64encode(data).decode() != line:
        raise ValueError
    return data
