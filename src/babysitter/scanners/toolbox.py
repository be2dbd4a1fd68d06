"""Starts scanners in the sandbox and gives back what they wrote.

Invariants, each with a test in tests/unit/scanners/test_toolbox.py:
    - the workspace is read-only for a scanner, whatever the task may write;
    - there is no network unless the tool asks for it and the task grants it;
    - a report that is cut off, a program that was stopped or took too long, is never a report.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec import structs

from babysitter.model.effects import Sandbox
from babysitter.model.errors import BabysitterError, MissingToolError
from babysitter.model.findings import ToolState
from babysitter.model.runner import Called, OutputSink, Program, Runner, StopToken
from babysitter.model.scan_settings import ScanTable
from babysitter.scanners.locating import Found, Locator

REPORT_BYTES_MAX = 256 * 1024 * 1024
# Linux takes 2 MiB of arguments and environment together.
_ARGUMENT_BYTES_MAX = 1536 * 1024
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ScannerError(Exception):
    """A tool that gave no report: ``missing``, ``offline`` or ``failed``, why, and what to do."""

    def __init__(self, state: ToolState, why: str, fix: str) -> None:
        self.state = state
        self.why = why
        self.fix = fix
        super().__init__(f"{why} {fix}")


class Kept:
    """A sink that passes everything on and keeps it whole; ``cut`` when there was more than a report has."""

    def __init__(self, sink: OutputSink | None) -> None:
        self._sink = sink
        self.content = bytearray()
        self.cut = False

    def write(self, chunk: bytes) -> None:
        """Keep and pass on."""
        if self._sink is not None:
            self._sink.write(chunk)
        self.cut = self.cut or len(self.content) + len(chunk) > REPORT_BYTES_MAX
        if not self.cut:
            self.content += chunk

    def tail(self, count: int) -> str:
        """Return the end of what was written."""
        if self._sink is not None:
            return self._sink.tail(count)
        return self.content[-4 * count :].decode(errors="replace")[-count:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """What a scanner may start, and how.

    settings: of ``[scan]``.
    sandbox: what the task grants; of it, a tool gets the limits, and the rest only as far as it asks.
    environ: the variables that the task's sandbox may name.
    tell: who is told what starts. stdout, stderr: where everything that is written goes too.
    """

    runner: Runner
    locator: Locator
    settings: ScanTable
    sandbox: Sandbox
    stop: StopToken
    timeout_s: float
    environ: Mapping[str, str] = field(default_factory=dict)
    stdout: OutputSink | None = None
    stderr: OutputSink | None = None
    tell: Callable[[str], None] = lambda _line: None

    def find(self, name: str, fix: str) -> Found:
        """Return a program of this machine.

        Raises:
            ScannerError: it is missing; ``fix`` says how to get it.
        """
        found = self.locator.find(name)
        if found is None:
            where = self.locator.folders()
            raise ScannerError("missing", f"{name} is not on this machine; looked in {where}.", fix)
        return found

    def call(
        self,
        found: Found,
        *arguments: str,
        network: bool = False,
        with_: tuple[Found, ...] = (),
        env: Mapping[str, str] | None = None,
        read: tuple[str, ...] = (),
    ) -> Called:
        """Start a program at the workspace's root, wait, and return how it ended.

        Args:
            found: the program.
            arguments: its arguments.
            network: it needs the network, and gets what the task grants of it.
            with_: programs that it starts itself.
            env: its variables besides PATH.
            read: further absolute paths that it reads.

        Raises:
            ScannerError: it could not be started, or did not end by itself.
        """
        name = found.program.name
        if sum(len(argument.encode(errors="replace")) + 1 for argument in arguments) > _ARGUMENT_BYTES_MAX:
            raise ScannerError(
                "failed", f"there are more files than {name} takes at once.", "Scan fewer paths at a time."
            )
        self.tell(name)
        program = Program(
            argv=(str(found.program), *arguments),
            env=self._environment(found, with_, network=network) | dict(env or {}),
            timeout_s=self.timeout_s,
            read_only=(*found.folders, *(f for each in with_ for f in each.folders), *read),
        )
        grants = structs.replace(
            self.sandbox,
            read=(),
            write=(),
            env=(),
            devices=(),
            network=self.sandbox.network if network else (),
        )
        stdout, stderr = Kept(self.stdout), Kept(self.stderr)
        try:
            ended = self.runner.run(program, grants, stdout, stderr, self.stop)
        except MissingToolError as error:
            raise ScannerError("missing", error.message, error.hint) from None
        except BabysitterError as error:
            raise ScannerError("failed", error.message, error.hint) from None
        if ended.why == "timeout":
            raise ScannerError(
                "failed", f"{name} did not end within {self.timeout_s:g} s.", "Raise [scan] timeout_s."
            )
        if ended.why != "exit" or ended.denials or stdout.cut:
            what = ", ".join(denial.what for denial in ended.denials) or ended.why
            what = "its report is too large" if stdout.cut else what
            raise ScannerError("failed", f"{name} did not come to its end: {what}.", "Name fewer paths.")
        return Called(status=ended.status, stdout=bytes(stdout.content), stderr=bytes(stderr.content))

    def _environment(self, found: Found, with_: tuple[Found, ...], *, network: bool) -> dict[str, str]:
        # Those that were located first: else a tool would start one that stands beside it instead.
        folders = dict.fromkeys(str(each.program.parent) for each in (*with_, found))
        granted = {name: self.environ[name] for name in self.sandbox.env if name in self.environ}
        # Variables are credentials of services; a tool that asks none gets none.
        return (granted if network else {}) | {"PATH": ":".join((*folders, _PATH))}
