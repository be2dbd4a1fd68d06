"""Hooks of git, releases, vulnerabilities, versions of programs, scanners."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from babysitter._version import __version__
from babysitter.service.doctor import scanning, updates
from babysitter.service.doctor.installed import closure
from babysitter.service.doctor.ports import Word
from babysitter.service.git.hooks import Hooks
from tests.integration.doctor.ward import Arrange, Cases, Ward, audited, called, names_of

pytestmark = pytest.mark.needs("git")
INSTALLED = closure()


def hooked(ward: Ward) -> None:
    ward.repository()
    Hooks(repository=ward.here().git, python="/usr/bin/python3", package="/x/__main__.py").install()


def plain(ward: Ward) -> None:
    ward.repository()


def other_hook(ward: Ward) -> None:
    ward.repository()
    ward.write(".git/hooks/post-checkout", "#!/bin/sh\n", mode=0o755)


def hooks_in_the_tree(ward: Ward) -> None:
    ward.repository()
    ward.write("hooks/pre-commit", "#!/bin/sh\n", mode=0o755)
    ward.git("config", "core.hooksPath", "hooks")


def index_says(*versions: str) -> Arrange:
    text = f"babysitter ({versions[0]})\nAvailable versions: {', '.join(versions)}\n"
    return lambda ward: ward.programs.answers.update({"index": called(text)})


def audit_says(vulnerable: str = "", without: str = "", skipped: str = "") -> Arrange:
    """Have pip-audit report all that is installed, a flaw in one, and one left out or skipped."""

    def arrange(ward: Ward) -> None:
        found: list[dict[str, object]] = []
        for name, version in INSTALLED.items():
            if name == skipped:
                found.append({"name": name, "skip_reason": "Dependency not found"})
            elif name != without:
                flaws = [{"id": "PYSEC-2026-1", "fix_versions": ["9"]}] if name == vulnerable else []
                found.append({"name": name, "version": version, "vulns": flaws})
        ward.programs.answers["pip-audit"] = audited(*found)

    return arrange


def versions(git: str, ssh: str) -> Arrange:
    def arrange(ward: Ward) -> None:
        ward.programs.answers["git"] = called(f"git version {git}\n")
        ward.programs.answers["ssh"] = called(stderr=f"OpenSSH_{ssh}p1 Debian-2, OpenSSL 3.0.19\n")

    return arrange


def here(*names: str) -> Arrange:
    def arrange(ward: Ward) -> None:
        for name in ("semgrep", "bandit", "pip-audit", "npm", "snyk"):
            ward.programs.answers[name] = called("1.0\n") if name in names else None

    return arrange


def without(program: str) -> Arrange:
    return lambda ward: ward.programs.answers.update({program: None})


def saying(*words: Word) -> Arrange:
    def arrange(ward: Ward) -> None:
        ward.words = lambda: words

    return arrange


def offline(ward: Ward) -> None:
    ward.online = False


def from_a_folder(ward: Ward) -> None:
    ward.from_index = False


CASES: Cases = {
    ("D06-hooks", "ok"): hooked,
    ("D06-hooks", "problem"): plain,
    ("D06-hooks", "not-applicable"): lambda _: None,
    ("D07-other-hooks", "ok"): hooked,
    ("D07-other-hooks", "note"): other_hook,
    ("D07-other-hooks", "problem"): hooks_in_the_tree,
    ("D07-other-hooks", "not-applicable"): lambda _: None,
    ("D07-trusted-processes", "ok"): saying(Word(entry="p.py", state="in force", current=True)),
    ("D07-trusted-processes", "problem"): saying(Word(entry="p.py", state="in force", current=False)),
    ("D07-trusted-processes", "not-applicable"): saying(),
    ("D07-trusted-processes", "could-not-check"): lambda _: None,
    ("D07-family-hooks", "ok"): lambda ward: (ward.root / ".a5c/hooks").mkdir(parents=True),
    ("D07-family-hooks", "note"): lambda ward: ward.write(".a5c/hooks/on-run-start/x.sh"),
    ("D07-family-hooks", "not-applicable"): lambda _: None,
    ("D04-newer-release", "ok"): index_says(__version__, "0.0.1"),
    ("D04-newer-release", "problem"): index_says("99.1", __version__),
    ("D04-newer-release", "not-applicable"): from_a_folder,
    ("D04-newer-release", "could-not-check"): offline,
    ("D04-vulnerabilities", "ok"): audit_says(),
    ("D04-vulnerabilities", "problem"): audit_says(vulnerable="click"),
    ("D04-vulnerabilities", "note"): audit_says(skipped="babysitter"),
    ("D04-vulnerabilities", "could-not-check"): without("pip-audit"),
    ("D04-programs", "ok"): versions("2.39.5", "9.2"),
    ("D04-programs", "problem"): versions("2.30.1", "9.2"),
    ("D04-programs", "note"): without("ssh"),
    ("D17-scanners", "ok"): here("semgrep", "bandit", "pip-audit", "npm", "snyk"),
    ("D17-scanners", "note"): here("npm"),
}


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


@pytest.mark.promise("G04")
@pytest.mark.parametrize(
    "answer",
    [
        called(json.dumps({"dependencies": [], "fixes": []})),
        called("No known vulnerabilities found\n"),
        called("", status=1, stderr="ConnectionError: the service is away"),
        called(json.dumps({"dependencies": [{"name": n, "skip_reason": "not found"} for n in INSTALLED]})),
        called(json.dumps({"dependencies": [{"name": n, "version": "0", "vulns": []} for n in INSTALLED]})),
        called("[]"),
        called("\x00"),
    ],
    ids=["nothing", "prose", "away", "all skipped", "other versions", "no report", "noise"],
)
def test_a_scanner_that_looked_at_nothing_is_no_all_clear(answer: object, ward: Ward) -> None:
    ward.programs.answers["pip-audit"] = answer  # type: ignore[assignment]

    assert ward.look("D04-vulnerabilities").state == "could-not-check"


@pytest.mark.promise("G04")
@pytest.mark.parametrize("name", [name for name in INSTALLED if name != "babysitter"])
def test_each_package_that_was_not_looked_at_is_missed(name: str, ward: Ward) -> None:
    audit_says(without=name)(ward)

    found = ward.look("D04-vulnerabilities")

    assert (found.state, name in found.found) == ("could-not-check", True)


@pytest.mark.parametrize(
    ("git", "ssh", "bwrap", "state"),
    [
        ("2.35.2", "9.1", "0.4.1", "ok"),
        ("2.35.1", "9.1", "0.4.1", "problem"),
        ("2.100.0", "10.0", "0.11.0", "ok"),
        ("2.35.2.windows.1", "9.1", "0.4.1", "ok"),
        ("2.35.2", "8.9", "0.4.1", "problem"),
        ("2.35.2", "9.1", "0.4.0", "problem"),
        ("2.35.2", "9.1", None, "ok"),
        ("unknown", "9.1", "0.4.1", "could-not-check"),
    ],
)
def test_versions_are_compared_as_numbers(
    git: str, ssh: str, bwrap: str | None, state: str, ward: Ward
) -> None:
    versions(git, ssh)(ward)
    ward.programs.answers["bwrap"] = called(f"bubblewrap {bwrap}\n") if bwrap else None

    assert ward.look("D04-programs").state == state


@pytest.mark.promise("G04")
def test_a_known_vulnerability_is_named_with_what_to_do(ward: Ward) -> None:
    audit_says(vulnerable="click")(ward)

    found = ward.look("D04-vulnerabilities")

    assert f"click {INSTALLED['click']} (PYSEC-2026-1)" in found.found
    assert found.command == "python -m pip install --upgrade click"


def test_everything_that_we_stand_on_is_asked_about() -> None:
    assert {"babysitter", "click", "cryptography", "cffi", "msgspec", "orjson"} <= INSTALLED.keys()
    assert "pytest" not in INSTALLED


@pytest.mark.promise("G04")
@pytest.mark.parametrize(
    ("flawed", "left_out", "state"),
    [("", "", "ok"), ("click", "", "problem"), ("", "click", "could-not-check"), ("", "babysitter", "note")],
)
def test_an_advisory_database_is_asked_instead_also_offline(
    flawed: str, left_out: str, state: str, ward: Ward
) -> None:
    offline(ward)
    known = {name: ["OSV-1"] if name == flawed else [] for name in INSTALLED if name != left_out}
    ward.advisories = lambda _: known

    assert ward.look("D04-vulnerabilities").state == state


@pytest.mark.promise("G07")
def test_an_old_word_does_not_matter_beside_one_that_holds_and_a_broken_one_does(ward: Ward) -> None:
    old, new = (Word(entry="p.py", state="in force", current=current) for current in (False, True))
    saying(old, new)(ward)
    renewed = ward.look("D07-trusted-processes")
    saying(new, Word(entry="q.py", state="the signature does not hold", current=True))(ward)
    broken = ward.look("D07-trusted-processes")

    assert renewed.state == "ok"
    assert broken.found == "no longer trusted: q.py (the signature does not hold)"


@contextmanager
def package_index(*versions: str) -> Iterator[str]:
    """Serve a simple index (PEP 503) that has these versions of Babysitter."""

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = (f"babysitter-{version}-py3-none-any.whl" for version in versions)
            page = "".join(f'<a href="/f/{name}">{name}</a>' for name in names)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!DOCTYPE html><html><body>{page}</body></html>".encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.promise("G04")
def test_a_real_pip_asks_the_index_that_it_is_configured_with(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_FIND_LINKS", ""),
        ("PIP_CACHE_DIR", str(tmp_path)),
    ):
        monkeypatch.setenv(name, value)
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "http_proxy", "https_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    states = []
    for offered in (("99.2", __version__), (__version__,), ("99.2rc1", __version__)):
        with package_index(*offered) as url:
            monkeypatch.setenv("PIP_INDEX_URL", url)
            states.append(ward.look("D04-newer-release"))

    assert [found.state for found in states] == ["problem", "ok", "ok"]
    assert states[0].found.startswith("99.2 is released")


@pytest.mark.promise("G04")
def test_an_index_that_is_away_is_said(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    with package_index() as url:
        pass
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    found = ward.look("D04-newer-release")

    assert (found.state, "could not be asked" in found.found) == ("could-not-check", True)


def test_nothing_is_asked_of_the_network_when_that_was_said(ward: Ward) -> None:
    offline(ward)
    for check in (*updates.CHECKS, *scanning.CHECKS):
        ward.look(check.id)

    assert not any(
        {"pip-audit", "index"} & set(call.argv) and "--version" not in call.argv
        for call in ward.programs.calls
    )


@pytest.mark.promise("G07")
def test_programs_that_a_repositorys_own_settings_start_are_named(ward: Ward) -> None:
    ward.repository()
    ward.git("config", "core.fsmonitor", "/tmp/x")
    ward.git("config", "filter.lfs.clean", "git-lfs clean")

    found = ward.look("D07-other-hooks")

    assert (found.state, "core.fsmonitor, filter.lfs.clean" in found.found) == ("note", True)


@pytest.mark.promise("G07")
def test_looking_starts_no_hook_and_no_monitor_of_the_repository(ward: Ward, tmp_path: Path) -> None:
    ward.repository()
    trap = ward.write("trap.sh", f"#!/bin/sh\ntouch {tmp_path}/sprung\n", mode=0o755)
    ward.git("config", "core.fsmonitor", str(trap))
    ward.git("config", "core.hooksPath", str(ward.root))
    for hook in ("pre-commit", "post-index-change", "reference-transaction"):
        ward.write(hook, trap.read_text(), mode=0o755)
    (tmp_path / "sprung").unlink(missing_ok=True)
    ward.write(".a5c/hooks/on-run-start/x.sh", trap.read_text(), mode=0o755)

    from babysitter.service.doctor.examining import examine

    examine(ward.here(), fix=True)

    assert not (tmp_path / "sprung").exists()


def test_what_an_extra_brought_is_something_that_we_stand_on() -> None:
    """What apprise requires is installed where people are told through it, so it is audited."""
    assert {"apprise", "requests", "urllib3"} <= set(INSTALLED)
