"""``osv-scanner``: advisories against lock files, asked of OSV.

It names packages without advisories only when it is asked to (``--all-packages``), which is how we know how
many it looked at. There is no package of it on PyPI or npm: tested against a program that writes the report
of osv-scanner 2 as it is documented. Report: ``--format json``.
"""

from pathlib import Path
from typing import Any

import msgspec

from babysitter.model.rules import Severity
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import failed, json_of, report_of, severity_of_score, told
from babysitter.scanners.toolbox import ScannerError, Toolbox

GET = "Get osv-scanner 2 from its releases or your system; or name its folder in [scan] path."
CONFIG = Path(__file__).resolve().parent / "rules" / "osv-scanner.toml"
LOCKS = (
    *("requirements.txt", "uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "package-lock.json"),
    *("yarn.lock", "pnpm-lock.yaml", "bun.lock", "Cargo.lock", "go.mod", "Gemfile.lock", "composer.lock"),
    *("gradle.lockfile", "pom.xml", "mix.lock", "pubspec.lock", "conan.lock", "packages.lock.json"),
)
_OFFLINE_SIGNS = (b"dial tcp", b"no such host", b"api.osv.dev", b"connection refused")


class _Package(msgspec.Struct):
    package: dict[str, str]
    vulnerabilities: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []


class _Result(msgspec.Struct):
    source: dict[str, str]
    packages: list[_Package]


class _Report(msgspec.Struct):
    results: list[_Result]


class OsvScanner:
    """See interface.Scanner."""

    name = "osv-scanner"
    needs_network = True

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        files = ground.named(*LOCKS)
        if not files:
            return Report(version="", examined=0, unit="packages")
        said = tools.call(program, "--version").stdout.decode(errors="replace").split()
        called = tools.call(
            program,
            *("scan", "source", "--format", "json", "--all-packages", "--config", str(CONFIG)),
            *(f"--lockfile=./{file}" for file in files),
            network=True,
            read=(str(CONFIG.parent),),
        )
        # 1: there are advisories. 128: it found no packages. 127 and others: it did not come to its end.
        if called.status not in (0, 1):
            if any(sign in called.stderr for sign in _OFFLINE_SIGNS):
                raise ScannerError(
                    "offline", f"osv-scanner got no answer: {told(called)}", "See that OSV can be reached."
                )
            raise failed(self.name, f"left with exit status {called.status}", told(called))
        report: _Report = report_of(self.name, json_of(self.name, called, statuses=(0, 1)), _Report)
        packages = [
            (result.source.get("path", ""), each) for result in report.results for each in result.packages
        ]
        sources = {ground.relative(path) for path, _ in packages}
        return Report(
            version=next((word for word in said if word[:1].isdigit()), ""),
            examined=len(packages),
            unit="packages",
            seen=tuple(
                _seen(ground.relative(path), each, vuln)
                for path, each in packages
                for vuln in each.vulnerabilities
            ),
            problems=tuple(
                f"osv-scanner found no package in {file}." for file in files if file not in sources
            ),
        )


def _seen(file: str, found: _Package, vuln: dict[str, Any]) -> Seen:
    package = f"{found.package['name']} {found.package.get('version', '')}"
    group: dict[str, Any] = next((g for g in found.groups if vuln["id"] in g.get("ids", ())), {})
    score = str(group.get("max_severity", ""))
    severity, unknown = _severity(score)
    note = " (no severity given; taken as medium)" if unknown else ""
    return Seen(
        rule=vuln["id"],
        category="dependency",
        severity=severity,
        path=file,
        message=f"{package}: {vuln.get('summary') or vuln['id']}{note}",
        help_uri=f"https://osv.dev/vulnerability/{vuln['id']}",
        text=package,
        package=found.package["name"],
        names=frozenset((vuln["id"], *vuln.get("aliases", ()))),
    )


def _severity(score: str) -> tuple[Severity, bool]:
    """Return the severity of a CVSS score , and whether none was given."""
    try:
        number = float(score)
    except ValueError:
        return "medium", True
    return severity_of_score(number), False
