"""Are we up to date: newer releases, known vulnerabilities, programs that are too old (G04).

No answer is no good news: an index that is away, a scanner that skipped a package or that looked at none,
leaves the check undone.
"""

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from packaging.version import InvalidVersion, Version

from babysitter._version import __version__
from babysitter.model.errors import MissingToolError, RefusedError
from babysitter.service.doctor.check import (
    Check,
    Result,
    could_not_check,
    not_applicable,
    note,
    ok,
    problem,
    some,
)
from babysitter.service.doctor.installed import OURS, closure
from babysitter.service.doctor.surroundings import Surroundings

_INDEX_S = 20.0
_AUDIT_S = 300.0
_VERSIONS = re.compile(r"^Available versions: (.+)$", re.MULTILINE)
_PROGRAMS = (
    (("git", "--version"), r"git version (\d+(?:\.\d+)+)", "2.35.2",
     "before it, git runs what a repository of somebody else configures (CVE-2022-24765)"),
    (("ssh", "-V"), r"OpenSSH_(\d+\.\d+)", "9.1",
     "before it, ssh-keygen reads no times in UTC, which the audit script gives it"),
    (("bwrap", "--version"), r"bubblewrap (\d+(?:\.\d+)+)", "0.4.1",
     "before it, one that is setuid root can make its caller root (CVE-2020-5291)"),
)  # fmt: skip
"""A call, its version, the oldest one that will do, and why. Source: their release notes."""


def release_is_newest(here: Surroundings) -> Result:
    """Ask the package index, through pip and whatever it is configured with, for newer releases."""
    if not here.from_index:
        return not_applicable(f"{OURS} {__version__} is from no package index: update it where it came from")
    if not here.online:
        return could_not_check("--offline: no package index was asked", fix="Ask without --offline.")
    called = here.programs.call(
        (sys.executable, "-m", "pip", "index", "versions", OURS, "--no-input", "--disable-pip-version-check",
         "--timeout", "5", "--retries", "0"),
        timeout_s=_INDEX_S,
    )  # fmt: skip
    found = _VERSIONS.search(called.stdout.decode(errors="replace"))
    if called.status != 0 or found is None:
        said = called.stderr.decode(errors="replace").strip().splitlines() or ["pip said nothing"]
        return could_not_check(
            f"the package index could not be asked: {said[-1][:200]}",
            fix="Look with pip itself.",
            command=f"python -m pip index versions {OURS}",
        )
    newest = _newest(found[1])
    if newest is None or newest <= Version(__version__):
        return ok(f"{__version__} is the newest release that the index has")
    return problem(
        f"{newest} is released; this is {__version__}",
        fix="Read CHANGELOG.md, security first, then update.",
        command=f"python -m pip install --upgrade {OURS}",
    )


def nothing_is_vulnerable(here: Surroundings) -> Result:
    """Have what is installed of ours looked up: in the settings' advisory database, or by pip-audit."""
    installed = closure()
    if not installed:
        return could_not_check("this is not installed as a package", fix="Install it with pip.")
    if here.advisories is not None:
        return _told(installed, here.advisories(installed), "the advisory database")
    if not here.online:
        return could_not_check("--offline, and no advisory database is given", fix="Ask without --offline.")
    try:
        audited = _audited(here, installed)
    except MissingToolError:
        return could_not_check(
            "pip-audit is not here, so nobody knows of known vulnerabilities",
            fix="Install it beside Babysitter.",
            command="python -m pip install pip-audit",
        )
    return _told(installed, audited, "pip-audit")


def _told(installed: Mapping[str, str], audited: Mapping[str, Sequence[str]], who: str) -> Result:
    """Return what it means that these packages were looked at, with these flaws."""
    vulnerable = {name: flaws for name, flaws in audited.items() if flaws}
    if vulnerable:
        told = [f"{name} {installed[name]} ({', '.join(flaws)})" for name, flaws in vulnerable.items()]
        return problem(
            f"known vulnerabilities: {some(told)}",
            fix="Update them.",
            command=f"python -m pip install --upgrade {' '.join(vulnerable)}",
        )
    unasked = [name for name in installed if name not in audited and name != OURS]
    if unasked:
        return could_not_check(
            f"{who} did not look at {some(unasked)}", fix="Look with pip-audit itself.", command="pip-audit"
        )
    if OURS not in audited:
        return note(
            f"none of {len(audited)} packages that we stand on has a known vulnerability; nobody could "
            "be asked about Babysitter itself",
            fix="SECURITY.md says where its own advisories are.",
        )
    return ok(f"none of {len(audited)} packages has a known vulnerability")


def programs_are_new_enough(here: Surroundings) -> Result:
    """Ask the programs that we start for their versions."""
    told, old, absent = [], [], []
    for argv, pattern, least, why in _PROGRAMS:
        try:
            called = here.programs.call(argv, timeout_s=30)
        except MissingToolError:
            # Of bubblewrap one comes with us; whether any works, D05-sandbox-works says.
            absent += [argv[0]] if argv[0] != "bwrap" else []
            continue
        found = re.search(pattern, (called.stdout + called.stderr).decode(errors="replace"))
        if found is None:
            raise RefusedError(f"{argv[0]} does not say its version.", hint=f"Run: {' '.join(argv)}")
        told.append(f"{argv[0]} {found[1]}")
        if Version(found[1]) < Version(least):
            old.append(f"{argv[0]} {found[1]} is older than {least}: {why}")
    if old:
        return problem(some(old), fix="Update it; your distribution may have mended it all the same.",
                       command="sudo apt install --only-upgrade git openssh-client")  # fmt: skip
    if absent:
        return note(
            f"not here: {', '.join(absent)}; what needs them is refused",
            fix="Install them where they are wanted: git for hooks and diffs, ssh for signatures.",
            command="sudo apt install git openssh-client",
        )
    return ok(", ".join(told))


def _newest(listed: str) -> Version | None:
    found = []
    for text in listed.split(","):
        try:
            version = Version(text.strip())
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            found.append(version)
    return max(found, default=None)


def _audited(here: Surroundings, installed: dict[str, str]) -> dict[str, list[str]]:
    """Return the known flaws of each package that pip-audit says it looked at; what it skipped is not in it.

    Raises:
        MissingToolError: there is no pip-audit.
        RefusedError: it failed, or says nothing that can be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "requirements.txt"
        pins.write_text("".join(f"{name}=={version}\n" for name, version in installed.items()), "utf-8")
        called = here.programs.call(
            ("pip-audit", "--format", "json", "--progress-spinner", "off", "--disable-pip", "--no-deps",
             "--requirement", str(pins)),
            timeout_s=_AUDIT_S,
        )  # fmt: skip
    try:
        report = msgspec.json.decode(called.stdout)
        return {
            each["name"].lower(): [flaw["id"] for flaw in each["vulns"]]
            for each in report["dependencies"]
            if _is_looked_at(each, installed)
        }
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        said = called.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise RefusedError(
            f"pip-audit failed: {said[-1][:200]}", hint="Look with pip-audit itself: pip-audit"
        ) from None


def _is_looked_at(each: dict[str, Any], installed: dict[str, str]) -> bool:
    """Tell whether it is a package of ours, in the version that is installed, and was not skipped."""
    name = each["name"].lower()
    return "skip_reason" not in each and installed.get(name) == each["version"]


CHECKS = (
    Check(
        id="D04-newer-release",
        title="this is the newest release",
        promise="G04",
        severity="low",
        why="what was found and mended since is known to everybody.",
        look=release_is_newest,
    ),
    Check(
        id="D04-vulnerabilities",
        title="nothing that we stand on has a known vulnerability",
        promise="G04",
        severity="high",
        why="a known vulnerability is one that others know how to use.",
        look=nothing_is_vulnerable,
    ),
    Check(
        id="D04-programs",
        title="git, OpenSSH and bubblewrap are new enough",
        promise="G04",
        severity="medium",
        why="older ones run what they should not, or check less than we rely on.",
        look=programs_are_new_enough,
    ),
)
