"""The scanners there are, by name. Each module is imported when its scanner is asked for.

Other packages add theirs through the entry point ``babysitter.scanners``, each a class with the form of
``interface.Scanner`` that is made without arguments.
"""

from importlib import import_module, metadata
from typing import Final, cast

from babysitter.model.errors import NotFoundError
from babysitter.model.scan_settings import ScanTable
from babysitter.scanners.interface import Scanner

_OURS: Final[dict[str, tuple[str, str]]] = {
    "bandit": ("babysitter.scanners.bandit", "Bandit"),
    "eslint": ("babysitter.scanners.eslint", "ESLint"),
    "njsscan": ("babysitter.scanners.njsscan", "NJSScan"),
    "npm-audit": ("babysitter.scanners.npm_audit", "NpmAudit"),
    "osv": ("babysitter.scanners.osv.scanner", "Advisories"),
    "osv-scanner": ("babysitter.scanners.osv_scanner", "OsvScanner"),
    "pip-audit": ("babysitter.scanners.pip_audit", "PipAudit"),
    "ruff": ("babysitter.scanners.ruff", "Ruff"),
    "semgrep": ("babysitter.scanners.semgrep", "Semgrep"),
    "snyk": ("babysitter.scanners.snyk", "Snyk"),
    "zizmor": ("babysitter.scanners.zizmor", "Zizmor"),
}
_GROUP = "babysitter.scanners"


def scanner_names(settings: ScanTable) -> tuple[str, ...]:
    """Return every name that there is: ours, other packages', and those of the settings."""
    others = (point.name for point in metadata.entry_points(group=_GROUP))
    return tuple(dict.fromkeys((*_OURS, *others, *(table.name for table in settings.sarif))))


def scanner_named(name: str, settings: ScanTable) -> Scanner:
    """Return a scanner.

    Raises:
        NotFoundError: there is none of that name.
    """
    for table in settings.sarif:
        if table.name == name:
            from babysitter.scanners.sarif_tool import SarifTool  # noqa: PLC0415 (rarely there)

            return SarifTool(table)
    if name in _OURS:
        module, attribute = _OURS[name]
        made = getattr(import_module(module), attribute)
    else:
        points = [point for point in metadata.entry_points(group=_GROUP) if point.name == name]
        if not points:
            known = ", ".join(scanner_names(settings))
            raise NotFoundError(f"there is no scanner {name!r}.", hint=f"There are: {known}.")
        made = points[0].load()
    return cast("Scanner", made())
