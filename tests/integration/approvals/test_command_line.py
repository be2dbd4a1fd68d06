"""Approvals as people give them: real keys, the agent, real commands, and what stock tools say of it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from babysitter.testing.trusting import trust_as_it_is
from tests.integration.audit.conftest import PROCESS, Workspace

pytestmark = [pytest.mark.promise("G25"), pytest.mark.needs("ssh-keygen", "ssh-add", "ssh-agent", "git")]
GATE = "r/3-gate-deploy"
SETTINGS = """\
[roles]
managers = ["alice@example.com", "bob@example.com"]
oncall = ["carol@example.com"]
[[approvals]]
id = "production"
when = { environment = "production" }
roles = ["managers"]
quorum = 2
break_glass = { roles = ["oncall"], reviewers = ["managers"] }
"""
CASES = """\
[[case]]
name = "one of two is not enough"
gate = { environment = "production" }
votes = [{ person = "bob@example.com" }]
now = "2026-03-02T10:00:00Z"
expect = "deny"
because = "needs 1 more of managers"

[[case]]
name = "two are"
gate = { environment = "production" }
votes = [{ person = "bob@example.com" }, { person = "alice@example.com" }]
now = "2026-03-02T10:00:00Z"
expect = "allow"
"""


def new_key(place: Workspace, person: str) -> None:
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", place.key(person)]
    subprocess.run(make, check=True)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A run that waits for two of two managers; everybody's key was added with ``key add``."""
    found = Workspace(tmp_path / "workspace", tmp_path / "keys", tmp_path / "trust")
    for folder in (found.root, found.keys, found.trust):
        folder.mkdir()
    (found.root / "babysitter.toml").write_text(SETTINGS)
    (found.root / "deploy.py").write_text(PROCESS)
    trust_as_it_is(found.root, "deploy.py")
    (found.root / "in.json").write_text('["here", "there"]')
    for person in ("alice@example.com", "bob@example.com", "carol@example.com"):
        new_key(found, person)
        found.babysitter("key", "add", person, found.key(person))
    found.babysitter("start", "deploy.py", "--inputs", "in.json", "--run-id", "r", status=3)
    return found


def error_of(place: Workspace, *arguments: str, status: int = 4) -> str:
    done = place.babysitter(*arguments, "--json", status=status)
    return str(json.loads(done)["error"]["message"])


def test_two_people_sign_and_the_run_goes_on(place: Workspace) -> None:
    place.approve(GATE, "bob@example.com")
    place.babysitter("resume", "r", status=3)
    place.approve(GATE, "alice@example.com")
    place.babysitter("resume", "r", status=3)

    state = json.loads(place.babysitter("breakpoint", "history", GATE, "--json"))

    assert state["state"] == "released"
    assert [answer["method"] for answer in state["answers"]] == ["ssh", "ssh"]
    place.babysitter("journal", "verify", "--all")


def test_the_history_of_a_question_has_what_was_asked_back_and_to_whom_it_went(place: Workspace) -> None:
    place.babysitter("breakpoint", "ask", GATE, "which database?")
    place.babysitter("breakpoint", "reply", GATE, "the copy")
    place.babysitter("breakpoint", "reassign", GATE, "--to", "bob@example.com", "--comment", "knows it")
    place.approve(GATE, "bob@example.com")
    place.babysitter("resume", "r", status=3)

    told = place.babysitter("breakpoint", "history", GATE)
    kinds = [
        line["type"]
        for line in json.loads(place.babysitter("breakpoint", "history", GATE, "--json"))["events"]
    ]

    assert "asks: which database?" in told
    assert "replies: the copy" in told
    assert "passes it on to bob@example.com: knows it" in told
    assert "bob@example.com  approve  by ssh" in told
    assert kinds == [
        "BREAKPOINT_REQUESTED", "BREAKPOINT_INFO_REQUESTED", "BREAKPOINT_INFO_GIVEN",
        "BREAKPOINT_REASSIGNED", "BREAKPOINT_RESPONDED",
    ]  # fmt: skip


def test_stock_ssh_keygen_says_good_to_what_was_kept(place: Workspace) -> None:
    place.approve(GATE, "bob@example.com")
    kept = place.data / "runs" / "r" / "breakpoints" / "3-gate-deploy" / "approval-1.json"

    verify = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        str(place.root / "allowed_signers"),
        "-I",
        "bob@example.com",
    ]
    done = subprocess.run(
        [*verify, "-n", "babysitter-approval", "-s", f"{kept}.sig"],
        input=kept.read_bytes(),
        check=False,
        capture_output=True,
    )

    assert done.returncode == 0, done.stderr
    assert b'Good "babysitter-approval" signature for bob@example.com' in done.stdout


def test_the_document_is_on_the_screen_before_it_is_signed(place: Workspace) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "babysitter", "approve", GATE, "--key", place.key("bob@example.com")],
        cwd=place.root,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=True,
        capture_output=True,
        text=True,
    )

    shown = (place.data / "runs" / "r" / "breakpoints" / "3-gate-deploy" / "shown.md").read_text()
    assert shown in done.stderr
    assert f"You approve {GATE}, exactly this: deploy" in done.stderr


@pytest.fixture
def agent(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent that has bob's key, whose file is gone."""
    socket = place.keys / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as process:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        while not socket.exists():
            assert process.poll() is None, "ssh-agent ended"
        subprocess.run(["ssh-add", "-q", place.key("bob@example.com")], check=True, capture_output=True)
        Path(place.key("bob@example.com")).unlink()
        yield
        process.terminate()


@pytest.mark.usefixtures("agent")
def test_a_key_that_only_the_agent_has_signs(place: Workspace) -> None:
    place.babysitter("approve", GATE, "--key", "agent")

    state = json.loads(place.babysitter("breakpoint", "history", GATE, "--json"))
    assert [answer["approver"] for answer in state["answers"]] == ["bob@example.com"]


def test_a_key_that_nobody_added_is_refused_with_the_command_that_adds_it(place: Workspace) -> None:
    new_key(place, "eve@example.com")

    said = error_of(place, "approve", GATE, "--key", place.key("eve@example.com"))

    assert "nobody's in the file of signers" in said


def test_a_revoked_key_no_longer_counts(place: Workspace) -> None:
    keys = json.loads(place.babysitter("key", "list", "--json"))["keys"]
    bobs = next(key["fingerprint"] for key in keys if key["principals"] == ["bob@example.com"])

    place.babysitter("key", "revoke", bobs)

    said = error_of(place, "approve", GATE, "--key", place.key("bob@example.com"))
    assert "revoked" in said
    states = {key["state"] for key in json.loads(place.babysitter("key", "list", "--json"))["keys"]}
    assert states == {"valid", "revoked"}


def test_what_a_key_signed_before_it_was_revoked_still_verifies(place: Workspace) -> None:
    place.approve(GATE, "bob@example.com")
    keys = json.loads(place.babysitter("key", "list", "--json"))["keys"]
    bobs = next(key["fingerprint"] for key in keys if key["principals"] == ["bob@example.com"])
    place.babysitter("key", "revoke", bobs)
    place.approve(GATE, "alice@example.com")

    place.babysitter("journal", "verify", "--all")


def test_explain_says_who_is_missing_and_check_holds_rules_against_cases(place: Workspace) -> None:
    place.approve(GATE, "bob@example.com")

    told = place.babysitter("policy", "explain", GATE, status=1)
    (place.root / "cases.toml").write_text(CASES)
    checked = place.babysitter("policy", "check", "cases.toml")

    assert "Missing: needs 1 more of managers" in told
    assert "2 of 2 cases as expected" in checked
    (place.root / "cases.toml").write_text(CASES.replace('expect = "allow"', 'expect = "deny"'))
    assert "1 of 2 cases as expected" in place.babysitter("policy", "check", "cases.toml", status=1)


def test_the_glass_is_broken_once_and_again_only_after_a_review(place: Workspace) -> None:
    break_glass = ("--key", place.key("carol@example.com"), "--break-glass", "--comment", "the shop is down")
    place.babysitter("approve", GATE, *break_glass)
    place.babysitter("resume", "r", status=3)

    said = error_of(place, "approve", "r/4-gate-deploy", *break_glass)
    assert "nobody has reviewed it" in said
    review = ("policy", "review", GATE, "--comment", "it was", "--key")
    assert "does not name carol" in error_of(place, *review, place.key("carol@example.com"))
    other = 'id = "other"\nwhen = { tags = ["x"] }\nroles = ["managers"]\n'
    other += 'break_glass = { roles = ["oncall"], reviewers = ["dave@example.com"] }\n'
    (place.root / "babysitter.toml").write_text(f"{SETTINGS}[[approvals]]\n{other}")
    new_key(place, "dave@example.com")
    place.babysitter("key", "add", "dave@example.com", place.key("dave@example.com"))
    assert "does not name dave" in error_of(place, *review, place.key("dave@example.com"))
    place.babysitter(*review, place.key("bob@example.com"))
    place.babysitter("approve", "r/4-gate-deploy", *break_glass)
    place.babysitter("resume", "r")

    place.babysitter("journal", "verify", "--all")


def test_new_signers_count_only_once_enough_people_have_signed_them(place: Workspace) -> None:
    """The settings ask for two; until then the file that was in force before stays in force."""
    text = SETTINGS + '[signing.changes]\nroles = ["managers"]\nquorum = 2\n'
    (place.root / "babysitter.toml").write_text(text)
    new_key(place, "eve@example.com")
    place.babysitter("key", "add", "bob@example.com", place.key("eve@example.com"))
    assert "nobody's" in error_of(place, "approve", GATE, "--key", place.key("eve@example.com"))

    place.babysitter("key", "approve", "--key", place.key("bob@example.com"), status=3)
    assert "NOT IN FORCE: 1 more must sign" in place.babysitter("key", "list")
    assert "nobody's" in error_of(place, "approve", GATE, "--key", place.key("eve@example.com"))
    place.babysitter("key", "approve", "--key", place.key("alice@example.com"))

    assert "NOT IN FORCE" not in place.babysitter("key", "list")
    place.babysitter("approve", GATE, "--key", place.key("eve@example.com"))
    place.babysitter("journal", "verify", "--all")


def test_a_key_is_revoked_at_once_where_every_other_change_waits_for_signatures(place: Workspace) -> None:
    text = SETTINGS + '[signing.changes]\nroles = ["managers"]\nquorum = 2\n'
    (place.root / "babysitter.toml").write_text(text)
    keys = json.loads(place.babysitter("key", "list", "--json"))["keys"]
    bobs = next(key["fingerprint"] for key in keys if key["principals"] == ["bob@example.com"])

    place.babysitter("key", "revoke", bobs)

    assert "revoked" in error_of(place, "approve", GATE, "--key", place.key("bob@example.com"))
    (place.root / "revoked_keys").write_text("")
    place.babysitter("approve", GATE, "--key", place.key("bob@example.com"))
    place.babysitter("journal", "verify", "--all")


def test_a_witness_a_git_remote_and_an_auditor_see_the_log(place: Workspace, tmp_path: Path) -> None:
    from babysitter.service.witness_server import run_witness

    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    vkey = place.data / "log" / "log.vkey"
    with run_witness(tmp_path / "w", name="w.example", logs=[vkey], host="127.0.0.1", port=0) as witness:
        tables = f'''
[[log.witnesses]]
name = "w.example"
kind = "http"
url = "{witness.url}"
key = "{witness.verifier}"
[[log.witnesses]]
name = "elsewhere"
kind = "git"
url = "{remote}"
'''
        (place.root / "babysitter.toml").write_text(SETTINGS + tables)
        place.approve(GATE, "bob@example.com")
        place.babysitter("witness", "update")
        place.babysitter("witness", "seen", "--to", str(place.trust / "seen"))
        (place.trust / "witnesses").write_text(f"{witness.verifier}\n")

    (place.trust / "log.vkey").write_bytes(vkey.read_bytes())
    (place.trust / "allowed_signers").write_bytes((place.root / "allowed_signers").read_bytes())
    report = json.loads(place.babysitter("journal", "verify", "--all", "--trust", str(place.trust), "--json"))
    assert report["ok"]
    assert not [text for text in report["unproven"] if "witness" in text or "operator's own word" in text]
    assert threading.active_count() < 10


def test_a_witness_that_is_away_stops_nothing_and_is_told_of(place: Workspace) -> None:
    away = '[[log.witnesses]]\nname = "away"\nkind = "http"\nurl = "http://127.0.0.1:9"\nkey = "%s"\n'
    key = "w.example+8221716a+BI2r4Nq2yYDQsJMh48ZIRnLYFENn8uVyjT2vQzQm1+mL"
    (place.root / "babysitter.toml").write_text(SETTINGS + away % key)

    place.approve(GATE, "bob@example.com")

    assert "NOT SEEN" in place.babysitter("witness", "update", status=1)
    place.babysitter("journal", "verify", "--all")
