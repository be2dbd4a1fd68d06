"""The settings of a workspace: ``babysitter.toml``, and the few environment variables that override it.

The only reader of settings files, and with ``secrets/sources/env.py`` the only
reader of the environment. A wrong key or value is an error that names the line
and the nearest known key. Reference: docs/reference/settings.md.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from babysitter.model.atlas_settings import AtlasTable
from babysitter.model.doctor_settings import DoctorTable
from babysitter.model.effects import Sandbox
from babysitter.model.errors import SettingsError
from babysitter.model.evidence_settings import LogTable, SigningTable
from babysitter.model.notify_settings import NotifyTable
from babysitter.model.retention_settings import RetentionTable
from babysitter.model.rules import AutoApproval, PersonTable, PolicyTable, Rule
from babysitter.model.scan_settings import ScanTable
from babysitter.model.secret_settings import SecretsTable
from babysitter.model.server_settings import AccessTable, ServerTable
from babysitter.model.toml_lines import WrongBelowError, line_of
from babysitter.model.trust_settings import TrustTable

FILE_NAME = "babysitter.toml"
RUN_DATA = ".a5c"
Seconds = Annotated[float, Meta(ge=0, le=1e9)]


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class WorkspaceTable(Table, frozen=True, kw_only=True):
    """``[workspace]``. ``runs_dir`` is relative to the file."""

    id: str = ""
    runs_dir: str = f"{RUN_DATA}/runs"


class SandboxTask(Table, frozen=True, kw_only=True):
    """``[[sandbox.tasks]]``: what one task may do more than its author wrote."""

    task: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    env: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a network grant that says nothing, in its line and before any run."""
        if self.network:
            from babysitter.model.network import parse_grants  # noqa: PLC0415 (most settings grant none)

            parse_grants(self.network)


class SandboxTable(Table, frozen=True, kw_only=True):
    """``[sandbox]``. ``mode = "none"`` switches confinement off, and every run says so."""

    mode: Literal["auto", "bubblewrap", "landlock", "none"] = "auto"
    inline: Literal["allow", "deny"] = "allow"
    tasks: tuple[SandboxTask, ...] = ()


class BudgetTable(Table, frozen=True, kw_only=True):
    """``[budget]`` of one run: effects asked for, and seconds that effects ran. 0: no limit."""

    steps: Annotated[int, Meta(ge=0)] = 0
    seconds: Seconds = 0


class WorkerTable(Table, frozen=True, kw_only=True):
    """``[worker]``.

    ``concurrency``: effects at once; ``far_timer_s``: a driver waits for timers nearer than that.
    """

    concurrency: Annotated[int, Meta(ge=1, le=1024)] = 8
    far_timer_s: Seconds = 60.0
    output_mb: Annotated[int, Meta(ge=1)] = 10


class Settings(Table, frozen=True, kw_only=True):
    """The whole file."""

    workspace: WorkspaceTable = WorkspaceTable()
    sandbox: SandboxTable = SandboxTable()
    secrets: SecretsTable = SecretsTable()
    budget: BudgetTable = BudgetTable()
    worker: WorkerTable = WorkerTable()
    people: dict[str, PersonTable] = {}
    roles: dict[str, tuple[str, ...]] = {}
    policy: PolicyTable = PolicyTable()
    approvals: tuple[Rule, ...] = ()
    auto_approve: tuple[AutoApproval, ...] = ()
    signing: SigningTable = SigningTable()
    log: LogTable = LogTable()
    doctor: DoctorTable = DoctorTable()
    trust: TrustTable = TrustTable()
    scan: ScanTable = ScanTable()
    access: AccessTable = AccessTable()
    server: ServerTable = ServerTable()
    atlas: AtlasTable = AtlasTable()
    notify: NotifyTable = NotifyTable()
    retention: RetentionTable = RetentionTable()

    def granted(self, task_id: str, asked: Sandbox) -> Sandbox:
        """Return a task's sandbox with what the settings grant it besides."""
        for extra in self.sandbox.tasks:
            if extra.task == task_id:
                asked = msgspec.structs.replace(
                    asked,
                    read=asked.read + extra.read,
                    write=asked.write + extra.write,
                    network=asked.network + extra.network,
                    env=asked.env + extra.env,
                )
        return asked


class Place(Struct, frozen=True, kw_only=True):
    """Where a workspace is, whose it is and what its file says. stamp: of the file, before it was read."""

    root: Path
    runs_dir: Path
    settings: Settings
    user: str
    host: str
    stamp: tuple[int, int, int] = (0, 0, 0)


def find_root(start: Path) -> Path:
    """Return the nearest folder from ``start`` up that has settings or run data; else ``start``."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file() or (folder / RUN_DATA).is_dir():
            return folder
    return start


def load_place(root: Path, *, runs_dir: str | None = None) -> Place:
    """Read a workspace's settings. ``runs_dir`` (of the command line) wins over ``RUNS_DIR``, then the file.

    Raises:
        SettingsError: naming file and line.
    """
    file, stamp = root / FILE_NAME, stamp_of(root)
    settings = Settings()
    if file.is_file():
        settings = parse_settings(_read_text(file), file=str(file))
    chosen = runs_dir or os.environ.get("RUNS_DIR") or settings.workspace.runs_dir
    return Place(
        root=root,
        runs_dir=(root / chosen).resolve(),
        settings=settings,
        user=user_name(),
        host=os.uname().nodename,
        stamp=stamp,
    )


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise _error(str(file), 0, f"can't be read: {error.strerror}.", "Check its permissions.") from None
    except UnicodeDecodeError:
        raise _error(str(file), 0, "is not UTF-8.", "Save it as UTF-8, which TOML asks for.") from None


def stamp_of(root: Path) -> tuple[int, int, int]:
    """Return what changes when the settings file does: its time, size and number; zeros without one."""
    try:
        facts = (root / FILE_NAME).stat()
    except OSError:
        return (0, 0, 0)
    return (facts.st_mtime_ns, facts.st_size, facts.st_ino)


def team_texts(root: Path, patterns: tuple[str, ...], setting: str) -> dict[str, str]:
    """Return a team's own files (Cedar policies, rules for credentials), path in the workspace to text.

    Raises:
        SettingsError: a pattern of the setting leaves the workspace or matches nothing, or a file can't be
        read.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        files = [] if pattern.startswith("/") else sorted(root.glob(pattern))
        if not files or not all(file.resolve().is_relative_to(root.resolve()) for file in files):
            raise _error(
                str(root / FILE_NAME), 0, f"names {pattern}, which is no file in it.", f"Mend {setting}."
            )
        for file in files:
            found[file.relative_to(root).as_posix()] = _read_text(file)
    return found


def cache_folder() -> Path:
    """Return where what can be made again is kept: in ``XDG_CACHE_HOME``, else in ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "babysitter"


def signing_key() -> str | None:
    """Return the key that answers are signed with where none is named: ``BABYSITTER_KEY``."""
    return os.environ.get("BABYSITTER_KEY") or None


def user_state() -> Path:
    """Return where what this account has decided on this machine is kept: ``$XDG_STATE_HOME/babysitter``."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    # A relative one is none, as the XDG specification has it; it could lie in somebody's repository.
    return (named if named.is_absolute() else Path.home() / ".local" / "state") / "babysitter"


def in_ci() -> bool:
    """Tell whether this is continuous integration, where nobody is at the terminal: ``CI``."""
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def pinned_signers() -> str | None:
    """Return the digest of the files of signers that count here: ``BABYSITTER_SIGNERS_SHA256``."""
    return os.environ.get("BABYSITTER_SIGNERS_SHA256") or None


def user_name() -> str:
    """Return the name of the local user, as the system has it; never from a variable that anyone may set."""
    try:
        import pwd  # noqa: PLC0415 (not on every platform)

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        import getpass  # noqa: PLC0415 (hardly ever needed)

        return getpass.getuser()


def environment() -> dict[str, str]:
    """Return the environment as it is now, for recognising secrets by the names of their variables."""
    return dict(os.environ)


def with_fixed_hashing() -> dict[str, str]:
    """Return the environment for a driver: this one, with a hash seed that is the same everywhere."""
    return {**os.environ, "PYTHONHASHSEED": "0"}


def allows_secret_logs() -> bool:
    """Tell whether live output on the driver's own terminal may show secrets.

    Disk is masked whatever this says.
    """
    return os.environ.get("BABYSITTER_ALLOW_SECRET_LOGS", "false").strip().lower() in ("1", "true", "yes")


def wants_colour(*, is_terminal: bool) -> bool:
    """Tell whether to colour: only a terminal, and not when ``NO_COLOR`` is set."""
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def parse_settings(text: str, *, file: str = FILE_NAME) -> Settings:
    """Return the settings that a file's text holds.

    Raises:
        SettingsError: with ``facts['file']`` and ``facts['line']``.
    """
    import tomllib  # noqa: PLC0415 (only where there is a file)

    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise _error(
            file, int(found[1]) if found else text.count("\n") + 1, f"is not TOML: {error}", "Mend that line."
        ) from None
    _refuse_unknown(raw, Settings, (), text, file)
    try:
        return msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        what, _, path = str(error).replace("`key` in ", "").partition(" - at `$")
        keys = tuple(part for part in re.split(r"[.\[\]]+", path.rstrip("`")) if part and part != "...")
        if isinstance(error.__cause__, WrongBelowError):
            keys += error.__cause__.keys
        raise _error(file, line_of(text, keys), f"{'.'.join(keys) or 'the file'}: {what}.", "") from None


def _refuse_unknown(
    raw: dict[str, Any], shape: type[Struct], path: tuple[str, ...], text: str, file: str
) -> None:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
    for key, value in raw.items():
        here = (*path, key)
        if key not in fields:
            import difflib  # noqa: PLC0415 (only for an error)

            near = difflib.get_close_matches(key, fields, n=1)
            known = f'Did you mean "{near[0]}"?' if near else "Known here: " + ", ".join(sorted(fields)) + "."
            named = ".".join(part for part in here if not part.isdigit())
            raise _error(file, line_of(text, here), f'has the unknown key "{named}".', known)
        inner = _struct_in(fields[key])
        if inner is None:
            continue
        for place, item in _items(value, by_name=get_origin(fields[key]) is dict):
            if isinstance(item, dict):
                _refuse_unknown(item, inner, (*here, *place), text, file)


def _items(value: object, *, by_name: bool) -> list[tuple[tuple[str, ...], object]]:
    """Return the tables that a value holds, each with what leads to it: a number, a name or nothing."""
    if isinstance(value, list):
        return [((str(number),), item) for number, item in enumerate(value)]
    if by_name and isinstance(value, dict):
        return [((name,), item) for name, item in value.items()]
    return [((), value)]


def _struct_in(kind: object) -> type[Struct] | None:
    """Return the table that a field holds: one, several, by name, or perhaps none."""
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, Struct):
            return each
    return None


def _error(file: str, line: int, what: str, hint: str) -> SettingsError:
    place = f"{file}, line {line}," if line else f"{file}"
    return SettingsError(
        f"{place} {what}", hint=hint or "See docs/reference/settings.md.", file=file, line=line
    )
