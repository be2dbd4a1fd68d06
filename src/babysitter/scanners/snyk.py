"""``snyk test``: advisories against what a project depends on, asked of Snyk with a token.

The npm package downloads its program when it first runs; where it can't, it prints nothing and leaves with
status 0, so no report is never good news. Policies of the workspace (``.snyk``) do not count. The token
comes by ``Sandbox(env=("SNYK_TOKEN",))``. Tested against Snyk's documented reports and with the npm package
1.1307.4 without its program. Report: ``--json``.
"""

from typing import Any

import msgspec

from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import failed, json_of, report_of, severity_named
from babysitter.scanners.toolbox import Toolbox
from babysitter.scanners.weaknesses import category_of_cwe

GET = "Install it (npm install snyk; it downloads its program), or name its folder in [scan] path."
MANIFESTS = (
    *("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "requirements.txt", "Pipfile", "poetry.lock"),
    *("pom.xml", "build.gradle", "Gemfile.lock", "go.mod", "composer.lock"),
)


class _Project(msgspec.Struct, rename="camel"):
    ok: bool
    vulnerabilities: list[dict[str, Any]] = []
    dependency_count: int = 0
    error: str = ""


class Snyk:
    """See interface.Scanner."""

    name = "snyk"
    needs_network = True

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        node = tools.find("node", "Install Node, and see that it is on the PATH.")
        files = ground.named(*MANIFESTS)
        if not files:
            return Report(version="", examined=0, unit="packages")
        examined = 0
        seen: list[Seen] = []
        for file in files:
            called = tools.call(
                program, "test", "--json", "--ignore-policy", f"--file={file}", with_=(node,), network=True
            )
            report = json_of(self.name, called, statuses=(0, 1, 2, 3))
            project: _Project = report_of(self.name, report, _Project)
            if called.status not in (0, 1) or project.error:
                raise failed(self.name, f"could not test {file}", project.error)
            examined += project.dependency_count
            seen += [_seen(file, each) for each in project.vulnerabilities]
        return Report(version="", examined=examined, unit="packages", seen=tuple(seen))


def _seen(file: str, found: dict[str, Any]) -> Seen:
    identifiers = found.get("identifiers", {})
    fixed = ", ".join(found.get("fixedIn", ()))
    package = str(found.get("packageName") or found.get("name"))
    names = (found["id"], *identifiers.get("CVE", ()), *identifiers.get("GHSA", ()))
    return Seen(
        rule=found["id"],
        # A dependency's fault is one of dependencies, whatever its CWE says of its inside.
        category="dependency" if package else category_of_cwe(identifiers.get("CWE", ())),
        severity=severity_named(str(found.get("severity", "")), "medium"),
        path=file,
        message=f"{package} {found.get('version', '')}: {found.get('title', found['id'])}",
        fix=f"Take {package} {fixed}." if fixed else "",
        help_uri=f"https://security.snyk.io/vuln/{found['id']}",
        text=f"{package} {found.get('version', '')}",
        package=package,
        names=frozenset(names),
    )
