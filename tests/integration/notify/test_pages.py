"""What the pages about notifications show is what happens: the receiver's check, the settings, the body."""

import json
import re
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from babysitter.config import parse_settings
from babysitter.service.notify.signature import signed_headers
from tests.integration.notify.receiver import KEY, SECRET
from tests.test_docs import ROOT
from tests.unit.notify.telling import Taken, ask, now_ns, outbox, workspace

HOW_TO = ROOT / "docs" / "how-to" / "get-notified.md"
REFERENCE = ROOT / "docs" / "reference" / "notifications.md"
Verify = Callable[[dict[str, str], bytes, str], None]


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, without the indentation of the list that they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


@pytest.fixture
def verify() -> Verify:
    (code,) = blocks(HOW_TO, "python")
    names: dict[str, Any] = {}
    exec(code, names)
    found: Verify = names["verify"]
    return found


def test_the_receiver_of_the_how_to_takes_what_we_sign(verify: Verify) -> None:
    now_s, body = int(time.time()), b'{"type":"test"}'

    verify(signed_headers("msg_1", now_s, body, [KEY]), body, SECRET)
    verify(signed_headers("msg_1", now_s, body, [b"n" * 32, KEY]), body, SECRET)


def test_it_refuses_everything_else(verify: Verify) -> None:
    now_s, body = int(time.time()), b'{"type":"test"}'
    good = signed_headers("msg_1", now_s, body, [KEY])
    wrong = [
        (good, b'{"type":"Test"}'),
        (good | {"webhook-id": "msg_2"}, body),
        (good | {"webhook-timestamp": str(now_s - 1)}, body),
        (good | {"webhook-signature": "v1,"}, body),
        (signed_headers("msg_1", now_s, body, [b"n" * 32]), body),
        (signed_headers("msg_1", now_s - 600, body, [KEY]), body),
    ]

    for headers, sent in wrong:
        with pytest.raises(ValueError, match=r"signed|old"):
            verify(headers, sent, SECRET)


def test_the_settings_of_the_how_to_are_ones_that_are_understood() -> None:
    found = [parse_settings(text) for text in blocks(HOW_TO, "toml")]

    channels = [channel.name for settings in found for channel in settings.notify.channels]
    assert channels == ["releases", "bridge", "security-mail"]
    (rule,) = [rule for settings in found for rule in settings.approvals]
    assert (rule.remind_after, rule.escalate_after, rule.escalate_to) == ("1h", "4h", ("heads",))


def test_the_body_of_the_reference_has_the_fields_of_a_real_one(tmp_path: Path) -> None:
    (shown,) = (json.loads(text) for text in blocks(REFERENCE, "json"))
    place, taken = workspace(link="https://b.example.com"), Taken()
    ask(place)
    outbox(place, tmp_path, taken).pump(now_ns(place))

    real = json.loads(taken.letters[0][1].body)

    assert (list(shown), list(shown["data"])) == (list(real), list(real["data"]))
    assert list(shown["data"]["breakpoint"]) == list(real["data"]["breakpoint"])
