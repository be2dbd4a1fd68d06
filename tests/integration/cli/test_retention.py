"""``retention plan`` on a real workspace: what is due and held, in text and as JSON; nothing is removed."""

import hashlib
import json

from babysitter.stores.files import FileStore
from babysitter.testing.clocks import FakeClock
from babysitter.testing.sample_run import RUN_ID, write_sample_run
from tests.integration.cli.conftest import Shell

LONG_AGO_NS = 1_500_000_000 * 1_000_000_000
RULE = '[[retention.rules]]\nid = "old"\nprocesses = ["*"]\nafter_days = 30\naction = "delete"\n'
HOLD = f'[[retention.holds]]\nid = "case"\nruns = ["{RUN_ID}"]\nreason = "a lawsuit"\nby = "ada"\n'


def with_an_old_run(shell: Shell, settings: str) -> None:
    (shell.root / "babysitter.toml").write_text(settings, encoding="utf-8")
    write_sample_run(FileStore(shell.root / ".a5c" / "runs"), FakeClock(LONG_AGO_NS))


def all_files(shell: Shell) -> dict[str, str]:
    folder = shell.root / ".a5c" / "runs"
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_due_is_listed_and_nothing_is_removed(shell: Shell) -> None:
    with_an_old_run(shell, RULE)
    before = all_files(shell)

    text, data = shell("retention", "plan"), shell("retention:plan", "--json")

    assert (text.returncode, text.stderr, data.returncode) == (0, "", 0)
    assert "1 run is due" in text.stdout
    assert "Nothing was removed." in text.stdout
    assert "2017-08-13" in text.stdout
    (due,) = json.loads(data.stdout)["due"]
    folder = shell.root / ".a5c" / "runs" / RUN_ID
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert (due["runId"], due["rule"], due["bytes"]) == (RUN_ID, "old", size)
    assert all_files(shell) == before


def test_what_is_held_is_listed_with_who_and_why(shell: Shell) -> None:
    with_an_old_run(shell, RULE + HOLD + HOLD.replace(RUN_ID, "slip").replace("case", "other"))

    text, data = shell("retention", "plan"), shell("retention", "plan", "--json")

    assert "0 runs are due" in text.stdout
    assert "a lawsuit" in text.stdout
    assert "Hold other names what is no run here: slip." in text.stdout
    assert [held["runId"] for held in json.loads(data.stdout)["held"]] == [RUN_ID]


def test_without_a_rule_it_says_so(shell: Shell) -> None:
    with_an_old_run(shell, "")

    ended = shell("retention", "plan")

    assert (ended.returncode, "No rule of retention is set" in ended.stdout) == (0, True)


def test_a_rule_that_is_wrong_plans_nothing(shell: Shell) -> None:
    with_an_old_run(shell, RULE.replace("30", "0"))

    ended = shell("retention", "plan", "--json")

    error = json.loads(ended.stdout)["error"]
    assert (ended.returncode, error["code"], error["line"]) == (2, "usage.settings", 4)
