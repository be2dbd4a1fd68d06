"""Credentials where they should not be, and the scanners that the guide recommends (G08, G11, G17)."""

from babysitter.model.errors import MissingToolError, NotFoundError, ProgramTimeoutError
from babysitter.model.findings import Finding
from babysitter.service.doctor.check import (
    Check,
    Result,
    could_not_check,
    count,
    not_applicable,
    note,
    ok,
    problem,
    some,
)
from babysitter.service.doctor.surroundings import Surroundings
from babysitter.service.git.repository import texts

_NO_DETECTOR = could_not_check(
    "this version has nothing that finds credentials",
    fix="Look with a scanner of your own, such as gitleaks.",
)
_SCANNERS = (
    ("semgrep", ("semgrep", "--version")),
    ("bandit", ("bandit", "--version")),
    ("pip-audit", ("pip-audit", "--version")),
    ("npm audit", ("npm", "--version")),
    ("snyk", ("snyk", "--version")),
)
# It asks its maker for a newer version otherwise, for half a minute where there is no network.
_QUIET = {"SEMGREP_ENABLE_VERSION_CHECK": "0", "SEMGREP_SEND_METRICS": "off"}
_ANSWERS_S = 10.0


def files_hold_no_credentials(here: Surroundings) -> Result:
    """Look for credentials in what git tracks; outside of a repository, in the workspace's own files."""
    find = here.find
    if find is None:
        return _NO_DETECTOR
    if here.work_tree is None:
        return not_applicable("the workspace is in no git repository; `babysitter scan .` looks at its files")
    names = texts(here.git.ask("ls-files", "-z", "--cached"))
    found: list[Finding] = []
    looked = 0
    for name in names:
        file = here.root / name
        if file.is_symlink() or not file.is_file():
            continue  # Deleted, a submodule, or a link whose target is looked at by its own name.
        looked += 1
        found += find(file.read_bytes(), name)
    if not found:
        return ok(f"no credential in {count(looked, 'tracked file')}")
    places = [f"{each.path}:{each.span.line}" if each.span else each.path for each in found]
    return problem(
        f"{count(len(found), 'credential')} in tracked files: {some(places)}",
        fix='Rotate it: the history has it. Then read it from the environment: secret("env:NAME").',
        command="babysitter scan .",
        severity="critical",
        places=tuple(dict.fromkeys(each.path for each in found)),
    )


def journals_hold_no_credentials(here: Surroundings) -> Result:
    """Look for credentials in every file of every run."""
    if not here.journals:
        return not_applicable("there is no run yet")
    find = here.find
    if find is None:
        return _NO_DETECTOR
    found: list[str] = []
    looked = 0
    for facts in here.journals:
        for path in here.wired.store.paths(facts.run_id):
            try:
                data = here.wired.store.read_file(facts.run_id, path)
            except NotFoundError:
                continue  # Its driver has removed it meanwhile.
            looked += 1
            found += [f"{facts.run_id}/{path} ({each.rule})" for each in find(data, path)]
    if not found:
        return ok(f"no credential in {count(looked, 'file')} of {count(len(here.journals), 'run')}")
    return problem(
        f"{count(len(found), 'credential')} in run data: {some(found)}",
        fix="Rotate it, then declare it, so that it is masked from now on: [secrets] names.",
        command="babysitter journal scan --all",
        severity="critical",
        places=tuple(
            dict.fromkeys(here.shown(here.place.runs_dir / each.partition(" (")[0]) for each in found)
        ),
    )


def scanners_are_here(here: Surroundings) -> Result:
    """Say which of the scanners that the guide recommends are on this machine."""
    there: list[str] = []
    absent: list[str] = []
    for name, argv in _SCANNERS:
        try:
            called = here.programs.call(argv, env=_QUIET, timeout_s=_ANSWERS_S)
        except (MissingToolError, ProgramTimeoutError):
            absent.append(name)
            continue
        (there if called.status == 0 else absent).append(name)
    if not absent:
        return ok(f"here: {', '.join(there)}")
    return note(
        f"here: {', '.join(there) or 'none'}; not here: {', '.join(absent)}",
        fix="A scan says of each that it was missing, and counts as incomplete. Install those you use.",
        command="python -m pip install semgrep bandit pip-audit",
    )


CHECKS = (
    Check(
        id="D08-credentials-in-run-data",
        title="no run holds a credential",
        promise="G08",
        severity="high",
        why="run data is copied, backed up and handed to auditors.",
        look=journals_hold_no_credentials,
    ),
    Check(
        id="D11-credentials-in-files",
        title="no tracked file holds a credential",
        promise="G11",
        severity="high",
        why="whoever has a clone has it.",
        look=files_hold_no_credentials,
    ),
    Check(
        id="D17-scanners",
        title="the scanners that the guide recommends are here",
        promise="G17",
        severity="low",
        why="what is not here examines nothing.",
        look=scanners_are_here,
    ),
)
