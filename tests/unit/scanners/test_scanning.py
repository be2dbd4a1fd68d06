"""What counts: one finding a weakness, less the baseline's, and what is let through with a reason."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.config import parse_settings
from babysitter.model.errors import InvalidValueError, NotFoundError, SettingsError
from babysitter.model.findings import Category, Finding, Scan, Span
from babysitter.model.rules import Severity
from babysitter.model.scan_settings import ScanTable, SuppressTable
from babysitter.scanners.ground import Ground
from babysitter.scanners.interface import Report, Scanner, Seen
from babysitter.scanners.known import Known, baseline_of, read_baseline
from babysitter.scanners.scanning import Scanning, run_scan
from babysitter.scanners.toolbox import Toolbox
from babysitter.testing.clocks import FakeClock
from tests.unit.scanners.grounds import SayingRunner, ground_of, toolbox, tools_folder

TODAY = dt.date(2026, 12, 1)
CODE = "first\nsecond\nthird\nsecond\n"


class Saying:
    """A scanner that says what it is told to."""

    needs_network = False

    def __init__(self, name: str, *seen: Seen, examined: int = 1, problems: tuple[str, ...] = ()) -> None:
        self.name = name
        self._report = Report(version="1", examined=examined, seen=seen, problems=problems)

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        return self._report


def seen(
    line: int, *, rule: str = "R1", category: Category = "sql-injection", severity: Severity = "high"
) -> Seen:
    """Return a report about a line of ``a.py``."""
    return Seen(
        rule=rule, category=category, severity=severity, path="a.py", message="Bad.", span=Span(line=line)
    )


def scan(tmp_path: Path, *scanners: Scanner, known: Known | None = None, code: str = CODE) -> Scan:
    """Return what the scanners find in ``a.py``."""
    tools = toolbox(SayingRunner(lambda _p: (0, b"", b"")), tools_folder(tmp_path))
    return run_scan(scanners, ground_of(tmp_path / "w", {"a.py": code}), tools, known or Known(today=TODAY))


def suppressed(finding: Finding, until: dt.date) -> Known:
    """Return settings that let the finding through until that day."""
    entry = SuppressTable(fingerprint=finding.fingerprint, reason="It is a constant.", until=until)
    return Known(suppress=(entry,), today=TODAY)


def test_a_fingerprint_stays_when_lines_move(tmp_path: Path) -> None:
    before = scan(tmp_path, Saying("a", seen(2)))

    after = scan(tmp_path, Saying("a", seen(4)), code="new\nnew\n" + CODE)

    assert after.findings[0].span == Span(line=4)
    assert after.findings[0].fingerprint == before.findings[0].fingerprint


def test_the_same_text_twice_in_a_file_is_two_findings(tmp_path: Path) -> None:
    found = scan(tmp_path, Saying("a", seen(2), seen(4)))

    assert len({each.fingerprint for each in found.findings}) == 2


@given(st.lists(st.sampled_from(["pad", "other", ""]), max_size=6))
def test_no_lines_before_it_change_a_fingerprint(before: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        text = "".join(f"{line}\n" for line in before) + "the line\n"

        found = scan(place, Saying("a", seen(len(before) + 1)), code=text)
        alone = scan(place, Saying("a", seen(1)), code="the line\n")

    assert found.findings[0].fingerprint == alone.findings[0].fingerprint


@pytest.mark.promise("G17")
def test_two_tools_that_report_one_weakness_make_one_finding_that_names_both(tmp_path: Path) -> None:
    found = scan(tmp_path, Saying("a", seen(2, severity="medium")), Saying("b", seen(2, rule="R2")))

    (only,) = found.findings
    assert (only.tool, only.severity) == ("b", "high")
    assert [(same.tool, same.rule) for same in only.also] == [("a", "R1")]
    assert found.counts() == {"critical": 0, "high": 1, "medium": 0, "low": 0}


def test_another_category_another_line_and_what_has_no_category_stay_apart(tmp_path: Path) -> None:
    found = scan(
        tmp_path,
        Saying("a", seen(2), seen(2, category="xss"), seen(3)),
        Saying("b", seen(2, rule="R2", category="other"), seen(2, rule="R3", category="other")),
    )

    assert len(found.findings) == 5


def test_without_a_category_rules_that_are_the_same_by_name_are_one(tmp_path: Path) -> None:
    def assertion(rule: str) -> Seen:
        return replace(seen(2, rule=rule, category="other"), names=frozenset({"B101"}))

    found = scan(tmp_path, Saying("bandit", assertion("B101")), Saying("ruff", assertion("S101")))

    (only,) = found.findings
    assert [same.rule for same in only.also] == ["S101"]


def test_without_a_category_other_rules_of_one_line_stay_apart(tmp_path: Path) -> None:
    def named(rule: str) -> Seen:
        return replace(seen(2, rule=rule, category="other"), names=frozenset({rule}))

    found = scan(tmp_path, Saying("bandit", named("B101"), named("B311")))

    assert len(found.findings) == 2


def test_advisories_of_one_package_that_share_a_name_are_one_finding(tmp_path: Path) -> None:
    def about(rule: str, *names: str, package: str = "left") -> Seen:
        return Seen(
            rule=rule,
            category="dependency",
            severity="high",
            path="uv.lock",
            message=rule,
            package=package,
            names=frozenset((rule, *names)),
        )

    found = scan(
        tmp_path,
        Saying("a", about("GHSA-1", "CVE-1")),
        Saying("b", about("PYSEC-1", "CVE-1"), about("GHSA-1", package="right"), about("PYSEC-2")),
    )

    assert sorted(each.rule for each in found.findings) == ["GHSA-1", "GHSA-1", "PYSEC-2"]


def test_what_is_in_the_baseline_is_known_and_does_not_count(tmp_path: Path) -> None:
    content = baseline_of(scan(tmp_path, Saying("a", seen(2))))
    fingerprints, digest = read_baseline(content, "base.json")

    found = scan(
        tmp_path,
        Saying("a", seen(2), seen(3)),
        known=Known(baseline=fingerprints, baseline_sha256=digest, today=TODAY),
    )

    assert [each.span for each in found.findings] == [Span(line=3)]
    assert [each.span for each in found.known] == [Span(line=2)]
    assert found.baseline_sha256 == digest


def test_a_baseline_holds_every_tools_report_of_a_weakness(tmp_path: Path) -> None:
    both = (Saying("a", seen(2)), Saying("b", seen(2, rule="R2")))
    fingerprints, _ = read_baseline(baseline_of(scan(tmp_path, *both)), "base.json")

    found = scan(tmp_path, *both, known=Known(baseline=fingerprints, today=TODAY))

    assert found.findings == ()


def test_another_tools_report_of_what_is_known_counts(tmp_path: Path) -> None:
    fingerprints, _ = read_baseline(baseline_of(scan(tmp_path, Saying("a", seen(2)))), "base.json")

    found = scan(
        tmp_path,
        Saying("a", seen(2)),
        Saying("b", seen(2, rule="R2")),
        known=Known(baseline=fingerprints, today=TODAY),
    )

    assert [each.tool for each in found.findings] == ["b"]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": "other", "findings": []}', b'{"findings": []}'])
def test_what_is_no_baseline_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidValueError):
        read_baseline(content, "base.json")


def test_a_suppression_lets_through_up_to_its_last_day(tmp_path: Path) -> None:
    (finding,) = scan(tmp_path, Saying("a", seen(2))).findings

    found = scan(tmp_path, Saying("a", seen(2)), known=suppressed(finding, TODAY))

    assert found.findings == ()
    assert [each.reason for each in found.suppressed] == ["It is a constant."]
    assert found.notes == ()


def test_a_suppression_that_has_run_out_counts_again_and_says_so(tmp_path: Path) -> None:
    (finding,) = scan(tmp_path, Saying("a", seen(2))).findings

    found = scan(tmp_path, Saying("a", seen(2)), known=suppressed(finding, TODAY - dt.timedelta(days=1)))

    assert len(found.findings) == 1
    assert finding.fingerprint in found.notes[0]
    assert "2026-11-30" in found.notes[0]


def test_a_suppression_that_has_run_out_outweighs_the_baseline(tmp_path: Path) -> None:
    first = scan(tmp_path, Saying("a", seen(2)))
    known = suppressed(first.findings[0], dt.date(2026, 1, 1))
    fingerprints, _ = read_baseline(baseline_of(first), "base.json")

    found = scan(
        tmp_path,
        Saying("a", seen(2)),
        known=Known(baseline=fingerprints, suppress=known.suppress, today=TODAY),
    )

    assert len(found.findings) == 1


ENTRY = 'fingerprint = "0123456789abcdef0123456789abcdef"'


@pytest.mark.parametrize(
    "lines",
    [
        (ENTRY, "until = 2027-01-31"),
        (ENTRY, 'reason = "It is a constant."'),
        (ENTRY, 'reason = ""', "until = 2027-01-31"),
        (ENTRY, 'reason = "  "', "until = 2027-01-31"),
        (ENTRY, 'reason = "It is a constant."', 'until = "soon"'),
        ('fingerprint = "short"', 'reason = "It is a constant."', "until = 2027-01-31"),
    ],
)
def test_a_suppression_without_a_reason_or_a_last_day_is_a_settings_error(lines: Iterable[str]) -> None:
    with pytest.raises(SettingsError):
        parse_settings("\n".join(["[[scan.suppress]]", *lines]))


def test_a_suppression_with_all_three_is_read() -> None:
    settings = parse_settings(f'[[scan.suppress]]\n{ENTRY}\nreason = "It is a constant."\nuntil = 2027-01-31')

    assert settings.scan.suppress[0].until == dt.date(2027, 1, 31)


@pytest.mark.parametrize(
    "scanner",
    [Saying("a", examined=0), Saying("a", problems=("It left out b.py.",)), Saying("a", seen(2), examined=0)],
)
def test_nothing_examined_or_something_left_out_is_no_pass(tmp_path: Path, scanner: Scanner) -> None:
    found = scan(tmp_path, scanner)

    assert found.tools[0].state == "failed"
    assert found.counts() == {}


def test_a_file_whose_name_could_speak_in_a_report_is_no_pass(tmp_path: Path) -> None:
    """Ruff and zizmor tell what they examined a line a file."""
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "a\ncompleted b.py").write_text("", encoding="utf-8")

    found = scan(tmp_path, Saying("a"))

    assert found.tools[0].state == "failed"


def test_one_tool_that_has_not_passed_leaves_the_scan_without_counts(tmp_path: Path) -> None:
    found = scan(tmp_path, Saying("a", seen(2)), Saying("b", examined=0))

    assert (len(found.findings), found.counts()) == (1, {})


def test_a_scan_survives_its_json(tmp_path: Path) -> None:
    found = scan(tmp_path, Saying("a", seen(2)), Saying("b", seen(2, rule="R2"), problems=("No.",)))

    assert msgspec.convert(msgspec.to_builtins(found), Scan) == found


def scanning(root: Path, **settings: object) -> Scanning:
    """Return what scans a folder with these settings."""
    return Scanning(root=root, settings=msgspec.convert(settings, ScanTable), clock=FakeClock())


def nothing_starts(tmp_path: Path) -> Toolbox:
    """Return a toolbox of no programs."""
    return toolbox(SayingRunner(lambda _p: (0, b"", b"")), tools_folder(tmp_path))


def test_an_unknown_scanner_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no scanner 'bandid'") as refused:
        scanning(tmp_path).scan(("bandid",), (), nothing_starts(tmp_path))

    assert "bandit" in refused.value.hint


@pytest.mark.parametrize("path", ["no-such", "..", "/etc"])
def test_a_path_that_is_not_there_or_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidValueError):
        scanning(tmp_path).scan(("bandit",), (path,), nothing_starts(tmp_path))


def test_a_baseline_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"base\.json"):
        scanning(tmp_path, baseline="base.json").scan(("bandit",), (), nothing_starts(tmp_path))


def test_what_is_excluded_installed_or_linked_is_no_ground(tmp_path: Path) -> None:
    ground = ground_of(
        tmp_path,
        {
            "src/a.py": "",
            "src/old/b.py": "",
            "node_modules/c.js": "",
            "env/pyvenv.cfg": "",
            "env/d.py": "",
            "spec/e.js": "",
        },
    )
    (tmp_path / "src" / "link.py").symlink_to("a.py")

    files = Ground(ground.root, exclude=("src/old", "*.js")).files

    assert files == ("src/a.py",)


def test_an_installed_folder_is_ground_when_it_is_named(tmp_path: Path) -> None:
    ground = ground_of(tmp_path, {"node_modules/c.js": "", "a.js": ""})

    assert Ground(ground.root, ("node_modules",)).files == ("node_modules/c.js",)
