"""Signed notes: a text with signatures below it, each under a named key.

    <text, every line ended by a newline>
    <an empty line>
    — <key name> <base64 of a 4-byte key id and the signature>

Two kinds of key are known: a log's Ed25519 key signs the text; a witness's signs the
time and the text ("cosignature/v1"). Signatures of unknown keys are kept and believed by nobody.

Source: C2SP signed-note and tlog-cosignature.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from babysitter.model.errors import WitnessError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOTE_BYTES_MAX = 64 * 1024
SIGNATURES_MAX = 64
LOG_KEY, WITNESS_KEY = 0x01, 0x04
_MARK = "\u2014 "
TIME_S_MAX = 253_402_300_799
"""The last second of the year 9999: a witness that says more says nothing."""
_NAME = re.compile(r"[^\s+\x00-\x20\x7f\ud800-\udfff]{1,255}")
_NOT_TEXT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key under its name. ``kind``: LOG_KEY or WITNESS_KEY; ``public``: 32 bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which signatures name the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One line below the text: ``blob`` is what stands behind the key id."""

    name: str
    key_id: bytes
    blob: bytes

    def __str__(self) -> str:
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.blob).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text, ended by a newline, and its signatures."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(str(each) for each in self.signatures)

    def with_signatures(self, *more: NoteSignature) -> "Note":
        """Return the note with further signatures; one that it has already is not repeated."""
        return Note(text=self.text, signatures=tuple(dict.fromkeys((*self.signatures, *more))))


def parse_key(text: str) -> VerifierKey:
    """Return the key of its text form, ``name+hex id+base64``.

    Raises:
        WitnessError: it is not one, or its id is not its own.
    """
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    data = _decoded(encoded)
    if not _NAME.fullmatch(name) or len(data) != 33 or data[0] not in (LOG_KEY, WITNESS_KEY):
        raise _error(
            f"{text[:80]!r} is no verifier key", "It has the form name+id+base64; ask whoever runs it."
        )
    key = VerifierKey(name=name, kind=data[0], public=data[1:])
    if key.key_id.hex() != key_id:
        raise _error(f"the id of verifier key {name} is not its own", "It was mistyped; ask whoever runs it.")
    return key


def parse_note(text: str) -> Note:
    """Return the note of its text.

    Raises:
        WitnessError: it is not one.
    """
    if len(text) > NOTE_BYTES_MAX:
        raise _error(f"a note of {len(text)} characters is too long", "Nothing of ours makes such a note.")
    body, mark, tail = text.rpartition("\n\n")
    if not mark or not tail.endswith("\n") or not body or _NOT_TEXT.search(text):
        raise _error("this is no signed note", "A note is a text, an empty line, and signatures.")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise _error(f"the note has {len(lines)} signatures", f"At most {SIGNATURES_MAX} are read.")
    return Note(text=body + "\n", signatures=tuple(parse_signature(line) for line in lines))


def parse_signature(line: str) -> NoteSignature:
    """Return the signature of one line below a note's text, without its newline.

    Raises:
        WitnessError: it is not one.
    """
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    data = _decoded(encoded)
    if not line.startswith(_MARK) or not _NAME.fullmatch(name) or len(data) < 5:
        raise _error(f"{line[:80]!r} is no signature of a note", "It begins with a dash, a name and base64.")
    return NoteSignature(name=name, key_id=data[:4], blob=data[4:])


def sign_note(text: str, key: "Ed25519PrivateKey", name: str) -> NoteSignature:
    """Return a log's signature of a note's text."""
    public = verifier_of(key, name, LOG_KEY)
    return NoteSignature(name=name, key_id=public.key_id, blob=key.sign(text.encode()))


def cosign(text: str, key: "Ed25519PrivateKey", name: str, time_s: int) -> NoteSignature:
    """Return a witness's signature: that it saw this text at a time, and only ever consistent ones before."""
    public = verifier_of(key, name, WITNESS_KEY)
    blob = time_s.to_bytes(8, "big") + key.sign(_cosigned(text, time_s))
    return NoteSignature(name=name, key_id=public.key_id, blob=blob)


def verifier_of(key: "Ed25519PrivateKey", name: str, kind: int) -> VerifierKey:
    """Return the public half of a key under a name."""
    return VerifierKey(name=name, kind=kind, public=key.public_key().public_bytes_raw())


def is_signed_by(note: Note, key: VerifierKey) -> bool:
    """Tell whether a log's key signed the note."""
    assert key.kind == LOG_KEY, "a witness's signature carries a time: see cosigned_at"
    return any(
        each.name == key.name
        and each.key_id == key.key_id
        and is_ed25519(key.public, each.blob, note.text.encode())
        for each in note.signatures
    )


def cosigned_at(note: Note, key: VerifierKey) -> int | None:
    """Return when a witness says it saw the note, in seconds since 1970; None when it does not."""
    times = []
    for each in note.signatures:
        if each.name == key.name and each.key_id == key.key_id and len(each.blob) == 72:
            time_s = int.from_bytes(each.blob[:8], "big")
            if time_s <= TIME_S_MAX and is_ed25519(key.public, each.blob[8:], _cosigned(note.text, time_s)):
                times.append(time_s)
    return min(times, default=None)


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _decoded(encoded: str) -> bytes:
    """Return the bytes of base64 in its one canonical form; none when it is not that."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if base64.b64encode(data).decode() == encoded else b""


def is_ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether a public key's owner signed the message."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 (25 ms to import)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _error(what: str, hint: str) -> WitnessError:
    return WitnessError(f"{what}.", hint=hint)
