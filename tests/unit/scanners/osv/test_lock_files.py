"""Lock files: the packages that they name at one version; what has none is told, the rest is an error."""

from pathlib import Path

import pytest

from babysitter.scanners.osv.lock_files import read_lock_file
from babysitter.scanners.osv.packages import LockFileError
from babysitter.scanners.osv.python_locks import read_installed

REQUIREMENTS = """\
# a comment
--index-url https://index.example/simple
left==1.0 ; python_version < "4"  # why
Right_Thing[extra]==2.0rc1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
"""
UV = """\
version = 1
[[package]]
name = "left"
version = "1.0"
source = { registry = "https://index.example/simple" }
[[package]]
name = "ourselves"
version = "0"
source = { editable = "." }
"""
POETRY = '[[package]]\nname = "left"\nversion = "1.0"\n'
PYLOCK = 'lock-version = "1.0"\n[[packages]]\nname = "left"\nversion = "1.0"\n'
PIPFILE = '{"_meta": {}, "default": {"left": {"version": "==1.0"}}, "develop": {"right": {"version": "==2"}}}'
NPM_3 = """{"lockfileVersion": 3, "packages": {
  "": {"name": "ourselves", "version": "0.0.0"},
  "packages/part": {"version": "0.0.0"},
  "node_modules/part": {"link": true, "resolved": "packages/part"},
  "node_modules/left": {"version": "1.0.0"},
  "node_modules/left/node_modules/@s/right": {"version": "2.0.0-beta.1"},
  "node_modules/called": {"name": "real", "version": "3.0.0"}}}"""
NPM_1 = """{"lockfileVersion": 1, "dependencies": {
  "left": {"version": "1.0.0", "dependencies": {"right": {"version": "2.0.0"}}}}}"""
YARN_1 = """\
# yarn lockfile v1


"@s/right@^2.0.0", "@s/right@^2.1.0":
  version "2.1.5"
  resolved "https://registry.example/right.tgz"
  dependencies:
    left "^1.0.0"

left@^1.0.0:
  version "1.0.0"
"""
YARN_4 = """\
__metadata:
  version: 8

"@s/right@npm:^2.0.0":
  version: 2.1.5
  resolution: "@s/right@npm:2.1.5"

"ourselves@workspace:.":
  version: 0.0.0-use.local
"""
PNPM_9 = """\
lockfileVersion: '9.0'

importers:
  .:
    dependencies:
      left: {specifier: ^1.0.0, version: 1.0.0}

packages:

  '@s/right@2.1.5':
    resolution: {integrity: sha512-x}

  left@1.0.0:
    resolution: {integrity: sha512-y}

snapshots:

  left@1.0.0: {}
"""
PNPM_6 = """\
lockfileVersion: '6.0'
packages:

  /@s/right@2.1.5(left@1.0.0):
    dev: false
  /left@1.0.0:
    dev: true
"""
PNPM_5 = """\
lockfileVersion: 5.4
packages:

  /@s/right/2.1.5_left@1.0.0:
    dev: false
  /left/1.0.0:
    dev: true
"""


@pytest.mark.parametrize(
    ("name", "content", "packages"),
    [
        ("requirements-dev.txt", REQUIREMENTS, {"left 1.0", "Right_Thing 2.0rc1"}),
        ("uv.lock", UV, {"left 1.0"}),
        ("poetry.lock", POETRY, {"left 1.0"}),
        ("pylock.toml", PYLOCK, {"left 1.0"}),
        ("Pipfile.lock", PIPFILE, {"left 1.0", "right 2"}),
        ("package-lock.json", NPM_3, {"left 1.0.0", "@s/right 2.0.0-beta.1", "real 3.0.0"}),
        ("a/npm-shrinkwrap.json", NPM_1, {"left 1.0.0", "right 2.0.0"}),
        ("yarn.lock", YARN_1, {"@s/right 2.1.5", "left 1.0.0"}),
        ("yarn.lock", YARN_4, {"@s/right 2.1.5"}),
        ("pnpm-lock.yaml", PNPM_9, {"@s/right 2.1.5", "left 1.0.0"}),
        ("pnpm-lock.yaml", PNPM_6, {"@s/right 2.1.5", "left 1.0.0"}),
        ("pnpm-lock.yaml", PNPM_5, {"@s/right 2.1.5", "left 1.0.0"}),
    ],
)
def test_a_lock_file_names_its_packages(name: str, content: str, packages: set[str]) -> None:
    locked = read_lock_file(name, content.encode())

    assert {f"{package.name} {package.version}" for package in locked.packages} == packages
    assert locked.problems == ()


@pytest.mark.promise("G17")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("yarn.lock", '# yarn lockfile v1\n"called@npm:left@^1.0.0":\n  version "1.0.0"\n'),
        ("yarn.lock", '__metadata:\n  version: 8\n"called@npm:left@^1.0.0":\n  version: 1.0.0\n'),
        ("yarn.lock", '# yarn lockfile v1\n"left@file:./left.tgz":\n  version "1.0.0"\n'),
        ("Pipfile.lock", '{"_meta": {}, "docs": {"left": {"version": "==1.0.0"}}}'),
        ("uv.lock", '[[package]]\nname = "left"\nversion = "1.0.0"\nsource = { path = "left.whl" }\n'),
        (
            "pylock.toml",
            '[[package]]\nname = "mask"\nversion = "1"\n[[packages]]\nname = "left"\nversion = "1.0.0"\n',
        ),
    ],
)
def test_what_is_installed_under_another_name_from_a_file_or_by_another_word_is_read(
    name: str, content: str
) -> None:
    locked = read_lock_file(name, content.encode())

    assert ("left", "1.0.0") in [(package.name, package.version) for package in locked.packages]
    assert locked.problems == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.txt", "left>=1.0\n"),
        ("requirements.txt", "left==1.*\n"),
        ("requirements.txt", "left\n"),
        ("requirements.txt", "-r other.txt\n"),
        ("requirements.txt", "-e .\n"),
        ("requirements.txt", "git+https://host.example/left\n"),
        ("Pipfile.lock", '{"default": {"left": {"git": "x"}}}'),
        ("uv.lock", '[[package]]\nname = "left"\nsource = { git = "x" }\n'),
        ("package-lock.json", '{"lockfileVersion": 3, "packages": {"node_modules/left": {}}}'),
        ("package-lock.json", '{"lockfileVersion": 1, "dependencies": {"left": {"version": "git+ssh://x"}}}'),
        ("yarn.lock", "# yarn lockfile v1\nleft@1:\n  resolved x\n\nright@1:\n  version 1.0.0\n"),
        ("yarn.lock", "# yarn lockfile v1\n? left@1\n:\n  version 1.0.0\n"),
        ("yarn.lock", "# yarn lockfile v1\nright@1:\n  version 1.0.0\n\nleft@1:\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n\n  left@https://x:\n    resolution: {}\n"),
    ],
)
def test_what_has_no_one_version_is_told(name: str, content: str) -> None:
    assert read_lock_file(name, content.encode()).problems


@pytest.mark.parametrize(
    "name", ["uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"]
)
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe\x00", b"hello = 1\n"])
def test_what_is_no_lock_file_is_an_error(name: str, content: bytes) -> None:
    with pytest.raises(LockFileError):
        read_lock_file(name, content)


@pytest.mark.parametrize("inner", ["[1]", '{"right": 5}', '"x"'])
def test_a_lock_of_npm_that_is_none_deep_inside_is_an_error(inner: str) -> None:
    text = (
        f'{{"lockfileVersion": 1, "dependencies": {{"left": {{"version": "1", "dependencies": {inner}}}}}}}'
    )

    with pytest.raises(LockFileError):
        read_lock_file("package-lock.json", text.encode())


def test_installed_packages_are_read_from_their_metadata(tmp_path: Path) -> None:
    for name, text in (
        ("left-1.0", "Metadata-Version: 2.4\nName: left\nVersion: 1.0\n\nVersion: 9"),
        ("odd-1", ""),
    ):
        folder = tmp_path / f"{name}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(text, encoding="utf-8")

    locked = read_installed(tmp_path)

    assert [(package.name, package.version) for package in locked.packages] == [("left", "1.0")]
    assert len(locked.problems) == 1
