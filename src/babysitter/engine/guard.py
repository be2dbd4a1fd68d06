"""Stops process code that reaches for clock, dice, files, sockets or programs without ``ctx``.

While process code steps, a profile function sees each call of a C function and
refuses those of the clock and the dice, by identity; an audit hook, installed once
in a Python process, refuses what opens, connects or spawns. Outside of a step
either costs next to nothing.

What is let through: importing a module, whatever its body does; what logging, warnings
and tracebacks do to show something; and what Python runs in the middle of anything,
as handlers of signals, and finalizers when garbage is collected. What the guard can't see is named in
SECURITY.md; that a replay differs is detected all the same.

This module imports none of what it watches: it looks functions up among the modules
that are loaded.
"""

import gc
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache, lru_cache
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Final, TypeVar

from babysitter.authoring.steps import Value
from babysitter.model.errors import ForbiddenCallError

A = TypeVar("A")
R = TypeVar("R")

_CLOCK: Final = "Use `await ctx.now()`; it is journaled, so a replay gets the same."
_DICE: Final = (
    "Use `await ctx.random()` or `await ctx.uuid()`; they are journaled, so a replay gets the same."
)
_WAIT: Final = "Use `await ctx.sleep(seconds)`; it survives a restart."
_FILES: Final = "Do it in a task: `await ctx.task(...)`; what it returns is journaled."
_SOCKETS: Final = "Do it in a task whose sandbox names the network it may use: `await ctx.task(...)`."
_PROGRAMS: Final = "Start programs by a @shell_task: `await ctx.task(...)`."
_ASYNCIO: Final = (
    "asyncio can't work in process code: use `ctx.sleep`, `ctx.parallel.all`, `ctx.parallel.map`, `ctx.task`."
)
_PEOPLE: Final = "Ask people by `await ctx.breakpoint(...)`."
_BRANCHES: Final = "Run branches by `await ctx.parallel.all(...)`."

_C_FUNCTIONS: Final = (
    (
        "time",
        "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns",
        _CLOCK,
    ),
    ("time", "thread_time thread_time_ns clock_gettime clock_gettime_ns", _CLOCK),
    ("time", "localtime gmtime ctime asctime strftime", _CLOCK),
    ("time", "sleep", _WAIT),
    ("datetime", "datetime.now datetime.utcnow datetime.today date.today", _CLOCK),
    ("random", "random getrandbits", _DICE),
    ("_uuid", "generate_time_safe", _DICE),
    ("posix", "urandom getrandom", _DICE),
    ("posix", "stat lstat access readlink statvfs", _FILES),
    ("_thread", "start_new_thread", _BRANCHES),
)
"""(module, names, what to use instead). ``strftime`` and its like read the clock when they get no time."""

_LATE: Final = ("random", "_uuid")
"""Those of the modules that may come in the middle of a step; Python and this product load the others."""

_SEED: Final = "Seed it: `Random(await ctx.random())`; a generator without a seed takes one from the machine."

_EVENTS: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "os.rmdir"), _FILES
    ),
    **dict.fromkeys(
        ("os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime", "os.walk"), _FILES
    ),
    **dict.fromkeys(
        ("os.chdir", "os.putenv", "os.unsetenv", "glob.glob", "sqlite3.connect", "mmap.__new__"), _FILES
    ),
    **dict.fromkeys(
        ("shutil.copyfile", "shutil.move", "shutil.rmtree", "tempfile.mkstemp", "tempfile.mkdtemp"), _FILES
    ),
    **dict.fromkeys(
        ("socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"), _SOCKETS
    ),
    **dict.fromkeys(
        ("socket.gethostbyname", "socket.gethostname", "urllib.Request", "http.client.connect"), _SOCKETS
    ),
    **dict.fromkeys(
        ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile"), _PROGRAMS
    ),
    **dict.fromkeys(("os.fork", "os.forkpty", "pty.spawn"), _PROGRAMS),
    "builtins.input": _PEOPLE,
    "_thread.start_new_thread": _BRANCHES,
}

_LET_THROUGH: Final = frozenset(
    "_frozen_importlib _frozen_importlib_external importlib._bootstrap importlib._bootstrap_external "
    "linecache traceback warnings".split()
)
"""Modules whose calls are let through, whoever they import or show something for; and all of logging."""

_stepping: ContextVar[bool] = ContextVar("babysitter_stepping", default=False)
_violation: ContextVar[ForbiddenCallError | None] = ContextVar("babysitter_violation", default=None)

_TRIES_MAX: Final = 1_000_000

Profiler = Callable[[FrameType, str, Any], None]


class _Collection:
    """Whether garbage is being collected, in whichever thread.

    A plain attribute: a collection may begin inside of ``ContextVar.set``, where setting another one
    corrupts the context (seen as crashes of the interpreter with several drivers in one process).
    """

    __slots__ = ("is_running",)

    def __init__(self) -> None:
        self.is_running = False

    def note(self, phase: str, _info: dict[str, int]) -> None:
        """Take what ``gc.callbacks`` are told."""
        self.is_running = phase == "start"


_collection: Final = _Collection()


class Guard:
    """Watches process code step. One may serve any number of machines, in any threads."""

    def __init__(self) -> None:
        _install()
        self._module_count = 0
        self._profile: Profiler | None = None

    def watch(self, call: Callable[[A], R], argument: A) -> R:
        """Call with the argument, watched.

        Raises:
            ForbiddenCallError: at the forbidden call, inside; ``violation`` keeps it if it is swallowed.
        """
        # Somebody's profiler stays: the audit hook still watches, and replay still detects.
        profiler = self._profiler() if sys.getprofile() is None else None
        try:
            _stepping.set(True)
            if profiler is not None:
                _set_profile(profiler)
            return call(argument)
        finally:
            if profiler is not None:
                _set_profile(None)
            # Not reset(): a collection in the middle of it may ask, and leave the old value cached.
            _stepping.set(False)

    def _profiler(self) -> Profiler:
        """Return the profile function; looked for anew when modules have been loaded since the last step."""
        if self._profile is None or len(sys.modules) != self._module_count:
            self._module_count = len(sys.modules)
            self._profile = _profiler(*map(_extent, _LATE))
        return self._profile

    def violation(self) -> ForbiddenCallError | None:
        """Return, once, the first forbidden call that was made since the last time this was asked."""
        found = _violation.get()
        if found is not None:
            _violation.set(None)
        return found


def _set_profile(profiler: Profiler | None) -> None:
    """Set this thread's profile function; where another thread is in the middle of setting its own, again."""
    for _ in range(_TRIES_MAX):
        try:
            sys.setprofile(profiler)
        except RuntimeError:
            # CPython 3.11 has one mark for all threads, and refuses instead of waiting.
            continue
        return
    sys.setprofile(profiler)


@lru_cache(maxsize=4)
def _profiler(*_extents: tuple[ModuleType | None, int]) -> Profiler:
    """Return the profile function for the watched modules as far as they are loaded now."""
    functions = {value: hint for _, value, hint in _loaded(_C_FUNCTIONS)}
    seeding = [value.__code__ for _, value, _ in _loaded((("random", "Random.seed", ""),))]
    seed = seeding[0] if seeding else None

    def profile(frame: FrameType, event: str, argument: Value) -> None:
        # Called some fifty times a step: the one comparison that most events stop at comes first.
        if event == "c_call":
            if argument in functions:
                _refuse(frame, _name_of(argument), functions[argument])
            elif frame.f_code is seed and frame.f_locals.get("a") is None:
                _refuse(frame, "random.Random()", _SEED)

    return profile


def _extent(name: str) -> tuple[ModuleType | None, int]:
    """Return a module and how many names it has: while it is being imported, its functions are not there."""
    module = sys.modules.get(name)
    return module, len(module.__dict__) if module is not None else 0


def _late_profiler(frame: FrameType, event: str, argument: Value) -> None:
    """Watch the rest of a step in which a module was imported, which may have brought functions to watch."""
    _profiler(*map(_extent, _LATE))(frame, event, argument)


def _loaded(listed: tuple[tuple[str, str, str], ...]) -> list[tuple[str, Any, str]]:
    """Return name, function and hint of those that stand in a loaded module."""
    found = []
    for module_name, names, hint in listed:
        module = sys.modules.get(module_name)
        for name in names.split() if module is not None else ():
            value: Any = module
            for part in name.split("."):
                value = getattr(value, part, None)
            if value is not None:
                found.append((f"{module_name}.{name}", value, hint))
    return found


@cache
def _install() -> None:
    sys.addaudithook(_audit)
    gc.callbacks.insert(0, _collection.note)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS:
        if _stepping.get():
            # 0: this function, 1: whoever asked for it.
            _refuse(sys._getframe(1), _shown(event, arguments), _EVENTS[event])  # noqa: SLF001 (the caller)
    elif event == "import" and _stepping.get() and sys.getprofile() is not None:
        _set_profile(_late_profiler)


def _name_of(function: Callable[..., object]) -> str:
    return (
        f"{function.__module__}.{function.__qualname__}"
        if function.__module__
        else str(function.__qualname__)
    )


def _shown(event: str, arguments: tuple[Any, ...]) -> str:
    # Only the name of a file is told: the arguments of other events may hold what must not be shown.
    return f"open({arguments[0]!r})" if event == "open" and arguments else event


def _refuse(frame: FrameType | None, what: str, hint: str) -> None:
    """Raise and note the error, unless what asks for it is let through."""
    if _collection.is_running:
        return
    line, through = "", ""
    interruptions = _interruptions()
    while frame is not None and frame.f_code is not Guard.watch.__code__:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.partition(".")[0]
        if module in _LET_THROUGH or package == "logging" or frame.f_code in interruptions:
            return
        if package == "asyncio":
            hint = _ASYNCIO
        if not line and is_library(frame.f_code.co_filename):
            through = f"{module}.{frame.f_code.co_qualname}"
        elif not line:
            line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    called = f"{through} ({what})" if through else what
    error = ForbiddenCallError(f"process code called {called}, at {line}.", hint=hint, what=what, line=line)
    if _violation.get() is None:
        _violation.set(error)
    raise error


def _interruptions() -> set[CodeType]:
    """Return the code of what Python runs in the middle of anything: handlers and callbacks."""
    signal = sys.modules.get("_signal")
    handlers = [signal.getsignal(number) for number in signal.valid_signals()] if signal is not None else []
    functions = [getattr(called, "__func__", called) for called in [*gc.callbacks, *handlers]]
    return {function.__code__ for function in functions if isinstance(function, FunctionType)}


def is_library(path: str) -> bool:
    """Tell whether a file is Python's or an installed package's: its line says nothing to the author."""
    return "site-packages" in path or path.startswith((sys.prefix, sys.base_prefix, "<"))
