"""Single mutations of a run's bytes, and what of them no check of the run alone can show."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import JOURNAL, MemoryStore
from babysitter.testing.sample_run import RUN_ID, write_sample_run

Files = dict[str, bytes]
REPEATED = ("tasks/1-build/input.json", "tasks/1-build/result.json")
"""Files that say again what a line says: their value counts, not their bytes."""


@dataclass(frozen=True)
class Mutation:
    """A run with one thing changed."""

    name: str
    files: Files
    path: str


def sample_files() -> Files:
    store = MemoryStore()
    write_sample_run(store, FakeClock())
    return dict(store.runs[RUN_ID].files)


def store_of(files: Files) -> MemoryStore:
    store = MemoryStore()
    store.create(RUN_ID, {path: data for path, data in files.items() if path != JOURNAL}, files[JOURNAL])
    return store


def mutate(files: Files, dice: random.Random) -> Mutation:
    """Return the run with one random mutation; never the run itself."""
    while True:
        name, change = dice.choice(sorted(_MUTATIONS.items()))
        path = dice.choice(sorted(files)) if name.startswith("blob") else JOURNAL
        if name.startswith("blob") and path == JOURNAL:
            continue
        mutated = change(files[path], dice)
        if mutated != files[path]:
            return Mutation(name, {**files, path: mutated}, path)


def is_beyond_a_chain(original: Files, mutation: Mutation) -> str | None:
    """Return why no check of the run alone can show the mutation; None when one must."""
    if mutation.path in REPEATED:
        return (
            "the same value" if _same_value(original[mutation.path], mutation.files[mutation.path]) else None
        )
    if mutation.path != JOURNAL:
        return None
    before, after = original[JOURNAL], mutation.files[JOURNAL]
    last = before.rindex(b"\n", 0, -1) + 1
    if after and after.endswith(b"\n") and before.startswith(after):
        return "whole trailing lines removed"
    if (
        after.startswith(before[:last])
        and after.count(b"\n") == before.count(b"\n")
        and after.endswith(b"\n")
    ):
        return "the last line itself changed"
    return None


def _same_value(before: bytes, after: bytes) -> bool:
    try:
        return bool(orjson.loads(before) == orjson.loads(after))
    except orjson.JSONDecodeError:
        return False


def _byte(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]


def _swap(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    one, other = dice.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _delete(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[dice.randrange(len(lines))]
    return b"".join(lines)


def _double(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines))
    return b"".join(lines)


def _insert(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.choice([b" ", b"\n", b"\0", b"0", b"}", dice.randbytes(5)]) + data[at:]


def _cut_out(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.randint(1, 50) :]


def _truncate(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def _truncate_lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: dice.randrange(1, len(lines))])


def _last_time(data: bytes, dice: random.Random) -> bytes:
    at = data.rindex(b'Z","data"') - dice.randint(1, 6)
    return data[:at] + str(dice.randrange(10)).encode() + data[at + 1 :]


_MUTATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "byte": _byte,
    "swap": _swap,
    "delete": _delete,
    "double": _double,
    "insert": _insert,
    "cut out": _cut_out,
    "truncate": _truncate,
    "truncate lines": _truncate_lines,
    "last time": _last_time,
    "blob byte": _byte,
    "blob insert": _insert,
    "blob truncate": _truncate,
}
