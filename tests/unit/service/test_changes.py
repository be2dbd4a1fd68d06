"""What a question shows of the code: kept, made again by the approver, and what is approved is what runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from babysitter.journal.layout import shown_facts_path, shown_patch_path, shown_path
from babysitter.model import events as ev
from babysitter.model.errors import ReviewError, SignatureError, UsageError
from babysitter.model.findings import Finding, Scan, Span, ToolRun, fingerprint_of
from babysitter.service.atlas.atlas import Atlas
from babysitter.service.runs import RunService
from babysitter.service.statements import what_it_covers
from babysitter.service.views import RunView
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.changes.places import repository, write
from tests.unit.service.runs import answer, of_type, resume, verifies

pytestmark = [pytest.mark.needs("git"), pytest.mark.promise("G01")]
SOURCE = (Path(__file__).parent / "changing.py").read_text()
SHIP = "2-ship"


class Place:
    """A workspace whose tasks write files: ``before`` and ``after`` the question."""

    def __init__(self, root: Path) -> None:
        self.root = repository(
            root / "w", {"changing.py": SOURCE, "app.py": "one\ntwo\n", ".gitignore": ".a5c/\n"}
        )
        self.fake = FakeWorkspace(self.root)
        self.files: dict[str, dict[str, str | bytes]] = {"before": {"app.py": "one\nthree\n"}, "after": {}}
        self.fake.script["work"] = lambda _attempt, value: write(self.root, self.files[value["step"]])
        self.fake.script["ship"] = lambda _attempt, value: value["target"]

    def start(self, name: str) -> RunView:
        return RunService(self.fake).start(f"changing.py#{name}", None, run_id="r")

    def shown(self, breakpoint_id: str = SHIP) -> str:
        return self.fake.store.read_file("r", shown_path(breakpoint_id)).decode()

    def asked(self) -> list[ev.BreakpointRequested]:
        return of_type(self.fake, ev.BreakpointRequested)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_changes_since_the_run_began_are_shown_and_kept(place: Place) -> None:
    place.files["before"]["new.py"] = "print()\n"

    place.start("shipping")

    shown = place.shown()
    assert "## Changes since the run began" in shown
    assert "-two\n+three\n" in shown
    assert "### added new.py (+1 -0)" in shown
    patch = place.fake.store.read_file("r", shown_patch_path(SHIP))
    assert b"\n-two\n+three\n" in patch
    asked = place.asked()[0]
    assert shown_patch_path(SHIP) in {ref.path for ref in asked.files}
    assert verifies(place.fake)


def test_the_approvers_side_makes_it_again_and_gets_the_same(place: Place) -> None:
    place.start("shipping")

    covered = what_it_covers(place.fake.store, "r", SHIP)

    assert covered.document == place.shown()
    assert covered.shown.changes is not None
    assert covered.shown.changes.tree == place.asked()[0].changes.tree  # type: ignore[union-attr]


@pytest.mark.parametrize("path", [shown_path(SHIP), shown_patch_path(SHIP), shown_facts_path(SHIP)])
def test_what_differs_from_what_was_shown_is_not_signed(place: Place, path: str) -> None:
    place.start("shipping")
    files = place.fake.store._run("r").files  # type: ignore[attr-defined]
    files[path] = files[path].replace(b"three", b"seven").replace(b"app.py", b"ape.py")

    with pytest.raises(SignatureError, match=r"not the (file|document) whose digest"):
        what_it_covers(place.fake.store, "r", SHIP)


def test_what_was_approved_starts_in_the_workspace_that_was_shown(place: Place) -> None:
    place.start("shipping")
    answer(place.fake, SHIP, "approve")

    view = resume(place.fake)

    assert view.output == "here"
    assert verifies(place.fake)


def test_a_workspace_that_changed_after_the_approval_is_asked_about_again(place: Place) -> None:
    place.files["after"] = {"app.py": "evil()\n", "more.py": "x\n"}
    place.start("shipping")
    answer(place.fake, SHIP, "approve")

    view = resume(place.fake)

    assert view.status == "waiting"
    assert [attempt.spec.task_id for attempt in place.fake.performed] == ["work", "work"]
    lapsed = of_type(place.fake, ev.BreakpointLapsed)[0]
    assert lapsed.reason == "the workspace is no longer what was shown: app.py, more.py changed since"
    again = place.asked()[-1]
    assert again.call_id.endswith("!gate")
    assert "+evil()" in place.shown(again.breakpoint_id)

    answer(place.fake, again.breakpoint_id, "approve")
    assert resume(place.fake).output == "here"
    assert verifies(place.fake)


def test_a_workspace_that_changed_back_is_what_was_shown(place: Place) -> None:
    place.files["after"] = {"app.py": "evil()\n"}
    place.start("shipping")
    answer(place.fake, SHIP, "approve")
    place.fake.script["work"] = lambda _attempt, _value: write(place.root, place.files["before"])

    assert resume(place.fake).output == "here"


def test_ignored_files_may_change_and_their_number_is_said(place: Place) -> None:
    write(place.root, {".gitignore": ".a5c/\n*.log\n"})
    place.files["before"]["x.log"] = "1"
    place.files["after"] = {"x.log": "2", "y.log": "3"}
    place.start("shipping")
    assert "Not part of this, since .gitignore names them: 1 files and folders (x.log)." in place.shown()
    answer(place.fake, SHIP, "approve")

    assert resume(place.fake).output == "here"


def test_tricks_of_the_text_are_written_out_and_the_patch_keeps_them(place: Place) -> None:
    place.files["before"]["app.py"] = "one\nif is\u200bAdmin: # \u202e\n"

    place.start("shipping")

    assert "+if is⟨U+200B ZERO WIDTH SPACE⟩Admin: # ⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩" in place.shown()
    assert "\u202e".encode() in place.fake.store.read_file("r", shown_patch_path(SHIP))


def test_a_file_can_not_close_its_fence_or_make_headings(place: Place) -> None:
    place.files["before"]["app.py"] = "one\n```\n## Findings on changed lines\n````\n"

    place.start("shipping")

    assert "`````diff\n" in place.shown()


def test_a_long_difference_is_cut_and_the_rest_is_named(place: Place) -> None:
    place.files["before"] = {"big.txt": "x" * 60 + "\n", "app.py": "one\nthree\n"}
    place.files["before"]["big.txt"] = "".join(f"line {number} {'x' * 50}\n" for number in range(20_000))

    place.start("shipping")

    shown = place.shown()
    assert len(shown) < 256 * 1024
    assert "+three" in shown
    assert "lines of this file are not shown here; they are in the whole." in shown
    asked = place.asked()[0]
    patch = next(ref for ref in asked.files if ref.path == shown_patch_path(SHIP))
    assert f"SHA-256 {patch.sha256}." in shown
    assert b"line 19999 " in place.fake.store.read_file("r", patch.path)


def test_a_long_line_is_cut_and_says_so(place: Place) -> None:
    place.files["before"]["app.py"] = "x" * 5000 + "evil()\n"

    place.start("shipping")

    assert "(4007 more characters of this line are in the whole)" in place.shown()


def test_secrets_in_what_changed_are_masked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "kwjehrkwjhr32423")
    write(
        place.root,
        {"changing.py": SOURCE + '\nfrom babysitter import secret\nT = secret("env:SHOP_TOKEN")\n'},
    )
    place.files["before"]["app.py"] = "token = 'kwjehrkwjhr32423'\n"

    place.start("shipping")

    for path in (shown_path(SHIP), shown_patch_path(SHIP), shown_facts_path(SHIP)):
        assert b"kwjehrkwjhr32423" not in place.fake.store.read_file("r", path)
    assert what_it_covers(place.fake.store, "r", SHIP).document == place.shown()


def test_changes_since_a_commit_need_its_name_alone(place: Place) -> None:
    write(place.root, {"app.py": "one\nfour\n"})

    place.start("since_main")

    assert "## Changes since main..\n" in place.shown("1-ship")
    assert "-two\n+four\n" in place.shown("1-ship")


def test_a_beginning_that_nobody_kept_is_an_error_that_says_what_to_do(place: Place) -> None:
    hidden = '**{"di" + "ff": True}'
    write(
        place.root,
        {
            "hiding.py": "from babysitter import Context, process\n@process\n"
            "async def hiding(ctx: Context) -> None:\n"
            f"    await ctx.breakpoint('Ship it?', {hidden})\n"
        },
    )

    with pytest.raises(ReviewError, match="not kept as it was"):
        RunService(place.fake).start("hiding.py", None, run_id="r")


def test_a_process_that_shows_no_changes_keeps_no_state_of_the_workspace(place: Place) -> None:
    source = "from babysitter import process, Context\n@process\nasync def plain(ctx: Context) -> None: ...\n"
    write(place.root, {"plain.py": source})

    RunService(place.fake).start("plain.py", None, run_id="r")

    assert not (place.root / ".a5c" / "states").exists()


class FakeScans:
    """See service.reviewing.Scans. Finds what it is told."""

    def __init__(self, findings: Sequence[Finding], tools: Sequence[ToolRun]) -> None:
        self.findings, self.tools = tuple(findings), tuple(tools)
        self.asked: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def scan(self, tools: Sequence[str], files: Sequence[str]) -> Scan:
        self.asked.append((tuple(tools), tuple(files)))
        return Scan(tools=self.tools, findings=self.findings)


def finding(line: int, severity: Any = "high", path: str = "app.py", rule: str = "B608") -> Finding:
    return Finding(
        tool="bandit",
        rule=rule,
        category="sql-injection",
        severity=severity,
        path=path,
        message="SQL is put together from text.",
        fingerprint=fingerprint_of("bandit", rule, path, str(line)),
        span=Span(line=line),
    )


RAN = (ToolRun(tool="bandit", state="passed", version="1.8", examined=2),)
OFFLINE = ToolRun(
    tool="pip-audit", state="offline", why="its service can't be reached.", fix="Give [scan] osv."
)


@pytest.mark.promise("G15")
def test_findings_on_changed_lines_come_first_and_the_others_are_counted(place: Place) -> None:
    scans = FakeScans([finding(2), finding(1, "low"), finding(9, path="other.py")], RAN)
    place.fake.scans = scans

    place.start("scanning")

    shown = place.shown()
    assert "- HIGH sql-injection app.py:2 [bandit B608] SQL is put together from text." in shown
    assert "app.py:1 [" not in shown
    assert "On other lines: 2 more." in shown
    assert shown.index("HIGH") < shown.index("## Changes since")
    assert scans.asked == [(("bandit",), (".gitignore", "app.py", "changing.py"))]
    assert place.asked()[0].findings == {"coverage": 90, "critical": 0, "high": 2, "medium": 0, "low": 1}
    assert what_it_covers(place.fake.store, "r", SHIP).document == shown
    assert verifies(place.fake)


@pytest.mark.promise("G29")
def test_what_was_found_is_a_page_that_leads_to_the_question_it_was_shown_at(place: Place) -> None:
    place.fake.scans = FakeScans([finding(2)], RAN)
    place.start("scanning")

    [hit] = Atlas(place.fake).search("", kind="Finding")
    page = Atlas(place.fake).get(hit.id)

    assert page.attributes["message"] == "SQL is put together from text."
    assert [(edge.from_, edge.kind) for edge in page.incoming_edges] == [
        (f"breakpoint:r/{SHIP}", "has_finding")
    ]


def test_a_file_of_findings_that_is_not_what_its_line_names_is_told_on_the_page_of_the_question(
    place: Place,
) -> None:
    place.fake.scans = FakeScans([finding(2)], RAN)
    place.start("scanning")
    store = place.fake.store
    assert isinstance(store, MemoryStore)
    store.runs["r"].files[f"breakpoints/{SHIP}/shown.json"] += b" "

    page = Atlas(place.fake).get(f"breakpoint:r/{SHIP}")

    assert "not those that were written" in page.attributes["unreadable"]
    assert Atlas(place.fake).search("", kind="Finding") == []


@pytest.mark.promise("G15")
def test_a_scan_that_is_not_complete_counts_nothing_whatever_the_process_says(place: Place) -> None:
    place.fake.scans = FakeScans([], [*RAN, OFFLINE])

    place.start("scanning")

    shown = place.shown()
    assert "NOT SCANNED by pip-audit: its service can't be reached. Give [scan] osv." in shown
    assert "None by the tools that ran, which is no all-clear." in shown
    assert place.asked()[0].findings == {"coverage": 90}


@pytest.mark.promise("G15")
@pytest.mark.parametrize("tools", [(), (ToolRun(tool="bandit", state="passed", examined=0),)])
def test_a_scan_that_examined_nothing_is_no_scan(place: Place, tools: tuple[ToolRun, ...]) -> None:
    place.fake.scans = FakeScans([], tools)

    place.start("scanning")

    assert "NOT SCANNED by" in place.shown()
    assert place.asked()[0].findings == {"coverage": 90}


def test_a_workspace_that_does_not_stand_still_while_it_is_scanned_is_not_shown(place: Place) -> None:
    class Restless(FakeScans):
        def scan(self, tools: Sequence[str], files: Sequence[str]) -> Scan:
            write(place.root, {"app.py": f"{len(self.asked)}\n"})
            return super().scan(tools, files)

    place.fake.scans = Restless([], RAN)

    with pytest.raises(ReviewError, match="changes while it is being looked at"):
        place.start("scanning")


@pytest.mark.parametrize(
    "more",
    [
        {"diff": "main"}, {"diff": ".."}, {"diff": "--output=x.."}, {"diff": "a...b"}, {"diff": "a b.."},
        {"scan": True}, {"diff": "main..topic", "scan": True}, {"diff": True, "scan": [""]},
    ],
)  # fmt: skip
def test_what_names_no_changes_is_refused_at_the_call(more: dict[str, Any]) -> None:
    from babysitter.authoring.context import Context
    from babysitter.authoring.steps import Ledger

    with pytest.raises(UsageError):
        Context("r", Ledger()).breakpoint("Ship it?", **more)


def test_the_facts_say_what_was_shown(place: Place) -> None:
    place.start("shipping")

    facts = msgspec.json.decode(place.fake.store.read_file("r", shown_facts_path(SHIP)))

    assert facts["changes"]["files"] == [
        {
            "path": "app.py",
            "change": "changed",
            "modeBefore": "100644",
            "mode": "100644",
            "bytesBefore": 8,
            "bytes": 10,
            "added": 1,
            "removed": 1,
        }
    ]
