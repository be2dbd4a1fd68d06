"""Measures what docs/adr/ quotes: run it on a quiet machine, read the ratios, not the absolute numbers.

Each measurement prints one line and stands alone. Files go to a fresh folder
below the one given (default: the current one), because /tmp may be memory.
"""

import argparse
import asyncio
import gc
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ahocorasick_rs
import msgspec
import orjson
import rfc8785

LINE = b'{"seq":2,"prefix":"' + b"0" * 64 + b'","type":"EFFECT_STARTED","data":{"x":"' + b"y" * 180 + b'"}}\n'
RUNS, STEPS = 400, 10


def seconds(work: Callable[[], object], *, repeat: int = 3) -> float:
    """Return the best of ``repeat`` timings, in seconds."""
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def report(name: str, **figures: float | str) -> None:
    """Print one measurement."""
    print(f"{name:34}", "  ".join(f"{key}={_shown(figure)}" for key, figure in figures.items()))


def _shown(figure: float | str) -> str:
    return figure if isinstance(figure, str) else f"{figure:,.2f}"


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _append(descriptor: int, batch: bytes) -> None:
    os.write(descriptor, batch)
    os.fdatasync(descriptor)


def one_file_per_run(folder: Path) -> None:
    """Compare a synced file a run, one at a time and in threads, with one file that syncs for all."""
    files = [_open(folder / f"run-{index}") for index in range(RUNS)]
    shared = _open(folder / "shared")
    rates = {"one at a time": _rate(lambda: _in_turn(files))}
    for threads in (2, 4, 8, 16, 32):
        with ThreadPoolExecutor(threads) as pool:
            rates[f"{threads} threads"] = _rate(partial(_overlapped, pool, files))
    for lines in (1, 8, 32, RUNS):
        rates[f"shared, {lines} a sync"] = _rate(partial(_together, shared, lines))
    for name, rate in rates.items():
        report(f"journals: {name}", lines_s=rate, ratio=rate / rates["one at a time"])
    for descriptor in [*files, shared]:
        os.close(descriptor)


def _rate(work: Callable[[], object]) -> float:
    return RUNS * STEPS / seconds(work)


def _in_turn(files: list[int]) -> None:
    for _ in range(STEPS):
        for file in files:
            _append(file, LINE)


def _overlapped(pool: ThreadPoolExecutor, files: list[int]) -> None:
    for _ in range(STEPS):
        list(pool.map(lambda file: _append(file, LINE), files))


def _together(file: int, lines: int) -> None:
    for _ in range(RUNS * STEPS // lines):
        _append(file, LINE * lines)


def syncing_in_a_thread(folder: Path) -> None:
    """Compare a sync in the calling thread with one handed to another thread."""
    count = 1000
    descriptor = _open(folder / "hop")

    def inline() -> None:
        for _ in range(count):
            _append(descriptor, LINE)

    def hopped() -> None:
        with ThreadPoolExecutor(1) as pool:
            for _ in range(count):
                pool.submit(_append, descriptor, LINE).result()

    direct, handed = count / seconds(inline), count / seconds(hopped)
    report("sync: inline against a hop", inline_s=direct, hopped_s=handed, ratio=handed / direct)
    os.close(descriptor)


def chaining() -> None:
    """Time SHA-256 over a growing file: one running hash, its digest taken at each line."""
    count = 100_000

    def chain() -> None:
        running = hashlib.sha256()
        for _ in range(count):
            running.copy().hexdigest()
            running.update(LINE)

    report("chain: digest of the prefix", lines_s=count / seconds(chain))


class _Event(msgspec.Struct, frozen=True):
    effect_id: str
    attempt: int
    status: str
    result: Any


@dataclass(frozen=True, slots=True)
class _Plain:
    effect_id: str
    attempt: int
    status: str
    result: Any


def encoding() -> None:
    """Compare typed encode and decode: msgspec, orjson, dataclasses with the standard library."""
    count = 50_000
    result: dict[str, Any] = {"files": ["a", "b"], "ok": True, "size": 12}
    struct, plain = _Event("3-build", 1, "ok", result), _Plain("3-build", 1, "ok", result)
    data, decoder = msgspec.json.encode(struct), msgspec.json.Decoder(_Event)

    def each(work: Callable[[], object]) -> float:
        def loop() -> None:
            for _ in range(count):
                work()

        return seconds(loop) / count * 1e6

    report(
        "encode a typed event, us",
        msgspec=each(lambda: msgspec.json.encode(struct)),
        orjson_dataclass=each(lambda: orjson.dumps(plain)),
        stdlib=each(lambda: json.dumps(asdict(plain))),
    )
    report(
        "decode and check an event, us",
        msgspec=each(lambda: decoder.decode(data)),
        stdlib_unchecked=each(lambda: _Plain(**json.loads(data))),
    )
    report(
        "encode plain JSON, us",
        orjson=each(lambda: orjson.dumps(result)),
        orjson_sorted=each(lambda: orjson.dumps(result, option=orjson.OPT_SORT_KEYS)),
        stdlib=each(lambda: json.dumps(result)),
        rfc8785=each(lambda: rfc8785.dumps(result)),
    )


def searching() -> None:
    """Compare a search for 600 forms of 50 secrets in a line and in a 64 KiB log chunk."""
    secrets = [hashlib.sha256(str(index).encode()).hexdigest()[:24] for index in range(50)]
    forms = [secret[shift:] + end for secret in secrets for shift in range(6) for end in ("", "==")]
    automaton = ahocorasick_rs.AhoCorasick(forms)
    for name, text, count in (("300 B line", "x y " * 75, 2000), ("64 KiB chunk", "x y " * 16384, 20)):
        fast = seconds(partial(_one_pass, automaton, text, count))
        slow = seconds(partial(_one_by_one, forms, text, count))
        one_pass, one_by_one = fast / count * 1e6, slow / count * 1e6
        figures = {"aho_corasick": one_pass, "one_by_one": one_by_one, "ratio": slow / fast}
        report(f"search: {len(forms)} forms, {name}, us", **figures)


def _one_pass(automaton: ahocorasick_rs.AhoCorasick, text: str, count: int) -> None:
    for _ in range(count):
        automaton.find_matches_as_indexes(text)


def _one_by_one(forms: list[str], text: str, count: int) -> None:
    for _ in range(count):
        any(form in text for form in forms)


def returning_results(folder: Path) -> None:
    """Compare a memory file with a file on disk for a result of 64 KiB."""
    count, result = 2000, b"r" * 65536

    def in_memory() -> None:
        for _ in range(count):
            descriptor = os.memfd_create("result", os.MFD_CLOEXEC)
            os.write(descriptor, result)
            os.pread(descriptor, len(result), 0)
            os.close(descriptor)

    def on_disk() -> None:
        for index in range(count):
            path = folder / f"result-{index}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(descriptor, result)
            os.pread(descriptor, len(result), 0)
            os.close(descriptor)
            path.unlink()

    report(
        "result: memory file, disk file, us",
        memfd=seconds(in_memory) / count * 1e6,
        disk=seconds(on_disk) / count * 1e6,
    )


@types.coroutine
def _pause() -> Any:  # noqa: ANN401 (a bare yield has no better type)
    return (yield)


async def _process(count: int) -> None:
    for _ in range(count):
        await _pause()


async def _looped(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def _sent(count: int) -> None:
    running = _process(count)
    running.send(None)
    for _ in range(count - 1):
        running.send(None)
    running.close()


def switching() -> None:
    """Compare driving a coroutine by send() with an event loop's task switch."""
    count = 100_000
    sent = seconds(lambda: _sent(count)) / count * 1e6
    switched = seconds(lambda: asyncio.run(_looped(count))) / count * 1e6
    report("step of a coroutine, us", send=sent, asyncio=switched, ratio=switched / sent)


def main() -> None:
    """Run every measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", default=".", type=Path)
    place = parser.parse_args().folder
    load = statistics.fmean(os.getloadavg())
    report("machine", python=sys.version.split()[0], cpus=float(os.cpu_count() or 0), load=load)
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        one_file_per_run(folder)
        syncing_in_a_thread(folder)
        returning_results(folder)
    chaining()
    encoding()
    searching()
    switching()


if __name__ == "__main__":
    main()
