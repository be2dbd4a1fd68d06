"""``npm audit``: advisories against a package-lock.json, asked of a registry.

The lock is copied to an empty folder first: an ``.npmrc`` beside it could name a registry that knows of
nothing. A registry without the endpoint answers an error, which is no report. Tested with npm 11.19.1.
Report: ``--json``, auditReportVersion 2.
"""

from pathlib import PurePosixPath
from typing import Any

import msgspec

from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.locating import Found
from babysitter.scanners.reading import failed, json_of, report_of, severity_named
from babysitter.scanners.toolbox import ScannerError, Toolbox

GET = "Install Node with npm, and see that it is on the PATH."
LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
_AUDIT = """
set -e
mkdir "$HOME/audit"
for name in package.json package-lock.json npm-shrinkwrap.json; do
    if [ -f "$2/$name" ]; then cp "$2/$name" "$HOME/audit"; fi
done
cd "$HOME/audit"
npm=$1
shift 2
exec "$npm" audit --json --package-lock-only --fetch-retries=1 --no-update-notifier "$@"
"""


class _Vulnerability(msgspec.Struct, rename="camel"):
    name: str
    via: list[Any]
    fix_available: Any = False


class _Report(msgspec.Struct, rename="camel"):
    audit_report_version: int
    vulnerabilities: dict[str, _Vulnerability]
    metadata: dict[str, Any]


class NpmAudit:
    """See interface.Scanner."""

    name = "npm-audit"
    needs_network = True

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program, node = tools.find("npm", GET), tools.find("node", GET)
        files = ground.named(*LOCKS)
        if not files:
            return Report(version="", examined=0, unit="packages")
        version = tools.call(program, "--version", with_=(node,)).stdout.decode(errors="replace").strip()
        examined, seen = 0, []
        for file in files:
            report = self._audit(program, node, file, tools)
            examined += int(report.metadata.get("dependencies", {}).get("total", 0))
            seen += [
                _seen(file, each, via)
                for each in report.vulnerabilities.values()
                for via in each.via
                if isinstance(via, dict)
            ]
        return Report(version=version, examined=examined, unit="packages", seen=tuple(seen))

    def _audit(self, program: Found, node: Found, file: str, tools: Toolbox) -> _Report:
        shell = tools.find("sh", "A POSIX shell is part of every system.")
        registry = tools.settings.npm_registry
        called = tools.call(
            shell,
            *("-c", _AUDIT, "sh", str(program.program), PurePosixPath(f"./{file}").parent.as_posix()),
            *((f"--registry={registry}",) if registry else ()),
            with_=(program, node),
            network=True,
        )
        report = json_of(self.name, called, statuses=(0, 1))
        if isinstance(report, dict) and "auditReportVersion" not in report:
            message = str(report.get("message") or report.get("error") or "no report")
            if "failed, reason" in message or report.get("statusCode"):
                raise ScannerError(
                    "offline",
                    f"npm audit got no advisories: {message}",
                    "See that the registry can be reached and has the audit endpoint ([scan] npm_registry).",
                )
            raise failed(self.name, "wrote no audit report", message)
        found: _Report = report_of(self.name, report, _Report)
        return found


def _seen(file: str, found: _Vulnerability, via: dict[str, Any]) -> Seen:
    url = str(via.get("url", ""))
    name = url.rpartition("/")[2] or f"npm-{via.get('source')}"
    package = str(via.get("dependency") or via.get("name") or found.name)
    affected = str(via.get("range", ""))
    return Seen(
        rule=name,
        category="dependency",
        severity=severity_named(str(via.get("severity", "")), "medium", moderate="medium", info="low"),
        path=file,
        message=f"{package} {affected}: {via.get('title', name)}",
        fix=f"Run npm audit fix for {package}." if found.fix_available else "",
        help_uri=url,
        text=f"{package} {name}",
        package=package,
        names=frozenset({name}),
    )
