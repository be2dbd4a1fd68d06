"""Findings that do not count: those of the baseline, and those that the settings let through for a time.

Each tool's report is asked for by its own fingerprint, before reports of the same weakness become one: what
nobody has let through keeps counting, though another tool's report of it was.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from babysitter.model.errors import InvalidValueError
from babysitter.model.findings import Finding, Scan, Suppressed
from babysitter.model.scan_settings import SuppressTable
from babysitter.model.values import sha256_hex
from babysitter.scanners.interface import Seen

Pair = tuple[Finding, Seen]
BASELINE_FORMAT = "babysitter-scan-baseline/1"


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One known finding; all but the fingerprint is for people."""

    fingerprint: str
    tool: str = ""
    rule: str = ""
    path: str = ""
    message: str = ""


class _Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    format: str
    findings: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What does not count.

    baseline: fingerprints. suppress: of the settings. today: by which they are judged.
    """

    baseline: frozenset[str] = frozenset()
    baseline_sha256: str = ""
    suppress: Sequence[SuppressTable] = ()
    today: dt.date = dt.date.min


@dataclass(frozen=True, slots=True)
class Sorted:
    """Reports by whether they count, and what to tell about suppressions that have run out."""

    counting: list[Pair] = field(default_factory=list)
    known: list[Finding] = field(default_factory=list)
    suppressed: list[Suppressed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sort_out(pairs: Iterable[Pair], known: Known) -> Sorted:
    """Return the reports, sorted."""
    suppress = {each.fingerprint: each for each in known.suppress}
    found = Sorted()
    for finding, seen in pairs:
        said = suppress.get(finding.fingerprint)
        if said is not None and known.today <= said.until:
            found.suppressed.append(
                Suppressed(finding=finding, reason=said.reason, until=said.until.isoformat())
            )
            continue
        if said is not None:
            found.notes.append(
                f"The suppression of {finding.rule} in {finding.path} ({finding.fingerprint}) ended on "
                f"{said.until.isoformat()}: it counts again."
            )
        if said is None and finding.fingerprint in known.baseline:
            found.known.append(finding)
        else:
            found.counting.append((finding, seen))
    return found


def read_baseline(content: bytes, where: str) -> tuple[frozenset[str], str]:
    """Return the fingerprints that a baseline holds, and the SHA-256 of its bytes.

    Raises:
        InvalidValueError: it is no baseline.
    """
    try:
        baseline = msgspec.json.decode(content, type=_Baseline)
    except msgspec.DecodeError as error:
        raise InvalidValueError(
            f"{where} is no baseline: {error}.",
            hint="Make one: babysitter security scan --write-baseline FILE.",
            path=where,
        ) from None
    if baseline.format != BASELINE_FORMAT:
        raise InvalidValueError(
            f"{where} is of the format {baseline.format!r}, not {BASELINE_FORMAT!r}.",
            hint="Make it again: babysitter security scan --write-baseline FILE.",
            path=where,
        )
    return frozenset(entry.fingerprint for entry in baseline.findings), sha256_hex(content)


def baseline_of(scan: Scan) -> bytes:
    """Return the baseline in which everything that the scan found is known."""
    found = [
        _Entry(
            fingerprint=each.fingerprint, tool=each.tool, rule=each.rule, path=each.path, message=each.message
        )
        for each in (*scan.findings, *scan.known)
    ]
    also = [
        _Entry(
            fingerprint=same.fingerprint, tool=same.tool, rule=same.rule, path=each.path, message=each.message
        )
        for each in scan.findings
        for same in each.also
    ]
    entries = sorted((*found, *also), key=lambda entry: (entry.path, entry.rule, entry.fingerprint))
    plain = msgspec.json.encode(_Baseline(format=BASELINE_FORMAT, findings=tuple(entries)))
    return msgspec.json.format(plain, indent=1) + b"\n"
