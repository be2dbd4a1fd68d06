"""What process code must not do, as data: which calls, why, what instead, and how bad it is.

The guard of the engine stops most of these when they happen, in process code; it lets through what a file
does while it is loaded, and that runs in the driver, outside of any sandbox.
"""

from dataclasses import dataclass

from babysitter.model.findings import Category
from babysitter.model.rules import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of fault.

    calls: dotted names; one that ends in ``.*`` stands for all below, ``()`` for a new object.
    in_process, at_import: how bad it is there; None: no fault.
    """

    name: str
    says: str
    fix: str
    calls: tuple[str, ...]
    in_process: Severity | None
    at_import: Severity | None
    category: Category = "determinism"


def _words(names: str) -> tuple[str, ...]:
    return tuple(names.split())


def _each(module: str, names: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for name in names.split())


_PATH_READS = (
    "exists is_file is_dir iterdir glob rglob stat lstat read_text read_bytes resolve samefile owner walk"
)
_PATH_WRITES = (
    "open write_text write_bytes unlink mkdir rmdir rename replace touch chmod symlink_to hardlink_to"
)

RULES: tuple[Rule, ...] = (
    Rule(
        name="clock",
        says="reads the clock",
        fix="Use `await ctx.now()`; it is journaled, so a replay gets the same.",
        calls=(
            *_each(
                "time",
                "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time "
                "process_time_ns thread_time localtime gmtime ctime asctime strftime clock_gettime",
            ),
            *_each("datetime", "datetime.now datetime.utcnow datetime.today date.today"),
        ),
        in_process="medium",
        at_import="low",
    ),
    Rule(
        name="sleep",
        says="waits",
        fix="Use `await ctx.sleep(seconds)`; it survives a restart.",
        calls=_words("time.sleep asyncio.sleep signal.pause select.select"),
        in_process="medium",
        at_import="low",
    ),
    Rule(
        name="dice",
        says="throws dice",
        fix="Use `await ctx.random()` or `await ctx.uuid()`; they are journaled, so a replay gets the same.",
        calls=_words(
            "random.* secrets.* numpy.random.* os.urandom os.getrandom uuid.uuid1 uuid.uuid4 uuid.uuid7"
        ),
        in_process="medium",
        at_import="low",
    ),
    Rule(
        name="network",
        says="reaches for the network",
        fix="Do it in a task whose sandbox names the network that it may use.",
        calls=_words(
            "socket.* urllib.request.* http.client.* requests.* httpx.* aiohttp.* urllib3.* "
            "ftplib.* smtplib.* imaplib.* poplib.* telnetlib.* xmlrpc.client.* websockets.* "
            "asyncio.open_connection asyncio.start_server paramiko.* ssl.*"
        ),
        in_process="high",
        at_import="high",
    ),
    Rule(
        name="programs",
        says="starts programs",
        fix="Start programs by a @shell_task: `await ctx.task(...)`.",
        calls=(
            *_each(
                "os",
                "execl execle execlp execlpe execv execve execvp execvpe fork forkpty posix_spawn "
                "posix_spawnp spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe kill",
            ),
            *_words(
                "subprocess.* pty.* multiprocessing.* asyncio.create_subprocess_exec "
                "asyncio.create_subprocess_shell os.system os.popen os.startfile"
            ),
        ),
        in_process="high",
        at_import="high",
    ),
    Rule(
        name="file-writes",
        says="changes files",
        fix="Do it in a task whose sandbox names what it may write.",
        calls=(
            *_each("pathlib.Path()", _PATH_WRITES),
            *_each(
                "os",
                "remove unlink rename renames replace rmdir removedirs mkdir makedirs chmod chown "
                "link symlink truncate utime chdir putenv unsetenv open",
            ),
            *_words("shutil.* tempfile.* sqlite3.connect mmap.mmap dbm.open shelve.open"),
        ),
        in_process="high",
        at_import="high",
    ),
    Rule(
        name="file-reads",
        says="reads files, whose content no digest of the process covers",
        fix="Do it in a task: what it returns is journaled.",
        calls=(
            *_each("pathlib.Path()", _PATH_READS),
            *_each("pathlib", "Path.cwd Path.home"),
            *_each(
                "os",
                "listdir scandir walk stat lstat getcwd readlink access path.exists path.isfile "
                "path.isdir path.getmtime path.getsize path.realpath",
            ),
            *_words("builtins.open io.open glob.* linecache.* importlib.resources.* pkgutil.get_data"),
        ),
        in_process="medium",
        at_import="medium",
    ),
    Rule(
        name="threads",
        says="starts threads",
        fix="Run branches by `await ctx.parallel.all(...)`.",
        calls=_words("threading.* _thread.* concurrent.futures.* queue.* sched.*"),
        in_process="medium",
        at_import="medium",
    ),
    Rule(
        name="asyncio",
        says="uses asyncio, which can't work in process code",
        fix="Use `ctx.sleep`, `ctx.parallel.all`, `ctx.parallel.map` and `ctx.task`.",
        calls=_words("asyncio.* anyio.* trio.* curio.*"),
        in_process="medium",
        at_import="low",
    ),
    Rule(
        name="environment",
        says="reads the environment, which a replay may find changed",
        fix='Pass a credential as `secret("env:NAME")`, and everything else as an input.',
        calls=_words("os.environ os.environb os.getenv os.environ.*"),
        in_process="low",
        at_import="low",
    ),
    Rule(
        name="machine",
        says="asks for facts about the machine or the process, which differ where it goes on",
        fix="Take it as an input, or ask for it in a task.",
        calls=(
            *_each("os", "getpid getppid uname getlogin cpu_count getuid times getloadavg"),
            *_words("platform.* getpass.* locale.getlocale sys.getrefcount psutil.*"),
        ),
        in_process="medium",
        at_import="low",
    ),
    Rule(
        name="identity",
        says="depends on where an object lies in memory",
        fix="Compare by value; sort by a key that is part of the value.",
        calls=_words("builtins.id builtins.hash"),
        in_process="low",
        at_import=None,
    ),
    Rule(
        name="person",
        says="asks at the terminal",
        fix="Ask people by `await ctx.breakpoint(...)`.",
        calls=_words("builtins.input builtins.breakpoint pdb.*"),
        in_process="medium",
        at_import="medium",
    ),
    Rule(
        name="computed-code",
        says="runs code that does not stand in the files that are reviewed",
        fix="Write the code down; import modules by their names.",
        calls=_words(
            "builtins.eval builtins.exec builtins.compile runpy.* code.* types.FunctionType "
            "marshal.* pickle.* dill.* cloudpickle.* zipimport.* imp.* pkgutil.resolve_name "
            "pkgutil.get_loader pkgutil.find_loader pkgutil.iter_modules"
        ),
        in_process="high",
        at_import="high",
        category="other",
    ),
    Rule(
        name="native-code",
        says="calls native code, which no guard sees",
        fix="Do it in a task, which runs in its sandbox.",
        calls=_words("ctypes.* cffi.* _ctypes.*"),
        in_process="high",
        at_import="high",
        category="other",
    ),
    Rule(
        name="import-path",
        says="changes how modules are found, or the interpreter under the product",
        fix="Import modules of the workspace by their names from its own folder.",
        calls=_words(
            "sys.path sys.path.* sys.meta_path sys.meta_path.* sys.path_hooks sys.path_hooks.* "
            "sys.modules sys.modules.* sys.setprofile sys.settrace sys.addaudithook site.* "
            "importlib.util.spec_from_file_location importlib.util.module_from_spec atexit.register "
            "importlib.machinery.* importlib.reload signal.signal"
        ),
        in_process="high",
        at_import="high",
        category="other",
    ),
)

HARMLESS = frozenset(
    "random.Random random.Random() secrets.compare_digest socket.AF_INET ssl.SSLContext os.path "
    "asyncio.CancelledError asyncio.TimeoutError threading.current_thread platform.python_version "
    "shutil.Error subprocess.CalledProcessError subprocess.TimeoutExpired subprocess.PIPE subprocess.DEVNULL "
    "requests.RequestException".split()
)
"""Names below those above that do nothing of the kind. A ``Random()`` without a seed is looked at apart."""

EVERYTHING = Rule(
    name="star-import",
    says="takes every name of a module, so nobody can read what a name stands for",
    fix="Import the names that are used.",
    calls=(),
    in_process="high",
    at_import="high",
    category="other",
)
STATE = Rule(
    name="state",
    says="keeps state outside of the run, which a replay in another process lacks",
    fix="Keep it in the process's own variables, or as an artifact.",
    calls=(),
    in_process="low",
    at_import=None,
)
SET_ORDER = Rule(
    name="set-order",
    says="iterates over a set, whose order is not part of its value",
    fix="Iterate over `sorted(...)` of it, or use a list or a dict, which keep their order.",
    calls=(),
    in_process="low",
    at_import=None,
)
