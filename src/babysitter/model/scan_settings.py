"""The settings about scanners, as ``babysitter.toml`` has them under ``[scan]``.

A finding is let through only with a reason and a last day: a suppression without either is refused.

Reference: docs/reference/settings.md.
"""

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

Fingerprint = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Text = Annotated[str, Meta(min_length=1, pattern=r"\S")]


class ScanSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class SuppressTable(ScanSetting, frozen=True, kw_only=True):
    """``[[scan.suppress]]``: one finding that does not count, why, and the last day on which it does not."""

    fingerprint: Fingerprint
    reason: Text
    until: dt.date


class SarifTable(ScanSetting, frozen=True, kw_only=True):
    """``[[scan.sarif]]``: a scanner of the team's own that writes SARIF 2.1.0.

    name: what ``tools`` calls it.
    argv: the program that writes the report to its standard output; or else
    file: a report that is there already, relative to the settings file.
    files: what it looks at, as globs; needed where its report does not list what it examined.
    ok_statuses: the exit statuses that say that it came to its end.
    network: whether it needs the network; a task has to grant it all the same.
    """

    name: Text
    argv: tuple[str, ...] = ()
    file: str = ""
    files: tuple[str, ...] = ()
    ok_statuses: tuple[int, ...] = (0, 1)
    network: bool = False


class ScanTable(ScanSetting, frozen=True, kw_only=True):
    """``[scan]``. Paths are relative to the settings file.

    tools: what ``security scan`` and ``security_scan()`` run when they name none.
    path: folders in which scanners are looked for before those of PATH.
    exclude: globs of files that are not examined.
    osv: a folder of advisories in OSV format, for the tool ``osv``.
    osv_url: the OSV service that ``pip-audit`` asks instead of PyPI's.
    npm_registry: the registry that ``npm-audit`` asks instead of npm's own.
    semgrep_rules: rule files or folders beside ours.
    baseline: a file of known findings, which are not new.
    timeout_s: for each start of a tool.
    """

    tools: tuple[str, ...] = ("bandit", "semgrep")
    path: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    osv: str = ""
    osv_url: str = ""
    npm_registry: str = ""
    semgrep_rules: tuple[str, ...] = ()
    baseline: str = ""
    timeout_s: Annotated[float, Meta(gt=0, le=86400)] = 900.0
    sarif: tuple[SarifTable, ...] = ()
    suppress: tuple[SuppressTable, ...] = ()
