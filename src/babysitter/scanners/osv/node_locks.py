"""Lock files of npm, Yarn and pnpm.

package-lock.json is JSON of three versions. yarn.lock and pnpm-lock.yaml are read line by line, for the few
lines that name a package and its version; their forms are those that Yarn 1 to 4 and pnpm 6 to 10 write.
"""

import re
from typing import Any

import msgspec

from babysitter.scanners.osv.packages import Locked, Reading, json_lock, refuse

_YARN_HEAD = re.compile(
    r"""^"?(?P<name>(?:@[^/"\s]+/)?[^@"\s]+)@(?:npm:(?P<real>(?:@[^/"\s]+/)?[^@"\s,]+)@)?[^"]*"?.*:\s*$"""
)
_YARN_VERSION = re.compile(r'^\s+version:?\s+"?(?P<version>[^"\s]+)"?\s*$')
_YARN_LOCAL = re.compile(r"@(workspace|link|portal):")
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
    lock = json_lock(content, _PackageLock, "package-lock.json")
    found = Reading("npm")
    if lock.packages is None:
        _nested(lock.dependencies or {}, found)
        return found.locked()
    for place, entry in lock.packages.items():
        _, mark, last = place.rpartition("node_modules/")
        # The project itself and its workspaces stand outside of node_modules; a link leads to them.
        if mark and not entry.get("link"):
            _take(str(entry.get("name") or last), entry, found)
    return found.locked()


def _nested(entries: dict[str, dict[str, Any]], found: Reading) -> None:
    waiting = [entries]
    while waiting:
        for name, entry in waiting.pop().items():
            _take(name, entry, found)
            inner = entry.get("dependencies", {})
            if not isinstance(inner, dict) or not all(isinstance(each, dict) for each in inner.values()):
                refuse(f"what {name} depends on is no list of packages")
            waiting.append(inner)


def _take(name: str, entry: dict[str, Any], found: Reading) -> None:
    version = entry.get("version")
    alias = re.match(r"npm:(?P<name>.+)@(?P<version>[^@]+)$", str(version))
    if alias:
        name, version = alias["name"], alias["version"]
    if isinstance(version, str) and re.match(r"\d", version):
        found.take(name, version)
    else:
        found.problem(f"{name} has no version")


def read_yarn_lock(content: bytes) -> Locked:
    """Return the packages of a yarn.lock.

    Raises:
        LockFileError: it is none.
    """
    text = content.decode(errors="replace")
    if "yarn lockfile v1" not in text and "__metadata:" not in text:
        refuse("it is no yarn.lock")
    found = Reading("npm")
    name, is_local = "", False
    for line in (*text.splitlines(), "__metadata:"):
        if line and line[0] not in " #":
            if name:
                found.problem(f"{name} has no version")
            name, is_local = _head(line, found), bool(_YARN_LOCAL.search(line))
        elif name and (version := _YARN_VERSION.match(line)):
            if not is_local:
                found.take(name, version["version"])
            name = ""
    return found.locked()


def _head(line: str, found: Reading) -> str:
    """Return the package that a head of yarn's is about: of an alias, what stands behind it."""
    head = _YARN_HEAD.match(line)
    if line.startswith("__metadata"):
        return ""
    if head is None:
        found.problem(f"{line.strip()!r} names no package")
        return ""
    return head["real"] or head["name"]


def read_pnpm_lock(content: bytes) -> Locked:
    """Return the packages of a pnpm-lock.yaml.

    Raises:
        LockFileError: it is none.
    """
    text = content.decode(errors="replace")
    if not re.search(r"^lockfileVersion:", text, re.MULTILINE):
        refuse("it is no pnpm-lock.yaml")
    found = Reading("npm")
    is_inside = False
    for line in text.splitlines():
        if line and not line[0].isspace():
            is_inside = line.startswith("packages:")
        elif is_inside and re.match(r"\s{2}\S", line):
            key = _PNPM_KEY.match(line)
            if key:
                found.take(key["name"], key["version"])
            else:
                found.problem(f"{line.strip().rstrip(':')} has no version")
    return found.locked()
