"""``scan`` and ``journal scan`` as a person or a pipeline runs them."""

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from babysitter.cli.root import run
from tests.unit.secrets.detection.tokens import made

TOKEN = made("ghp" + "_{62:30}{crc62}", random.Random(12))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is a workspace, with one credential in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "babysitter.toml").write_text("")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text(f"ok = 1\ntoken = '{TOKEN}'  # gitleaks:allow\n")
    return tmp_path


@pytest.mark.promise("G13")
@pytest.mark.usefixtures("tree")
def test_a_tree_with_a_credential_is_told_without_it(capfd: pytest.CaptureFixture[str]) -> None:
    status = run(["scan", "src"])

    out, err = capfd.readouterr()
    assert status == 1
    assert "src/a.py:2:10  critical  github-pat" in out
    assert TOKEN not in out + err
    assert err == ""


@pytest.mark.usefixtures("tree")
def test_json_and_sarif_are_one_object_each(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "src", "--json"]) == 1
    scan = json.loads(capfd.readouterr().out)
    assert run(["scan", "src", "--sarif"]) == 1
    sarif = json.loads(capfd.readouterr().out)

    assert [found["rule"] for found in scan["findings"]] == ["github-pat"]
    assert sarif["version"] == "2.1.0"
    assert sarif["runs"][0]["results"][0]["ruleId"] == "github-pat"


def test_what_a_baseline_knows_does_not_count_and_what_is_new_does(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["scan", "src", "--write-baseline", "known.json"]) == 1
    assert TOKEN not in (tree / "known.json").read_text()
    assert run(["scan", "src", "--baseline", "known.json"]) == 0

    (tree / "src" / "b.py").write_text(f"password = 'tr0ub4dor&3x-{TOKEN[-4:]}'\n")

    capfd.readouterr()
    assert run(["scan", "src", "--baseline", "known.json"]) == 1
    assert "src/b.py" in capfd.readouterr().out
    assert run(["scan", "src", "--baseline", "missing.json"]) == 4


def test_what_cannot_be_read_is_no_all_clear(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "src" / "a.py").unlink()

    assert run(["scan", "src"]) == 4
    assert run(["scan", "gone"]) == 4
    assert "gone (No such file" in capfd.readouterr().err


def test_an_allowed_fingerprint_and_a_rule_of_the_team_count(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(["scan", "src", "--json"])
    fix = json.loads(capfd.readouterr().out)["findings"][0]["fix"]
    printed = fix.rpartition('["')[2].partition('"]')[0]
    (tree / "babysitter.toml").write_text(f'[secrets]\nallow = ["{printed}"]\nrules = ["gitleaks.toml"]\n')
    (tree / "gitleaks.toml").write_text("[[rules]]\nid = 'ok-rule'\nregex = '''ok = ([0-9])'''\n")

    assert run(["scan", "src"]) == 1
    out = capfd.readouterr().out
    assert "ok-rule" in out
    assert "github-pat" not in out

    (tree / "gitleaks.toml").write_text("[[rules]]\nid = 'bad'\nregex = '''(?=a)'''\n")
    assert run(["scan", "src"]) == 2
    assert "gitleaks.toml: the rule bad has an expression that RE2 can't take" in capfd.readouterr().err


@pytest.mark.needs("git")
def test_history_is_searched_though_the_file_is_gone(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=tree, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "with")
    git("rm", "-q", "src/a.py")
    git("commit", "-qm", "without")
    (tree / "b.txt").write_text("plain")
    git("add", ".")
    git("commit", "-qm", "later")

    assert run(["scan", "--git", "HEAD"]) == 1
    assert "since commit" in capfd.readouterr().out
    assert run(["scan", "--git", "HEAD~1..HEAD"]) == 0
    assert run(["scan", "--git", "nothing..here"]) == 4
    assert run(["scan", "--git", "--output=x"]) == 2


@pytest.mark.usefixtures("tree")
def test_standard_input_is_scanned(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TOKEN.encode())))

    assert run(["scan", "-"]) == 1

    assert "<stdin>:1:1" in capfd.readouterr().out


def test_journals_are_scanned_and_a_leak_by_hand_is_found(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tree / ".a5c" / "runs" / "r1" / "tasks" / "x"
    folder.mkdir(parents=True)
    for file in ("run.json", "journal/journal.jsonl"):
        (tree / ".a5c" / "runs" / "r1" / file).parent.mkdir(exist_ok=True)
        (tree / ".a5c" / "runs" / "r1" / file).write_text("{}\n")
    assert run(["journal", "scan", "--all"]) == 0

    (folder / "stdout.log").write_text(f"printed {TOKEN}\n")

    assert run(["journal", "scan", "r1"]) == 1
    assert "r1/tasks/x/stdout.log:1:9" in capfd.readouterr().out
    assert run(["journal", "scan"]) == 2
