"""An operator who lies: rewrites journals and the log with every key of the server in hand.

What is forged is consistent in itself: lines chain, the log's tree is signed by the log's key,
runs have new keys. Only what people signed, and what others have seen, can't be made again.
"""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from babysitter.log.checkpoint import Checkpoint
from babysitter.log.notes import Note, NoteSignature, cosign, parse_key, sign_note, verifier_of
from babysitter.log.run_keys import progress_text, seal_text
from babysitter.log.tree import leaf_hash, root_of

Line = dict[str, Any]


def chained(lines: list[Line]) -> bytes:
    """Return lines as bytes that chain."""
    data = b""
    for seq, line in enumerate(lines, start=1):
        whole = {
            "seq": seq,
            "prefix": hashlib.sha256(data).hexdigest(),
            "type": line["type"],
            "recordedAt": line["recordedAt"],
            "data": line["data"],
        }
        data += json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    return data


def sha(data: bytes) -> str:
    """Return a SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


class Forger:
    """Works on one folder with ``runs`` and ``log``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.key = Ed25519PrivateKey.from_private_bytes((self.log / "log.key").read_bytes())
        self.name = parse_key((self.log / "log.vkey").read_text()).name

    def journal(self, run_id: str) -> Path:
        """Return where a run's journal is."""
        return self.folder / "runs" / run_id / "journal" / "journal.jsonl"

    def lines(self, run_id: str) -> list[Line]:
        """Return a run's lines."""
        return [json.loads(line) for line in self.journal(run_id).read_bytes().splitlines()]

    def rewrite(self, run_id: str, change: Callable[[list[Line]], list[Line]]) -> None:
        """Rewrite a run's journal so that it chains, and the log so that it tells of just that."""
        self.journal(run_id).write_bytes(chained(change(self.lines(run_id))))
        self.tell_log_again()

    def leaves(self) -> list[Line]:
        """Return the log's lines."""
        return [json.loads(line) for line in (self.log / "log.jsonl").read_bytes().splitlines()]

    def write_log(self, leaves: list[Line]) -> None:
        """Write a log of these leaves, and sign it."""
        data = chained(leaves)
        (self.log / "log.jsonl").write_bytes(data)
        hashes = [leaf_hash(line + b"\n") for line in data.split(b"\n")[:-1]]
        text = Checkpoint(origin=self.name, size=len(hashes), root=root_of(hashes)).text
        (self.log / "checkpoint").write_text(
            str(Note(text=text, signatures=(sign_note(text, self.key, self.name),)))
        )
        shutil.rmtree(self.log / "checkpoints", ignore_errors=True)

    def tell_log_again(self) -> None:
        """Have the log tell of the journals as they are now, with new keys for the runs."""
        keys: dict[str, Ed25519PrivateKey] = {}
        told = []
        for leaf in self.leaves():
            data = leaf["data"]
            run_id = data.get("runId")
            if run_id is not None and self.journal(run_id).exists():
                key = keys.setdefault(run_id, Ed25519PrivateKey.generate())
                if not self._tell_again(leaf["type"], data, run_id, key):
                    continue
            told.append(leaf)
        self.write_log(told)

    def _tell_again(self, kind: str, data: Line, run_id: str, key: Ed25519PrivateKey) -> bool:
        """Make a leaf true of a journal as it is now; False when there is nothing for it to be true of."""
        lines = self.lines(run_id)
        raw = self.journal(run_id).read_bytes().splitlines(keepends=True)
        heads = [sha(b"".join(raw[: count + 1])) for count in range(len(raw))]
        if kind == "run.opened":
            data["firstLineSha256"] = sha(raw[0])
            data["requestedBy"] = lines[0]["data"]["requestedBy"]
            data["runKey"] = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        elif kind == "run.sealed":
            data |= {"seq": len(raw), "prefix": heads[-1]}
            text = seal_text(run_id, data["seq"], data["prefix"], data["status"])
            data["signature"] = base64.b64encode(key.sign(text)).decode()
        elif kind == "run.progress":
            data["prefix"] = heads[data["seq"] - 1]
            text = progress_text(run_id, data["seq"], data["prefix"])
            data["signature"] = base64.b64encode(key.sign(text)).decode()
        elif kind == "approval":
            return self._tell_answer_again(data, lines, raw, heads)
        return True

    def _tell_answer_again(self, data: Line, lines: list[Line], raw: list[bytes], heads: list[str]) -> bool:
        answers = [
            (number, line["data"])
            for number, line in enumerate(lines, start=1)
            if line["type"] == "BREAKPOINT_RESPONDED" and line["data"]["breakpointId"] == data["breakpointId"]
        ]
        if not answers:
            return False
        seq, answer = answers[-1]
        data |= {"seq": seq, "prefix": heads[seq - 1], "lineSha256": sha(raw[seq - 1])}
        for name in ("approver", "decision", "method", "statementSha256", "keyFingerprint"):
            if name in answer:
                data[name] = answer[name]
            else:
                data.pop(name, None)
        if "signatureRef" in answer:
            data["signatureSha256"] = answer["signatureRef"]["sha256"]
        return True


def seen_by_a_witness(folder: Path, trust: Path, *, time_s: int, name: str = "witness.example") -> None:
    """Have a witness cosign the log's checkpoint, and the auditor bring what it has seen."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    note = (folder / "log" / "checkpoint").read_text()
    text, _, tail = note.rpartition("\n\n")
    signature: NoteSignature = cosign(text + "\n", key, name, time_s)
    (trust / "seen").mkdir(parents=True, exist_ok=True)
    (trust / "seen" / name).write_text(f"{text}\n\n{tail}{signature}")
    (trust / "witnesses").write_text(f"{verifier_of(key, name, 4)}\n")
