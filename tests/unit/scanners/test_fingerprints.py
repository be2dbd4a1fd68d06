"""A finding that was let through lets no other through: the code can't choose a fingerprint."""

from pathlib import Path

import pytest

from babysitter.model.findings import Finding, Span
from babysitter.scanners.fingerprints import findings_of
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Seen
from tests.unit.scanners.grounds import ground_of

pytestmark = pytest.mark.promise("G15")
REVIEWED = "run(cmd, shell=True)  # looked at"


def finding(ground: Ground, line: int, message: str = "Bad.", path: str = "a.py") -> Finding:
    seen = Seen(
        rule="B602",
        category="command-injection",
        severity="high",
        path=path,
        message=message,
        span=Span(line=line),
    )
    ((found, _),) = findings_of("bandit", "1", [seen], ground)
    return found


@pytest.mark.parametrize("hidden", ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029", "\r"])
def test_a_character_that_only_some_take_for_a_lines_end_lends_no_lines_text_to_another(
    tmp_path: Path, hidden: str
) -> None:
    """Line 2 is the evil one; counted with what hides in line 1, it would be the one that was let through."""
    before = ground_of(tmp_path / "before", {"a.py": f"x = 1\n{REVIEWED}\n"})
    after = ground_of(tmp_path / "after", {"a.py": f"#{hidden}{REVIEWED}\nrun(evil, shell=True)\n"})

    assert finding(before, 2).fingerprint != finding(after, 2).fingerprint


@pytest.mark.parametrize("path", ["gone.py", "../../dev/zero", "/dev/zero", "pipe"])
def test_where_the_text_can_not_be_had_findings_are_told_by_what_the_tool_says(
    tmp_path: Path, path: str
) -> None:
    ground = ground_of(tmp_path / "w", {"a.py": "x = 1\n"})
    (tmp_path / "w" / "pipe").symlink_to("/dev/zero")

    first, second = (finding(ground, 1, message, path) for message in ("Bad.", "Worse."))

    assert first.fingerprint != second.fingerprint


def test_a_line_beyond_the_end_is_told_by_what_the_tool_says(tmp_path: Path) -> None:
    ground = ground_of(tmp_path / "w", {"a.py": "x = 1\n"})

    assert finding(ground, 99, "Bad.").fingerprint != finding(ground, 99, "Worse.").fingerprint


def test_a_windows_file_has_the_fingerprints_of_another(tmp_path: Path) -> None:
    unix = ground_of(tmp_path / "unix", {"a.py": "x\ny\n"})
    windows = ground_of(tmp_path / "windows", {"a.py": "x\r\ny\r\n"})

    assert finding(unix, 2).fingerprint == finding(windows, 2).fingerprint
