"""``pip-audit``: advisories against pinned requirements, asked of PyPI or of an OSV service.

It skips what its service does not know and then says "No known vulnerabilities found", status 0, so a
package counts only where the report names its version, and each one that was skipped is a problem. It gives
no severities: medium stands for unknown, and the message says so. Tested with 2.10.1. Report: ``--format
json``.
"""

from typing import Any

import msgspec

from babysitter.model.runner import Called
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import json_of, report_of, told
from babysitter.scanners.toolbox import ScannerError, Toolbox

GET = "Install it: pipx install pip-audit, or name its folder in [scan] path."
_CACHE = "/tmp/pip-audit"  # noqa: S108 (the sandbox's own)
_OPTIONS = (
    *("--format", "json", "--no-deps", "--disable-pip", "--progress-spinner", "off"),
    *("--cache-dir", _CACHE),
)
_OFFLINE_SIGNS = (b"ConnectionError", b"ServiceError", b"Max retries exceeded", b"HTTPError", b"Timeout")


class _Dependency(msgspec.Struct):
    name: str
    version: str = ""
    vulns: list[dict[str, Any]] = []
    skip_reason: str = ""


class _Report(msgspec.Struct):
    dependencies: list[_Dependency]


class PipAudit:
    """See interface.Scanner."""

    name = "pip-audit"
    needs_network = True

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        files = ground.named("requirements*.txt")
        if not files:
            return Report(version="", examined=0, unit="packages")
        version = tools.call(program, "--version").stdout.decode(errors="replace").split()[-1:]
        service = ("--vulnerability-service", "osv", "--osv-url", tools.settings.osv_url)
        dependencies: list[tuple[str, _Dependency]] = []
        for file in files:
            called = tools.call(
                program,
                *(*_OPTIONS, *(service if tools.settings.osv_url else ())),
                *("--requirement", f"./{file}"),
                network=True,
            )
            dependencies += [(file, each) for each in self._read(called)]
        skipped = [(file, each) for file, each in dependencies if each.skip_reason or not each.version]
        return Report(
            version="".join(version),
            examined=len(dependencies) - len(skipped),
            unit="packages",
            seen=tuple(_seen(file, each, vuln) for file, each in dependencies for vuln in each.vulns),
            problems=tuple(
                f"pip-audit skipped {each.name} of {file}: {each.skip_reason or 'no version'}."
                for file, each in skipped
            ),
        )

    def _read(self, called: Called) -> list[_Dependency]:
        if not called.stdout.strip() and any(sign in called.stderr for sign in _OFFLINE_SIGNS):
            why = told(called).splitlines()[-1]
            raise ScannerError(
                "offline",
                f"pip-audit got no answer from its service: {why}",
                "See that the service can be reached, or name another one in [scan] osv_url; "
                "the tool osv needs no network.",
            )
        report: _Report = report_of(self.name, json_of(self.name, called, statuses=(0, 1)), _Report)
        return report.dependencies


def _seen(file: str, dependency: _Dependency, vuln: dict[str, Any]) -> Seen:
    fixed = ", ".join(vuln.get("fix_versions", ()))
    package = f"{dependency.name} {dependency.version}"
    description = str(vuln.get("description", "")).strip().splitlines()[:1]
    return Seen(
        rule=vuln["id"],
        category="dependency",
        severity="medium",
        path=file,
        message=f"{package}: {vuln['id']} (no severity given; taken as medium). {''.join(description)}",
        fix=f"Take {dependency.name} {fixed}." if fixed else "",
        help_uri=f"https://osv.dev/vulnerability/{vuln['id']}",
        text=f"{package} {vuln['id']}",
        package=dependency.name,
        names=frozenset((vuln["id"], *vuln.get("aliases", ()))),
    )
