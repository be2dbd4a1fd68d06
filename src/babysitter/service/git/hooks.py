"""Our hooks in a git repository: put there, taken away, and beside those that are there already.

A hook that is there is kept under another name and called after ours, with the same arguments and the same
standard input; taking ours away puts it back. A hooks folder that several repositories share is left alone.
A hook of ours that does not find Babysitter refuses, and says how to mend it.
"""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from babysitter.model.errors import RefusedError
from babysitter.service.git.repository import Repository
from babysitter.service.views import View

HOOKS = {"pre-commit": "check-staged", "pre-push": "check-push"}
"""Each hook, and what it calls."""
MARK = "# A hook of Babysitter's. `babysitter git uninstall-hooks` takes it away."
KEPT = ".before-babysitter"
"""What is added to the name of a hook that was there before ours."""

_SCRIPT = """\
#!/bin/sh
{mark}
# It refuses run data and credentials. --no-verify passes it by, so check in CI too.
{begin} [ -x {python} ] && [ -f {package} ]; then
    # -P: what lies in the repository is never imported.
    {give}{python} -P -m babysitter git {verb}{arguments} || exit 1
elif command -v babysitter >/dev/null 2>&1; then
    {give}babysitter git {verb}{arguments} || exit 1
else
    echo "{name}: babysitter is not here, so nobody can say what this brings in; it is refused." >&2
    echo "Install it and run: babysitter git install-hooks. To do without: rm '$0'" >&2
    exit 1
fi
before=$(dirname -- "$0")/{kept}
if [ -x "$before" ]; then
    {give}"$before" "$@" || exit $?
fi
"""
_BEGIN_OF_PUSH = """\
input=$(cat)
pushed() { [ -z "$input" ] || printf '%s\\n' "$input"; }
if [ -z "$input" ]; then
    : # Nothing is pushed.
elif"""


class HookChange(View, frozen=True, kw_only=True):
    """One hook after a change.

    done: ``installed``, ``updated``, ``kept``, ``removed``, ``absent``.
    chained: the hook that was there before, which ours calls; or which is back in its place.
    """

    name: str
    path: str
    done: str
    chained: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """The hooks of one repository.

    python: the interpreter that has Babysitter now; where it is gone, ``babysitter`` of the PATH is used.
    package: a file of ours that this interpreter has.
    """

    repository: Repository
    python: str
    package: str

    def folder(self) -> Path:
        """Return where git looks for hooks of this repository alone.

        Raises:
            RefusedError: this is no work tree, or several repositories share the folder.
        """
        tree = self.repository.call("rev-parse", "--is-inside-work-tree")
        if tree.stdout.strip() != b"true":
            raise RefusedError(
                "this is no work tree of git's.", hint="Go to the repository, or make one with: git init"
            )
        found = self.repository.call("config", "--show-scope", "--get", "core.hooksPath", safe=False)
        scope = found.stdout.decode(errors="replace").split("\t")[0] if found.status == 0 else ""
        if scope not in ("", "local", "worktree"):
            raise RefusedError(
                f"core.hooksPath is set for every repository ({scope}), and a hook there would run in all.",
                hint="Set it for this one alone (git config --local core.hooksPath .git/hooks), or add to "
                "your hooks: babysitter git check-staged || exit 1 (pre-commit), "
                'babysitter git check-push "$@" || exit 1 (pre-push).',
            )
        return self.where()

    def where(self) -> Path:
        """Return where git looks for hooks, whoever else shares the folder.

        Raises:
            RefusedError: this is no repository.
        """
        path = self.repository.ask("rev-parse", "--git-path", "hooks", safe=False)
        return self.repository.folder / os.fsdecode(path.rstrip(b"\n"))

    def install(self) -> list[HookChange]:
        """Put our hooks in their place. Installing twice does nothing more.

        Raises:
            RefusedError: there is no repository, a shared folder, or no free name for a hook of before.
        """
        folder = self.folder()
        folder.mkdir(parents=True, exist_ok=True)
        return [self._install(folder, name) for name in HOOKS]

    def uninstall(self) -> list[HookChange]:
        """Take our hooks away and put back what was there before. What is not ours stays."""
        folder = self.folder()
        return [_uninstall(folder, name) for name in HOOKS]

    def missing(self) -> list[str]:
        """Return the hooks that do not call us."""
        folder = self.where()
        return [name for name in HOOKS if not any(calls_us(path) for path in _places(folder, name))]

    def _install(self, folder: Path, name: str) -> HookChange:
        path, kept = folder / name, folder / f"{name}{KEPT}"
        text = self._script(name)
        if is_ours(folder / f"{name}.legacy"):
            # pre-commit.com moved ours there, and calls it.
            return HookChange(name=name, path=str(path), done="kept")
        ours = is_ours(path)
        if ours and path.read_text(encoding="utf-8") == text:
            return HookChange(name=name, path=str(path), done="kept", chained=_if_there(kept))
        if not ours and os.path.lexists(path):
            if os.path.lexists(kept):
                raise RefusedError(
                    f"{path} is a hook of somebody else, and {kept} is taken.",
                    hint=f"Add to it by hand: babysitter git {HOOKS[name]} || exit 1",
                )
            path.rename(kept)
        _write(path, text)
        return HookChange(
            name=name, path=str(path), done="updated" if ours else "installed", chained=_if_there(kept)
        )

    def _script(self, name: str) -> str:
        """Return a hook's text. What a pre-push hook gets on standard input is read twice."""
        is_push = name == "pre-push"
        return _SCRIPT.format(
            mark=MARK,
            name=name,
            verb=HOOKS[name],
            python=shlex.quote(self.python),
            package=shlex.quote(self.package),
            begin=_BEGIN_OF_PUSH if is_push else "if",
            give="pushed | " if is_push else "",
            arguments=' "$@"' if is_push else "",
            kept=shlex.quote(f"{name}{KEPT}"),
        )


def is_ours(path: Path) -> bool:
    """Tell whether a hook is one that we wrote."""
    return path.is_file() and MARK.encode() in path.read_bytes()


def calls_us(path: Path) -> bool:
    """Tell whether a hook, ours or somebody else's, can be started and has us look."""
    if not path.is_file() or not os.access(path, os.X_OK):
        return False
    # A comment calls nobody; our own hook is told by what it does, not by what it says it is.
    lines = [line for line in path.read_bytes().split(b"\n") if not line.lstrip().startswith(b"#")]
    return any(f"babysitter git {verb}".encode() in line for verb in HOOKS.values() for line in lines)


def _places(folder: Path, name: str) -> list[Path]:
    return [folder / name, folder / f"{name}.legacy"]


def _uninstall(folder: Path, name: str) -> HookChange:
    for path in _places(folder, name):
        if is_ours(path):
            path.unlink()
            kept = folder / f"{name}{KEPT}"
            if os.path.lexists(kept):
                kept.rename(path)
            return HookChange(name=name, path=str(path), done="removed", chained=_if_there(path))
    return HookChange(name=name, path=str(folder / name), done="absent")


def _if_there(path: Path) -> str:
    return str(path) if os.path.lexists(path) else ""


def _write(path: Path, text: str) -> None:
    """Write a hook in one step: git never starts half of it."""
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    aside.chmod(0o755)
    aside.replace(path)
