"""Three things that a lying operator could try on what the demo left behind, each on a copy of its own.

    attack(run_id, run data, copy)    changes the copy; the audit of it must say WRONG

The last one uses every key that the machine has. The person's key is not one of them,
and neither is what somebody else has seen of the log.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from babysitter.log.checkpoint import Checkpoint
from babysitter.log.notes import Note, parse_key, sign_note
from babysitter.log.tree import leaf_hash, root_of
from babysitter.model.lines import Chain

Attack = Callable[[str, Path], None]


def edit_a_result(run_id: str, copy: Path) -> None:
    """Have the journal say that something else was published."""
    journal = copy / "runs" / run_id / "journal" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"status":201', b'"status":200', 1))


def exchange_what_was_shown(run_id: str, copy: Path) -> None:
    """Have it look as if the approver had been shown something harmless."""
    for shown in (copy / "runs" / run_id / "breakpoints").glob("*/shown.md"):
        os.chmod(shown, 0o600)  # noqa: PTH101 (a copy may be read-only)
        shown.write_text("# Lunch\n\nPizza or pasta?\n", encoding="utf-8")


def hide_the_run(run_id: str, copy: Path) -> None:
    """Delete the run, write a log that never had it, and sign that with the log's own key."""
    shutil.rmtree(copy / "runs" / run_id)
    log = copy / "log"
    chain, lines = Chain(), list[bytes]()
    for line in (log / "log.jsonl").read_bytes().splitlines():
        leaf = orjson.loads(line)
        if leaf["data"].get("runId") != run_id:
            lines.append(chain.line(leaf["type"], leaf["recordedAt"], orjson.dumps(leaf["data"])))
    (log / "log.jsonl").write_bytes(b"".join(lines))
    key = Ed25519PrivateKey.from_private_bytes((log / "log.key").read_bytes())
    name = parse_key((log / "log.vkey").read_text(encoding="utf-8")).name
    root = root_of([leaf_hash(line) for line in lines])
    text = Checkpoint(origin=name, size=len(lines), root=root).text
    note = Note(text=text, signatures=(sign_note(text, key, name),))
    (log / "checkpoint").write_text(str(note), encoding="utf-8")


ATTACKS: tuple[tuple[str, Attack], ...] = (
    ("one digit of a result edited", edit_a_result),
    ("what was shown exchanged", exchange_what_was_shown),
    ("the run deleted, and the log signed again with its own key", hide_the_run),
)
