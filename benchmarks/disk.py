"""The disk's own limit: a bare loop that appends a line and syncs it, with nothing around it.

A figure of ours is worth something only beside this, taken in the same run, on
the same file system, by the same kind of process, with lines of the same size.
Nothing here imports Babysitter, so that the limit cannot inherit our costs.

Run by benchmarks/run.py, a fresh process for each loop:
    python -m benchmarks.disk one --dir DIR --bytes 900 --count 1000
    python -m benchmarks.disk many --dir DIR --bytes 900 --files 1000 --rounds 10
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

NOT_A_DISK_SYNCS_PER_S = 20_000
"""No disk syncs faster: what does keeps the bytes in memory, and a ratio against it says nothing."""

_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC


def append_to_one(folder: Path, line: bytes, count: int) -> float:
    """Append the line ``count`` times to one new file, each time synced; return the seconds it took."""
    descriptor = os.open(folder / "one.jsonl", _NEW_FILE, 0o600)
    started = time.perf_counter()
    for _ in range(count):
        os.write(descriptor, line)
        os.fdatasync(descriptor)
    took_s = time.perf_counter() - started
    os.close(descriptor)
    return took_s


def append_to_many(folder: Path, line: bytes, files: int, rounds: int) -> float:
    """Append the line to each of ``files`` new files in turn, ``rounds`` times; return the seconds it took.

    Each append is synced. Each file lies in a folder of its own, as the journal of a run does, and is opened
    for each line: a process is not given a thousand descriptors everywhere.
    """
    paths = [folder / f"run-{number:05d}" / "journal.jsonl" for number in range(files)]
    for path in paths:
        path.parent.mkdir()
        os.close(os.open(path, _NEW_FILE, 0o600))
    started = time.perf_counter()
    for _ in range(rounds):
        for path in paths:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            os.write(descriptor, line)
            os.fdatasync(descriptor)
            os.close(descriptor)
    return time.perf_counter() - started


def line_of(size_bytes: int) -> bytes:
    """Return a line of that many bytes, its newline counted."""
    return b"x" * (size_bytes - 1) + b"\n"


def main() -> None:
    """Run one loop and print what it did as one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("loop", choices=["one", "many"])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--bytes", type=int, default=900)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="disk-", dir=given.dir))
    line = line_of(given.bytes)
    cpu_before_s = time.process_time()
    try:
        if given.loop == "one":
            lines, took_s = given.count, append_to_one(folder, line, given.count)
        else:
            lines, took_s = (
                given.files * given.rounds,
                append_to_many(folder, line, given.files, given.rounds),
            )
        cpu_s = time.process_time() - cpu_before_s
    finally:
        shutil.rmtree(folder)
    print(
        json.dumps(
            {"lines": lines, "bytes": given.bytes, "seconds": took_s, "perS": lines / took_s, "cpuS": cpu_s}
        )
    )


if __name__ == "__main__":
    main()
