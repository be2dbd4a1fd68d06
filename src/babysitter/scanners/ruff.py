"""``ruff``: its S rules (flake8-bandit), and the files that it lists as looked at.

What it can't parse is a finding of its own to it, and a problem to us.
Settings of the workspace and ``# noqa`` do not count. Ruff gives no severities: those of the table are
ours, after bandit's of the same rules. Tested with 0.17.6. Report: ``--output-format json``.
"""

import msgspec

from babysitter.model.findings import Span
from babysitter.model.rules import Severity
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import failed, json_of, left_out, report_of, told
from babysitter.scanners.toolbox import Toolbox
from babysitter.scanners.weaknesses import category_of_bandit

GET = "Install it: pipx install ruff, or name its folder in [scan] path."
_OPTIONS = ("--isolated", "--no-cache", "--select", "S")
_LOW = frozenset("S101 S105 S106 S107 S110 S112 S311 S404 S603 S606 S607".split()) | {
    f"S{number}" for number in range(401, 416)
}
_HIGH = frozenset("S201 S202 S323 S501 S502 S508 S509 S602 S604 S605 S609 S701 S702 S703 S704".split())


class _Place(msgspec.Struct):
    row: int
    column: int


class _Diagnostic(msgspec.Struct):
    code: str | None
    filename: str
    location: _Place
    end_location: _Place
    message: str
    url: str | None = None


class Ruff:
    """See interface.Scanner."""

    name = "ruff"
    needs_network = False

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        files = tuple(f"./{file}" for file in ground.ending(".py", ".pyi", ".ipynb"))
        if not files:
            return Report(version="", examined=0)
        version = tools.call(program, "--version").stdout.decode(errors="replace").split()[-1:]
        listed = tools.call(program, "check", *_OPTIONS, "--show-files", "--", *files)
        if listed.status != 0:
            raise failed(self.name, f"left with exit status {listed.status}", told(listed))
        examined = {ground.relative(line) for line in listed.stdout.decode(errors="replace").splitlines()}
        called = tools.call(
            program,
            "check",
            *_OPTIONS,
            "--ignore-noqa",
            "--output-format",
            "json",
            "--exit-zero",
            "--",
            *files,
        )
        found: list[_Diagnostic] = report_of(
            self.name, json_of(self.name, called, statuses=(0,)), list[_Diagnostic]
        )
        broken = {
            ground.relative(each.filename): each for each in found if not (each.code or "").startswith("S")
        }
        return Report(
            version="".join(version),
            examined=len(examined - broken.keys()),
            seen=tuple(
                _seen(each, each.code, ground) for each in found if each.code and each.code[:1] == "S"
            ),
            problems=(
                *(f"ruff could not examine {file}: {each.message}." for file, each in sorted(broken.items())),
                *left_out(self.name, (ground.relative(file) for file in files), examined),
            ),
        )


def _seen(found: _Diagnostic, code: str, ground: Ground) -> Seen:
    severity: Severity = "low" if code in _LOW else "high" if code in _HIGH else "medium"
    return Seen(
        rule=code,
        category=category_of_bandit(code[1:]) or "other",
        severity=severity,
        path=ground.relative(found.filename),
        message=found.message,
        span=Span(
            line=found.location.row,
            column=found.location.column,
            end_line=found.end_location.row,
            end_column=found.end_location.column,
        ),
        help_uri=found.url or "",
        # Its rules are bandit's, and have their numbers.
        names=frozenset({f"B{code[1:]}"}),
    )
