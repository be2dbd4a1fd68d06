"""The program's entry point, with a fast path for ``--version`` that imports nothing else."""

import os
import sys

DRIVING = frozenset(
    {
        "start",
        "resume",
        "iterate",
        "replay",
        "cancel",
        "mcp",
        "serve",
        "run:iterate",
        "run:replay",
        "run:cancel",
    }
)
"""Commands that run process code."""


def main() -> None:
    """Run the command line and leave with its exit status."""
    if sys.argv[1:] == ["--version"]:
        from babysitter._version import __version__  # noqa: PLC0415 (all that --version needs)

        sys.stdout.write(f"babysitter {__version__}\n")
        return
    if sys.flags.hash_randomization and any(word in DRIVING for word in sys.argv[1:3]):
        from babysitter.config import with_fixed_hashing  # noqa: PLC0415 (only drivers need it)

        # Process code that iterates over a set of text must do so alike on every replay.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], with_fixed_hashing())  # noqa: S606, TID251 (ourselves again)
    from babysitter.cli.root import run  # noqa: PLC0415 (click costs 25 ms, which --version does not pay)

    sys.exit(run(sys.argv[1:]))
