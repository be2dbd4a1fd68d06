"""``zizmor``: faults of GitHub Actions; its stderr says what it looked at.

Its report names findings only, never what had none.
It is offline, without the workspace's settings, and comments that switch it off do not count. A file that
does not parse is a warning to it and a problem to us. Tested with 1.32.0. Report: ``--format json-v1``.
"""

import re
from typing import Any

import msgspec

from babysitter.model.findings import Span
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Seen
from babysitter.scanners.reading import json_of, left_out, report_of, severity_named
from babysitter.scanners.toolbox import Toolbox

GET = "Install it: pipx install zizmor, or name its folder in [scan] path."
_OPTIONS = (
    *("--offline", "--no-config", "--no-ignores", "--no-progress", "--color", "never", "--no-exit-codes"),
    *("--format", "json-v1"),
)
_COMPLETED = re.compile(r"completed (.+)$", re.MULTILINE)
_VERSION = re.compile(r"zizmor v(\S+)")


class _Finding(msgspec.Struct):
    ident: str
    desc: str
    determinations: dict[str, str]
    locations: list[dict[str, Any]]
    url: str = ""


class Zizmor:
    """See interface.Scanner."""

    name = "zizmor"
    needs_network = False

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        program = tools.find(self.name, GET)
        files = tuple(
            file
            for file in ground.named("*.yml", "*.yaml")
            if "/.github/workflows/" in f"/{file}" or file.rpartition("/")[2].startswith("action.")
        )
        if not files:
            return Report(version="", examined=0)
        called = tools.call(program, *_OPTIONS, "--", *(f"./{file}" for file in files))
        found: list[_Finding] = report_of(
            self.name, json_of(self.name, called, statuses=(0,)), list[_Finding]
        )
        said = called.stderr.decode(errors="replace")
        version = _VERSION.search(said)
        examined = {ground.relative(file) for file in _COMPLETED.findall(said)}
        return Report(
            version=version[1] if version else "",
            examined=len(examined),
            seen=tuple(seen for each in found if (seen := _seen(each, ground)) is not None),
            problems=left_out(self.name, files, examined),
        )


def _seen(found: _Finding, ground: Ground) -> Seen | None:
    place = next((p for p in found.locations if p["symbolic"]["kind"] == "Primary"), found.locations[0])
    start, end = (place["concrete"]["location"][end] for end in ("start_point", "end_point"))
    note = place["symbolic"].get("annotation", "")
    return Seen(
        rule=found.ident,
        category="command-injection" if found.ident == "template-injection" else "other",
        severity=severity_named(
            found.determinations["severity"], "medium", informational="low", unknown="medium"
        ),
        path=ground.relative(place["symbolic"]["key"]["Local"]["verbatim_path"]),
        message=f"{found.desc}: {note}" if note else found.desc,
        # Its rows and columns count from 0.
        span=Span(
            line=start["row"] + 1,
            column=start["column"] + 1,
            end_line=end["row"] + 1,
            end_column=end["column"] + 1,
        ),
        help_uri=found.url,
    )
