"""Starting a program: its descriptors, its session, its signals, and what cannot be started."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from babysitter.executors.sandbox import spawn as spawning
from babysitter.executors.sandbox.spawn import FIRST_SPARE_FD, spare, spawn
from babysitter.model.errors import MissingToolError, SandboxError

WAYS = [spawning._spawn_listing, *([spawning._spawn_exactly] if spawning._HAS_CLOSEFROM else [])]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = map(spare, os.pipe())
    yield reader, writer
    os.close(reader)


def said(
    way: Callable[..., int], pipe: tuple[int, int], script: str, env: dict[str, str] | None = None
) -> str:
    """Return what a shell script prints; descriptor 3 is the pipe too."""
    reader, writer = pipe
    null = spare(os.open(os.devnull, os.O_RDWR))
    pid = way(["/bin/sh", "-c", script], env or {}, [null, writer, null, writer])
    os.close(writer)
    os.close(null)
    text = b""
    while chunk := os.read(reader, 65536):
        text += chunk
    os.waitpid(pid, 0)
    return text.decode()


@pytest.mark.parametrize("way", WAYS)
def test_the_program_has_the_named_descriptors_and_no_others(
    way: Callable[..., int], pipe: tuple[int, int]
) -> None:
    leaked = os.open("/", os.O_RDONLY)
    os.set_inheritable(leaked, True)

    numbers = " ".join(map(str, range(200)))
    script = f"for n in {numbers}; do [ -e /proc/$$/fd/$n ] && echo $n; done"
    names = said(way, pipe, script)

    os.close(leaked)
    assert names.split() == ["0", "1", "2", "3"]


@pytest.mark.parametrize("way", WAYS)
def test_the_program_leads_a_session_and_takes_signals_as_usual(
    way: Callable[..., int], pipe: tuple[int, int]
) -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})

    found = said(
        way, pipe, "read stat < /proc/$$/stat; echo $$ $stat; exec grep -E 'SigBlk|SigIgn' /proc/self/status"
    )

    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})
    signal.signal(signal.SIGUSR1, before)
    stat, blocked, ignored = found.splitlines()
    pid, fields = stat.split(" ", 1)[0], stat.rpartition(") ")[2].split()
    assert fields[2] == fields[3] == pid
    assert int(blocked.split()[1], 16) == 0
    assert int(ignored.split()[1], 16) & (1 << (signal.SIGUSR1 - 1) | 1 << (signal.SIGPIPE - 1)) == 0


@pytest.mark.parametrize("way", WAYS)
def test_the_environment_is_what_was_given(way: Callable[..., int], pipe: tuple[int, int]) -> None:
    assert said(way, pipe, "/usr/bin/env", {"A": "ä\nb"}).startswith("A=ä\nb\n")


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingToolError, match="/no/such/program"):
        spawn(["/no/such/program"], {}, [])


def test_a_program_that_cannot_be_started_is_refused() -> None:
    with pytest.raises(SandboxError, match="Permission denied"):
        spawn(["/etc/passwd"], {}, [])


@pytest.mark.skipif(not spawning._HAS_CLOSEFROM, reason="only where the C library is called by hand")
def test_an_argument_is_never_cut_short() -> None:
    with pytest.raises(SandboxError):
        spawn(["/bin/true", "a\0b"], {}, [])


def test_our_own_ends_stand_out_of_the_way() -> None:
    fd = spare(os.open(os.devnull, os.O_RDONLY))

    assert fd >= FIRST_SPARE_FD
    assert not os.get_inheritable(fd)
    os.close(fd)
