"""A scan: each tool that was asked for looks, and what they say becomes one ``Scan``.

A tool has passed when it gave a report, examined at least one thing, and left out nothing of what it was
given. Whatever else happens is a state of the tool with why and fix, and the scan then counts nothing
(``model.findings.Scan.counts``): a scan that did not look is never good news.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from babysitter.model.clock import Clock
from babysitter.model.effects import Sandbox
from babysitter.model.errors import InvalidValueError, UsageError
from babysitter.model.findings import Scan, ToolRun, in_order
from babysitter.model.runner import Runner, StopToken
from babysitter.model.scan_settings import ScanTable
from babysitter.scanners.catalog import scanner_named
from babysitter.scanners.deduplication import merged
from babysitter.scanners.fingerprints import findings_of
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Scanner, Seen
from babysitter.scanners.known import Known, Pair, read_baseline, sort_out
from babysitter.scanners.locating import Locator
from babysitter.scanners.reading import failed
from babysitter.scanners.toolbox import ScannerError, Toolbox

_PROBLEMS_TOLD_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanning:
    """What scanning needs of a workspace.

    root: its folder. environ: PATH, and the variables that a sandbox may name. clock: says whether a
    suppression has run out.
    """

    root: Path
    settings: ScanTable
    clock: Clock
    environ: Mapping[str, str] = field(default_factory=dict)

    def locator(self) -> Locator:
        """Return what finds scanners here."""
        root = self.root.resolve()
        named = tuple(root / folder for folder in self.settings.path)
        return Locator(named=named, path=self.environ.get("PATH", ""), workspace=root)

    def toolbox(self, runner: Runner, sandbox: Sandbox, stop: StopToken) -> Toolbox:
        """Return what starts scanners here, with what ``sandbox`` grants them."""
        return Toolbox(
            runner=runner,
            locator=self.locator(),
            settings=self.settings,
            sandbox=sandbox,
            stop=stop,
            timeout_s=self.settings.timeout_s,
            environ=self.environ,
        )

    def scan(
        self, tools: tuple[str, ...], paths: tuple[str, ...], toolbox: Toolbox, baseline: str = ""
    ) -> Scan:
        """Return what the tools find below the paths.

        Args:
            tools: names; none: those of the settings.
            paths: relative to the root; none: all of it.
            toolbox: starts them.
            baseline: a file of known findings, instead of the settings'.

        Raises:
            NotFoundError: there is no such scanner.
            InvalidValueError: a path or the baseline is not there, or is none.
            UsageError: there is no tool to run.
        """
        if not (names := tools or self.settings.tools):
            raise UsageError("no scanner is named.", hint='Name one: --tool, or [scan] tools = ["semgrep"].')
        ground = Ground(self.root.resolve(), tuple(paths) or (".",), self.settings.exclude)
        return self.scan_ground(names, ground, toolbox, baseline)

    def scan_ground(self, tools: Iterable[str], ground: Ground, toolbox: Toolbox, baseline: str = "") -> Scan:
        """Return what the tools find on a ground; see ``scan``."""
        scanners = [self.scanner(name) for name in dict.fromkeys(tools)]
        return run_scan(scanners, ground, toolbox, self._known(baseline or self.settings.baseline))

    def scanner(self, name: str) -> Scanner:
        """Return the scanner of that name.

        Raises:
            NotFoundError: there is none.
        """
        return scanner_named(name, self.settings)

    def _known(self, baseline: str) -> Known:
        today = datetime.fromtimestamp(self.clock.now_ns() / 1e9, UTC).date()
        if not baseline:
            return Known(suppress=self.settings.suppress, today=today)
        try:
            content = (self.root / baseline).read_bytes()
        except OSError as error:
            raise InvalidValueError(
                f"the baseline {baseline} can't be read: {error.strerror}.",
                hint="Make one: babysitter security scan --write-baseline FILE.",
                path=baseline,
            ) from None
        fingerprints, digest = read_baseline(content, baseline)
        return Known(
            baseline=fingerprints, baseline_sha256=digest, suppress=self.settings.suppress, today=today
        )


def run_scan(scanners: Iterable[Scanner], ground: Ground, tools: Toolbox, known: Known) -> Scan:
    """Have each scanner look, one after the other, and return what they found."""
    runs: list[ToolRun] = []
    pairs: list[Pair] = []
    for scanner in scanners:
        run, seen = _run(scanner, ground, tools)
        runs.append(run)
        pairs += findings_of(scanner.name, run.version, seen, ground)
    found = sort_out(pairs, known)
    return Scan(
        tools=tuple(runs),
        findings=merged(found.counting),
        known=in_order(found.known),
        suppressed=tuple(found.suppressed),
        baseline_sha256=known.baseline_sha256,
        notes=tuple(found.notes),
    )


def _run(scanner: Scanner, ground: Ground, tools: Toolbox) -> tuple[ToolRun, tuple[Seen, ...]]:
    if scanner.needs_network and not tools.sandbox.network:
        return ToolRun(
            tool=scanner.name,
            state="offline",
            why=f"{scanner.name} asks a service over the network, and it was granted none.",
            fix='Grant it: --network, or security_scan(sandbox=Sandbox(network=("*",))).',
        ), ()
    try:
        report = scanner.scan(ground, tools)
    except ScannerError as error:
        return ToolRun(tool=scanner.name, state=error.state, why=error.why, fix=error.fix), ()
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # Deep inside of its report something is not what the tool documents.
        wrong = failed(scanner.name, "wrote a report that is none of its documented form", repr(error))
        return ToolRun(tool=scanner.name, state=wrong.state, why=wrong.why, fix=wrong.fix), ()
    return _judged(scanner.name, report, ground), report.seen


def _unspeakable(ground: Ground) -> tuple[str, ...]:
    """Return the files whose names could say something else in a report that has a name a line."""
    return tuple(
        f"{file!r} has a name that can't be told in a report."
        for file in ground.files
        if not file.isprintable()
    )


def _judged(name: str, report: Report, ground: Ground) -> ToolRun:
    problems = (*report.problems, *_unspeakable(ground))
    problems += tuple(f"{folder} can't be read." for folder in ground.unread)
    if report.examined <= 0:
        problems = (*problems, f"{name} examined nothing.")
    if not problems:
        return ToolRun(
            tool=name, state="passed", version=report.version, examined=report.examined, unit=report.unit
        )
    more = len(problems) - _PROBLEMS_TOLD_MAX
    why = " ".join(problems[:_PROBLEMS_TOLD_MAX]) + (f" And {more} more." if more > 0 else "")
    return ToolRun(
        tool=name,
        state="failed",
        version=report.version,
        examined=report.examined,
        unit=report.unit,
        why=why,
        fix="Mend these files, or leave them out with [scan] exclude; leave out a tool that has no work.",
    )
