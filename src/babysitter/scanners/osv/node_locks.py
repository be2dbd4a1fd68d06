"""Lock files of npm, Yarn and pnpm.

package-lock.json is JSON of three versions. yarn.lock and pnpm-lock.yaml are read line by line, for the few
lines that name a package and its version; their forms are those that Yarn 1 to 4 and pnpm 6 to 10 write.
"""

import re
from typing import Any

import msgspec

from babysitter.scanners.osv.packages import Locked, Package, refuse, unique

_YARN_HEAD = re.compile(r'^"?(?P<name>(?:@[^/"\s]+/)?[^@"\s]+)@[^"]*"?.*:\s*$')
_YARN_VERSION = re.compile(r'^\s+version:?\s+"?(?P<version>[^"\s]+)"?\s*$')
_YARN_LOCAL = re.compile(r"@(workspace|link|portal|file):")
_PNPM_KEY = re.compile(
    r"""^\s{2}['"]?/?(?P<name>(?:@[^/@\s]+/)?[^/@\s'"]+)[@/](?P<version>\d[^('":\s_]*)[^:]*['"]?:"""
)


class _PackageLock(msgspec.Struct, rename="camel"):
    lockfile_version: int
    packages: dict[str, dict[str, Any]] | None = None
    dependencies: dict[str, dict[str, Any]] | None = None


def read_package_lock(content: bytes) -> Locked:
    """Return the packages of a package-lock.json or npm-shrinkwrap.json.

    Raises:
        LockFileError: it is none.
    """
    try:
        lock = msgspec.json.decode(content, type=_PackageLock)
    except msgspec.DecodeError as error:
        refuse(f"it is no package-lock.json: {error}")
    packages: list[Package] = []
    problems: list[str] = []
    if lock.packages is None:
        _nested(lock.dependencies or {}, packages, problems)
        return Locked(unique(packages), tuple(problems))
    for place, entry in lock.packages.items():
        _, mark, last = place.rpartition("node_modules/")
        # The project itself and its workspaces stand outside of node_modules; a link leads to them.
        if mark and not entry.get("link"):
            _take(str(entry.get("name") or last), entry, packages, problems)
    return Locked(unique(packages), tuple(problems))


def _nested(entries: dict[str, dict[str, Any]], packages: list[Package], problems: list[str]) -> None:
    waiting = [entries]
    while waiting:
        for name, entry in waiting.pop().items():
            _take(name, entry, packages, problems)
            waiting.append(entry.get("dependencies", {}))


def _take(name: str, entry: dict[str, Any], packages: list[Package], problems: list[str]) -> None:
    version = entry.get("version")
    alias = re.match(r"npm:(?P<name>.+)@(?P<version>[^@]+)$", str(version))
    if alias:
        name, version = alias["name"], alias["version"]
    if isinstance(version, str) and re.match(r"\d", version):
        packages.append(Package(ecosystem="npm", name=name, version=version))
    else:
        problems.append(f"{name} has no version")


def read_yarn_lock(content: bytes) -> Locked:
    """Return the packages of a yarn.lock.

    Raises:
        LockFileError: it is none.
    """
    text = content.decode(errors="replace")
    if "yarn lockfile v1" not in text and "__metadata:" not in text:
        refuse("it is no yarn.lock")
    packages: list[Package] = []
    problems: list[str] = []
    name, is_local = "", False
    for line in text.splitlines():
        if line and line[0] not in " #":
            if name:
                problems.append(f"{name} has no version")
            head = _YARN_HEAD.match(line)
            name = head["name"] if head and not line.startswith("__metadata") else ""
            is_local = bool(_YARN_LOCAL.search(line))
        elif name and (found := _YARN_VERSION.match(line)):
            if not is_local:
                packages.append(Package(ecosystem="npm", name=name, version=found["version"]))
            name = ""
    return Locked(unique(packages), tuple(problems))


def read_pnpm_lock(content: bytes) -> Locked:
    """Return the packages of a pnpm-lock.yaml.

    Raises:
        LockFileError: it is none.
    """
    text = content.decode(errors="replace")
    if not re.search(r"^lockfileVersion:", text, re.MULTILINE):
        refuse("it is no pnpm-lock.yaml")
    packages: list[Package] = []
    problems: list[str] = []
    is_inside = False
    for line in text.splitlines():
        if line and not line[0].isspace():
            is_inside = line.startswith("packages:")
        elif is_inside and re.match(r"\s{2}\S", line):
            found = _PNPM_KEY.match(line)
            if found:
                packages.append(Package(ecosystem="npm", name=found["name"], version=found["version"]))
            else:
                problems.append(f"{line.strip().rstrip(':')} has no version")
    return Locked(unique(packages), tuple(problems))
