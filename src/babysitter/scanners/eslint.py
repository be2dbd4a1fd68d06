"""``eslint`` with eslint-plugin-security and eslint-plugin-no-unsanitized, all their rules.

Neither the workspace's own settings (which are a program) nor its comments are obeyed. ESLint says nothing
of a file that it ignores but a warning, so only files with a report of their own count. Tested with ESLint
10.15.0, eslint-plugin-security 4.1.0 and eslint-plugin-no-unsanitized 4.1.5. Report: ``--format json``.
"""

from pathlib import Path
from typing import Final

import msgspec

from babysitter.model.findings import Category, Span
from babysitter.model.rules import Severity
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import failed, json_of, left_out, report_of, told
from babysitter.scanners.toolbox import Toolbox

GET = (
    "Install it with its plugins: npm install eslint eslint-plugin-security eslint-plugin-no-unsanitized, "
    "and name node_modules/.bin in [scan] path."
)
CONFIG = Path(__file__).resolve().parent / "rules" / "eslint.config.mjs"
SUFFIXES = (".js", ".mjs", ".cjs", ".jsx")

_RULES: Final[dict[str, tuple[Category, Severity]]] = {
    "security/detect-child-process": ("command-injection", "high"),
    "security/detect-eval-with-expression": ("command-injection", "high"),
    "security/detect-non-literal-require": ("command-injection", "medium"),
    "security/detect-non-literal-fs-filename": ("path-traversal", "medium"),
    "security/detect-disable-mustache-escape": ("xss", "high"),
    "no-unsanitized/method": ("xss", "high"),
    "no-unsanitized/property": ("xss", "high"),
    "security/detect-object-injection": ("other", "low"),
    "security/detect-possible-timing-attacks": ("other", "low"),
}


class _Message(msgspec.Struct, rename="camel"):
    rule_id: str | None
    message: str
    fatal: bool = False
    line: int = 0
    column: int = 0
    end_line: int | None = None
    end_column: int | None = None


class _File(msgspec.Struct, rename="camel"):
    file_path: str
    messages: list[_Message]

    def trouble(self) -> str:
        """Return why the file was not looked at; empty when it was."""
        return next((m.message for m in self.messages if m.fatal or m.rule_id is None), "")


class ESLint:
    """See interface.Scanner."""

    name = "eslint"
    needs_network = False

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        node = tools.find("node", "Install Node, and see that it is on the PATH.")
        files = ground.ending(*SUFFIXES)
        if not files:
            return Report(version="", examined=0)
        env = {"SCANNER_ESLINT": str(program.program.parent)}
        version = tools.call(program, "--version", with_=(node,)).stdout.decode(errors="replace").strip()
        called = tools.call(
            program,
            *("--config", str(CONFIG), "--no-inline-config", "--no-ignore", "--format", "json", "--"),
            *(f"./{file}" for file in files),
            env=env,
            with_=(node,),
            read=(str(CONFIG.parent),),
        )
        if not called.stdout.strip():
            raise failed(self.name, f"wrote no report (exit status {called.status})", told(called))
        found: list[_File] = report_of(self.name, json_of(self.name, called, statuses=(0, 1)), list[_File])
        broken = {ground.relative(file.file_path): file.trouble() for file in found if file.trouble()}
        examined = {ground.relative(file.file_path) for file in found} - broken.keys()
        return Report(
            version=version.removeprefix("v"),
            examined=len(examined),
            seen=tuple(
                _seen(message, message.rule_id, ground.relative(file.file_path))
                for file in found
                for message in file.messages
                if message.rule_id is not None
            ),
            problems=(
                *(f"eslint could not examine {file}: {why}." for file, why in sorted(broken.items())),
                *left_out(self.name, files, examined | broken.keys()),
            ),
        )


def _seen(message: _Message, rule: str, path: str) -> Seen:
    category, severity = _RULES.get(rule, ("other", "medium"))
    plugin, _, name = rule.partition("/")
    return Seen(
        rule=rule,
        category=category,
        severity=severity,
        path=path,
        message=message.message,
        span=Span(
            line=message.line,
            column=message.column,
            end_line=message.end_line or 0,
            end_column=message.end_column or 0,
        ),
        help_uri=f"https://www.npmjs.com/package/eslint-plugin-{plugin}#{name}",
    )
