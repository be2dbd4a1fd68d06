"""What egress by name costs: a program started behind the proxy, and bytes through it.

    python -m benchmarks.egress --dir DIR [--count 30] [--megabytes 256] [--rounds 3]

Both are ratios of neighbours in time: ``true`` with a grant of one host over ``true`` without, and bytes a
second that a program in a sandbox reads through the proxy over those that the same program reads from the
same server of this machine without one. Prints one JSON object with medians.
"""

import argparse
import json
import shutil
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from babysitter.executors.sandbox.choose import choose_runner
from babysitter.model.effects import Sandbox
from babysitter.model.runner import Program, Runner
from benchmarks.ours import Nothing

MEGABYTE = 1_000_000
READ = """
import socket, sys, time
port, proxied = int(sys.argv[1]), sys.argv[2] == "proxied"
source = socket.create_connection(("127.0.0.1", 3128 if proxied else port))
if proxied:
    source.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\\r\\n\\r\\n".encode())
    answer = b""
    while not answer.endswith(b"\\r\\n\\r\\n"):
        answer += source.recv(1)
    assert b" 200 " in answer, answer
source.sendall(b"!")
began, count, room = time.monotonic(), 0, bytearray(1 << 18)
while size := source.recv_into(room):
    count += size
print(count / (time.monotonic() - began))
"""


class Kept(Nothing):
    """A sink that keeps what a program prints."""

    def __init__(self) -> None:
        self.text = b""

    def write(self, chunk: bytes) -> None:
        """Keep it."""
        self.text += chunk


@contextmanager
def source_of(size: int) -> Iterator[int]:
    """Serve this many bytes to whoever connects and sends one; gives the port."""
    block = bytes(1 << 20)

    def pour(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            left = size if connection.recv(1) else 0
            while left > 0:
                connection.sendall(block[:left])
                left -= len(block)

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=pour, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def start_s(runner: Runner, sandbox: Sandbox) -> float:
    """Return the seconds that ``true`` takes in a sandbox."""
    sink = Nothing()
    began = time.monotonic()
    ended = runner.run(Program(argv=("true",), env={}, timeout_s=30), sandbox, sink, sink, sink)
    assert (ended.why, ended.status) == ("exit", 0), ended
    return time.monotonic() - began


def bytes_per_s(runner: Runner, sandbox: Sandbox, port: int, way: str) -> float:
    """Return how fast a program in a sandbox reads from the server, as it measures that itself."""
    out, errors = Kept(), Kept()
    argv = (sys.executable, "-I", "-S", "-c", READ, str(port), way)
    ended = runner.run(Program(argv=argv, env={}, timeout_s=120), sandbox, out, errors, Nothing())
    assert (ended.why, ended.status) == ("exit", 0), errors.text
    return float(out.text)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, required=True)
    given = parser.parse_args()
    folder: Path = given.dir / "egress"
    folder.mkdir(parents=True)
    try:
        runner = choose_runner(folder)
        with source_of(given.megabytes * MEGABYTE) as port:
            named, whole = Sandbox(network=(f"127.0.0.1:{port}",)), Sandbox(network=("*",))
            start_s(runner, named)
            starts = [(start_s(runner, Sandbox()), start_s(runner, named)) for _ in range(given.count)]
            speeds = [
                (bytes_per_s(runner, whole, port, "direct"), bytes_per_s(runner, named, port, "proxied"))
                for _ in range(given.rounds)
            ]
    finally:
        shutil.rmtree(folder)
    report = {
        "plainS": statistics.median(plain for plain, _ in starts),
        "namedS": statistics.median(through for _, through in starts),
        "startRatio": statistics.median(through / plain for plain, through in starts),
        "directPerS": statistics.median(direct for direct, _ in speeds),
        "proxiedPerS": statistics.median(through for _, through in speeds),
        "speedRatio": statistics.median(through / direct for direct, through in speeds),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
