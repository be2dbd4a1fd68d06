"""A server asks the allocator to give memory back, where it can be asked, and nobody has chosen otherwise."""

import subprocess
import sys

import pytest

ASK = "from babysitter.server.memory import give_memory_back; print(give_memory_back())"


def asked(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ASK], check=True, capture_output=True, text=True, env={**environment}
    )
    return done.stdout.strip()


@pytest.mark.linux
def test_glibc_is_asked_and_agrees() -> None:
    assert asked() == "True"


def test_who_has_tuned_the_allocator_is_left_alone() -> None:
    assert asked(MALLOC_ARENA_MAX="8") == "False"
