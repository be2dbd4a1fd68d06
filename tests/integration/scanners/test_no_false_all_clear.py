"""The ways in which these tools were seen to say that all is well when they had not looked; none passes."""

import json
import os

import pytest

from tests.integration.scanners.conftest import Place
from tests.integration.scanners.serving import certificate_for, proxy_to, serving

pytestmark = pytest.mark.promise("G17")

LOCK = json.dumps(
    {
        "name": "ours",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": {
            "": {"name": "ours", "version": "1.0.0", "dependencies": {"left": "1.0.0"}},
            "node_modules/left": {"version": "1.0.0"},
        },
    }
)
NODE_PROJECT = {
    "package.json": '{"name": "ours", "version": "1.0.0", "dependencies": {"left": "1.0.0"}}',
    "package-lock.json": LOCK,
}
PYPI = "pypi" + ".org"  # the one service that pip-audit asks unless it is told another
BULK = "/-/npm/v1/security/advisories/bulk"
ADVISORY = {
    "id": 1,
    "url": "https://advisories.example/GHSA-made-up",
    "title": "left writes outside",
    "severity": "high",
    "vulnerable_versions": "<2.0.0",
    "cwe": ["CWE-22"],
    "cvss": {"score": 7.5, "vectorString": None},
}


BAD_PATTERN = """\
rules:
  - id: broken
    languages: [python]
    severity: ERROR
    message: It can't be read.
    pattern: "((("
"""


@pytest.mark.needs("semgrep")
def test_semgrep_with_a_rule_that_does_not_parse(place: Place) -> None:
    """It goes on with the others, reports what it scanned, and leaves with status 0."""
    place.write(
        {"babysitter.toml": 'semgrep_rules = ["own.yaml"]\n', "a.py": "value = 1\n", "own.yaml": BAD_PATTERN}
    )

    found = place.scan("semgrep")

    assert found.tools[0].state == "failed"
    assert found.counts() == {}


@pytest.mark.needs("ruff")
def test_ruff_with_no_files(place: Place) -> None:
    """It warns and leaves with status 0."""
    place.write({"notes.txt": "nothing\n"})

    assert "examined nothing" in place.run("ruff").why


@pytest.mark.needs("eslint")
def test_eslint_without_its_plugins(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    place.write({"a.js": "value = 1\n"})
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "eslint").write_text("#!/bin/sh\necho v1\n", encoding="utf-8")
    (elsewhere / "eslint").chmod(0o755)
    (place.root / "babysitter.toml").write_text(f'[scan]\npath = ["{elsewhere}"]\n', encoding="utf-8")

    assert place.run("eslint").state == "failed"


@pytest.mark.needs("snyk", "node")
def test_snyk_that_can_t_download_itself(place: Place) -> None:
    """It prints nothing and leaves with status 0."""
    place.write(NODE_PROJECT)

    found = place.scan("snyk", network=True)

    assert found.tools[0].state == "failed"
    assert "no report" in found.tools[0].why
    assert found.counts() == {}


@pytest.mark.needs("njsscan")
def test_njsscan_whose_semgrep_does_not_run(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It finds nothing and leaves with status 0."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "semgrep").write_text("#!/bin/sh\nexit 2\n", encoding="utf-8")
    (folder / "semgrep").chmod(0o755)
    place.write({"a.js": "value = 1;\n"})
    settings = place.root / "babysitter.toml"
    settings.write_text(settings.read_text().replace("path = [", f'path = ["{folder}", '), encoding="utf-8")

    found = place.scan("njsscan")

    assert found.tools[0].state == "failed"
    assert "planted" in found.tools[0].why


@pytest.mark.needs("npm", "node")
def test_npm_audit_against_a_registry_without_the_endpoint(place: Place) -> None:
    with serving({}) as (port, asked):
        place.write({**NODE_PROJECT, "babysitter.toml": f'npm_registry = "http://127.0.0.1:{port}/"\n'})

        run = place.run("npm-audit", network=True)

    assert (run.state, asked) == ("offline", [BULK])


@pytest.mark.needs("npm", "node")
def test_npm_audit_with_a_registry_finds_and_counts(place: Place) -> None:
    packument = {
        "name": "left",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {"name": "left", "version": "1.0.0"}},
    }
    with serving({BULK: {"left": [ADVISORY]}, "/left": packument}) as (port, _):
        place.write({**NODE_PROJECT, "babysitter.toml": f'npm_registry = "http://127.0.0.1:{port}/"\n'})

        found = place.scan("npm-audit", network=True)

    assert [(each.rule, each.severity) for each in found.findings] == [("GHSA-made-up", "high")]
    assert (found.tools[0].state, found.tools[0].examined) == ("passed", 1)


@pytest.mark.needs("npm", "node")
def test_an_npmrc_of_the_workspace_does_not_choose_the_registry(place: Place) -> None:
    """It could name one that knows of no advisory."""
    with serving({BULK: {}}) as (silent, asked), serving({}) as (port, _):
        place.write({**NODE_PROJECT, "babysitter.toml": f'npm_registry = "http://127.0.0.1:{port}/"\n'})
        place.write({".npmrc": f"registry=http://127.0.0.1:{silent}/\n"})

        run = place.run("npm-audit", network=True)

    assert (run.state, asked) == ("offline", [])


@pytest.mark.needs("pip-audit")
def test_pip_audit_whose_service_answers_404(place: Place) -> None:
    """It skips the package, says "No known vulnerabilities found" and leaves with status 0."""
    context, trusted = certificate_for(PYPI, place.root)
    place.write({"requirements.txt": "left==1.0\n"})
    with (
        serving({}, context) as (port, asked),
        proxy_to(port) as proxy,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        patched.setenv("REQUESTS_CA_BUNDLE", str(trusted))

        run = place.run("pip-audit", network=True, env=("HTTPS_PROXY", "REQUESTS_CA_BUNDLE"))

    assert asked == ["/pypi/left/1.0/json"]
    assert (run.state, run.examined) == ("failed", 0)
    assert "skipped left" in run.why


@pytest.mark.needs("pip-audit")
def test_pip_audit_whose_osv_service_answers_404(place: Place) -> None:
    with serving({}) as (port, asked):
        place.write(
            {"requirements.txt": "left==1.0\n", "babysitter.toml": f'osv_url = "http://127.0.0.1:{port}/q"\n'}
        )

        run = place.run("pip-audit", network=True)

    assert (run.state, asked) == ("offline", ["/q"])


@pytest.mark.needs("pip-audit")
def test_pip_audit_with_a_service_finds_and_counts(place: Place) -> None:
    affected = {"package": {"name": "left", "ecosystem": "PyPI"}, "ranges": [], "versions": ["1.0"]}
    advisory = {"id": "MADE-1", "aliases": ["CVE-1"], "summary": "Bad.", "affected": [affected]}
    with serving({"/q": {"vulns": [advisory]}}) as (port, _):
        place.write(
            {"requirements.txt": "left==1.0\n", "babysitter.toml": f'osv_url = "http://127.0.0.1:{port}/q"\n'}
        )

        found = place.scan("pip-audit", network=True)

    assert [each.rule for each in found.findings] == ["CVE-1"]
    assert (found.tools[0].state, found.tools[0].examined) == ("passed", 1)


@pytest.mark.needs("pip-audit")
def test_pip_audit_with_requirements_that_are_not_pinned(place: Place) -> None:
    place.write({"requirements.txt": "left>=1.0\n"})

    assert place.run("pip-audit", network=True).state == "failed"


def test_a_tool_that_is_nowhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    (place.root / "babysitter.toml").write_text("", encoding="utf-8")
    place.write({"a.py": "value = 1\n"})

    run = place.run("semgrep")

    assert run.state == "missing"
    assert "pipx install semgrep" in run.fix
