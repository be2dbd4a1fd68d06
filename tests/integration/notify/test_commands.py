"""Telling people with the real command line: what drivers tell, what cron tells, and what never leaves."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from babysitter.testing.trusting import trust_as_it_is
from tests.integration.notify.receiver import KEY, SECRET, Receiver, receiving

SETTINGS = """\
[sandbox]
mode = "none"
[notify]
link = "https://babysitter.example.com"
[[notify.channels]]
name = "ops"
kind = "webhook"
url = "%s"
keys = ["env:HOOK_SIGNING"]
allow_private = true
events = ["breakpoint.requested", "breakpoint.released", "run.completed"]
timeout_s = 3
"""
PROCESS = '''\
"""Asks whatever it is told to ask."""

from babysitter import Context, process


@process
async def asking(inputs: dict[str, str], ctx: Context) -> bool:
    review = await ctx.breakpoint(inputs["question"], title=inputs.get("title", "Deploy"))
    return review.approved
'''
BREAKPOINT = "r/1-deploy"
TOKEN = "tr0ub4dor-and-3-of-it"


@dataclass
class Place:
    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"HOOK_SIGNING": SECRET})
    stderr: str = ""

    def babysitter(self, *arguments: str, status: int = 0) -> Any:
        """Run a command; return what it printed as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "babysitter", *arguments, "--json"],
            cwd=self.root,
            env={**os.environ, "PYTHONHASHSEED": "0", **self.env},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stdout + done.stderr
        self.stderr = done.stderr
        return json.loads(done.stdout)

    def ask(self, question: str = "Deploy?", *more: str, status: int = 3) -> None:
        arguments = ("--input", f"question={question}", *more, "--run-id", "r")
        self.babysitter("start", "ask.py", *arguments, status=status)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def place(tmp_path: Path, receiver: Receiver) -> Place:
    (tmp_path / "babysitter.toml").write_text(SETTINGS % receiver.url)
    (tmp_path / "ask.py").write_text(PROCESS)
    trust_as_it_is(tmp_path, "ask.py")
    return Place(tmp_path)


def kinds(receiver: Receiver) -> list[str]:
    return [request.json["type"] for request in receiver.requests]


def test_a_driver_tells_of_its_question_before_it_leaves(place: Place, receiver: Receiver) -> None:
    place.ask()

    (request,) = receiver.requests
    assert request.is_signed_by(KEY)
    assert request.json["data"]["url"] == f"https://babysitter.example.com/inbox/{BREAKPOINT}"
    assert place.stderr == ""


def test_the_answer_and_the_end_are_told_by_whoever_drives_on(place: Place, receiver: Receiver) -> None:
    place.ask()
    place.babysitter("approve", BREAKPOINT)
    place.babysitter("resume", "r")

    assert kinds(receiver) == ["breakpoint.requested", "breakpoint.released", "run.completed"]
    listed = place.babysitter("notify", "list")["notices"]
    assert [(each["kind"], each["state"], each["attempts"]) for each in listed] == [
        (kind, "sent", 1) for kind in kinds(receiver)
    ]


def test_a_channel_that_is_away_fails_no_run_and_what_it_missed_is_sent_later(
    place: Place, receiver: Receiver
) -> None:
    receiver.answers = [503]
    place.ask()

    assert "channel ops answered 503" in place.stderr
    assert "1 notification(s) stay owed: babysitter notify send" in place.stderr
    (owed,) = place.babysitter("notify", "list", "--state", "owed")["notices"]
    assert owed["problem"] == "channel ops answered 503."

    # The time of its next try is random, and within ten seconds.
    file = place.root / ".a5c" / "outbox" / "runs" / "r.json"
    kept = json.loads(file.read_text())
    kept["nextNs"] = 1
    for each in kept["notices"].values():
        each["nextNs"] = 1
    file.write_text(json.dumps(kept))
    sent = place.babysitter("notify", "send")

    assert (sent["sent"], sent["owed"], sent["problems"]) == (1, 0, {})
    assert len({request.id for request in receiver.requests}) == 1


def test_what_cron_drives_is_told_and_so_is_what_a_driver_could_not_send(
    place: Place, receiver: Receiver
) -> None:
    del place.env["HOOK_SIGNING"]
    place.ask()
    place.babysitter("approve", BREAKPOINT)
    place.env["HOOK_SIGNING"] = SECRET

    place.babysitter("resume", "--due")

    assert kinds(receiver) == ["breakpoint.released", "run.completed"]
    assert [each["state"] for each in place.babysitter("notify", "list")["notices"]] == [
        "withdrawn",
        "sent",
        "sent",
    ]


def test_a_key_that_is_not_there_is_said_and_nothing_is_sent_unsigned(
    place: Place, receiver: Receiver
) -> None:
    del place.env["HOOK_SIGNING"]

    place.ask()

    assert receiver.requests == []
    assert "env:HOOK_SIGNING" in place.stderr


def test_a_key_that_is_none_is_said_without_its_value(place: Place, receiver: Receiver) -> None:
    place.env["HOOK_SIGNING"] = "correct-horse-battery"

    place.ask()

    assert receiver.requests == []
    assert "env:HOOK_SIGNING as a key, which holds none" in place.stderr
    assert "correct-horse" not in place.stderr


def test_send_tells_of_a_failure_by_its_status(place: Place, receiver: Receiver) -> None:
    receiver.answers = [400]
    place.ask()
    receiver.status = 500

    place.babysitter("approve", BREAKPOINT)
    place.babysitter("run", "iterate", "r")
    view = place.babysitter("notify", "send", status=1)

    assert list(view["problems"]) == ["ops"]
    assert [each["state"] for each in place.babysitter("notify", "list")["notices"]] == [
        "failed",
        "owed",
        "owed",
    ]


def test_a_channel_can_be_tried(place: Place, receiver: Receiver) -> None:
    place.babysitter("notify", "test", "ops")
    receiver.status = 403
    refused = place.babysitter("notify", "test", "ops", status=4)
    unknown = place.babysitter("notify", "test", "nothing", status=2)

    assert kinds(receiver) == ["test", "test"]
    assert (refused["error"]["code"], refused["error"]["reason"]) == ("refused.notify", "refused")
    assert "ops" in unknown["error"]["hint"]


@pytest.mark.parametrize(
    "question",
    [
        f"Deploy with {TOKEN}?",
        TOKEN,
        f"Deploy with {base64.b64encode(TOKEN.encode()).decode()}?",
        f"Deploy with {TOKEN[:10]}\u200b{TOKEN[10:]} or {TOKEN.upper()} or {TOKEN}?",
    ],
)
def test_no_secret_of_a_question_leaves(place: Place, receiver: Receiver, question: str) -> None:
    place.env["DEPLOY_TOKEN"] = TOKEN

    place.ask(question, "--input", f"title={question}")

    (request,) = receiver.requests
    sent = request.body + repr(request.headers).encode()
    for form in (TOKEN.encode(), base64.b64encode(TOKEN.encode())):
        assert form not in sent
    assert b"env:DEPLOY_TOKEN" in sent


def test_a_secret_that_nobody_had_declared_when_it_was_journaled_is_masked_on_its_way_out(
    place: Place, receiver: Receiver
) -> None:
    receiver.answers = [503]
    place.ask(f"Deploy with {TOKEN}?")
    assert TOKEN in receiver.requests.pop().body.decode()
    receiver.answers = []
    (place.root / ".a5c" / "outbox" / "runs" / "r.json").unlink()

    place.env["DEPLOY_TOKEN"] = TOKEN
    place.babysitter("notify", "send")

    (request,) = receiver.requests
    assert TOKEN not in request.body.decode()
    assert "env:DEPLOY_TOKEN" in request.body.decode()


def test_a_receiver_at_a_private_address_takes_a_word_of_the_settings(
    place: Place, receiver: Receiver
) -> None:
    file = place.root / "babysitter.toml"
    file.write_text(file.read_text().replace("allow_private = true\n", ""))

    place.ask()

    assert receiver.requests == []
    assert "not of the public internet" in place.stderr


def test_without_channels_nothing_of_it_is_imported(place: Place) -> None:
    (place.root / "babysitter.toml").write_text('[sandbox]\nmode = "none"\n')
    program = (
        "import sys; from babysitter.cli.root import run; run(sys.argv[1:]);"
        "print([name for name in sys.modules if 'notify.' in name or name == 'apprise'], file=sys.stderr)"
    )
    arguments = ["start", "ask.py", "--input", "question=Deploy?"]

    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=place.root,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.splitlines()[-1] == "[]"
    assert not (place.root / ".a5c" / "outbox").exists()
