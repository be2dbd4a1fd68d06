"""Memory that a server is done with goes back to the system, for as long as it serves.

glibc gives each thread an arena of its own and, once it has seen large blocks freed, keeps blocks of that
size: measured over ten minutes of runs that come and go, a server grew by 3.5 KB a run, of which its
values were 0.7 KB. With two arenas, and large blocks given back, by 1.3 KB.

Source: mallopt(3). Whoever has set ``MALLOC_ARENA_MAX`` and the like has chosen, and is left alone.
"""

import sys

from babysitter.config import environment

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_BLOCK_BYTES = 128 * 1024
"""What glibc begins with, before it adapts."""
_ARENAS = 2


def give_memory_back() -> bool:
    """Have freed memory given back from now on; return whether this system's allocator was asked to."""
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in environment()):
        return False
    import ctypes  # noqa: PLC0415 (only a server needs it)

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        # musl has no arenas.
        return False
    asked = ((_M_ARENA_MAX, _ARENAS), (_M_MMAP_THRESHOLD, _BLOCK_BYTES), (_M_TRIM_THRESHOLD, _BLOCK_BYTES))
    taken = [mallopt(*each) == 1 for each in asked]
    return all(taken)
