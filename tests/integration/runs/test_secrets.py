"""A whole run full of secrets leaves none of them on disk, in any form, and loses none of them."""

import base64
import json
import os
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from babysitter.journal.verify import verify_run
from babysitter.model.runner import Attempt
from babysitter.model.values import Json
from babysitter.service.delivery import Delivery
from babysitter.service.queries import Queries
from babysitter.service.replaying import replay_run
from babysitter.service.runs import RunService
from babysitter.stores.files import FileStore
from babysitter.testing.workspace import FakeWorkspace

pytestmark = [pytest.mark.promise("G08"), pytest.mark.promise("G10")]

AWKWARD = "\"'\\/<>&%+= \t\n\r\x01\x1f\x7f${}:,;#`|~äß€\u2028😀"
PARTS = st.text(st.sampled_from(AWKWARD + "abcXYZ019-_."), max_size=12)
# The letters in the middle keep a drawn secret from being a piece of a digest, which looks like a leak.
SECRETS = st.builds(lambda before, after: f"{before}Zq~wy!vK{after}", PARTS, PARTS)


def forms(value: str) -> dict[str, bytes]:
    """Return the forms of a secret that nothing on disk may hold."""
    raw = value.encode()
    return {
        "raw": raw,
        "json": json.dumps(value, ensure_ascii=False)[1:-1].encode(),
        "ascii json": json.dumps(value)[1:-1].encode(),
        "base64": base64.b64encode(raw).rstrip(b"="),
        "url-safe base64": base64.urlsafe_b64encode(raw).rstrip(b"="),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": urllib.parse.quote(value, safe="").encode(),
        "form": urllib.parse.quote_plus(value).encode(),
    }


def leaks(root: Path, value: str) -> list[str]:
    """Return the files that hold a form of the secret, in their bytes or in their names."""
    found = []
    for file in sorted(root.rglob("*")):
        content = str(file.relative_to(root)).encode() + (
            b"\n" + file.read_bytes() if file.is_file() else b""
        )
        found += [
            f"{name} in {file.relative_to(root)}" for name, form in forms(value).items() if form in content
        ]
    return found


@contextmanager
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    try:
        shutil.copy(Path(__file__).parent / "leaky.py", made)
        yield made
    finally:
        shutil.rmtree(made)


def spill(attempt: Attempt, value: Json) -> Json:
    """Print the key in every form, cut into two writes, and give back what came in."""
    for sink in (attempt.stdout, attempt.stderr):
        for form in forms(value["key"]).values():
            half = len(form) // 2
            sink.write(b"key=" + form[:half])
            sink.write(form[half:] + b";\n")
    return [value["text"], value["parts"]]


def collapse(_attempt: Attempt, value: Json) -> Json:
    raise ValueError(value["text"])


def drive_to_the_end(place: FakeWorkspace, value: str) -> Json:
    """Start the run, answer and signal while nobody drives, and return its output."""
    service, delivery = RunService(place), Delivery(place)
    view = service.start("leaky.py#leaky", {"key": value}, run_id="r")
    for _ in range(9):
        if view.status != "waiting":
            break
        for question in view.breakpoints:
            delivery.answer("r", question.breakpoint_id, "approve", comment=f"yes, {value}")
        if view.signals:
            delivery.signal("r", f"news-{value}", {"payload": value})
        view = service.drive("r")
    assert view.status == "completed", view
    return place.events("r")[-1].output  # type: ignore[attr-defined]


@settings(max_examples=25)
@given(value=SECRETS)
@example(value="hunter2-but-longer")
@example(value='"Zq~wy!vK"\\')
@example(value="0000000\x1fZq~wy!vK")
@example(value="${secret:env:API_KEY}Zq~wy!vK")
@example(value="äöüßéñ€😀")
def test_a_run_full_of_secrets_keeps_none_and_its_process_gets_them_all(value: str) -> None:
    with folder() as root, pytest.MonkeyPatch.context() as patch:
        patch.setenv("API_KEY", value)
        (root / "workspace.md").write_text(f"the key is {value}\n")
        place = FakeWorkspace(root, store=FileStore(root / ".a5c" / "runs"))
        place.script.update(show=spill, fail=collapse)

        output = drive_to_the_end(place, value)

        assert output == {"same": [True] * 6, "key": value}
        assert leaks(root / ".a5c", value) == []
        assert replay_run(place, "r").same_code
        for run_id in place.store.run_ids():
            assert verify_run(place.store, run_id).problems == ()


def test_a_secret_that_was_rotated_is_the_new_one_on_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    with folder() as root:
        monkeypatch.setenv("API_KEY", "the-old-one-Zq~wy")
        place = FakeWorkspace(root, store=FileStore(root / ".a5c" / "runs"))
        place.script.update(show=spill, fail=collapse)
        RunService(place).start("leaky.py#leaky", {"key": "the-old-one-Zq~wy"}, run_id="r")

        monkeypatch.setenv("API_KEY", "a-new-one-quite-different-Kv")
        service, delivery = RunService(place), Delivery(place)
        view = service.drive("r")
        delivery.answer("r", view.breakpoints[0].breakpoint_id, "reject")
        view = service.drive("r")
        delivery.signal("r", "news-a-new-one-quite-different-Kv", {"payload": "a-new-one-quite-different-Kv"})
        view = service.drive("r")
        delivery.answer("r", view.breakpoints[0].breakpoint_id, "approve", comment="-")
        service.drive("r")

        output = place.events("r")[-1].output  # type: ignore[attr-defined]
        assert output["key"] == "a-new-one-quite-different-Kv"
        assert leaks(root / ".a5c", "the-old-one-Zq~wy") == []
        assert leaks(root / ".a5c", "a-new-one-quite-different-Kv") == []


def test_a_run_whose_secret_has_gone_says_which_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from babysitter.model.errors import SecretError

    with folder() as root:
        monkeypatch.setenv("API_KEY", "the-old-one-Zq~wy")
        place = FakeWorkspace(root, store=FileStore(root / ".a5c" / "runs"))
        place.script.update(show=spill, fail=collapse)
        RunService(place).start("leaky.py#leaky", {"key": "the-old-one-Zq~wy"}, run_id="r")
        before = place.store.read_journal("r")

        monkeypatch.delenv("API_KEY")
        with pytest.raises(SecretError, match="env:API_KEY"):
            RunService(place).drive("r")

        assert place.store.read_journal("r") == before
        assert Queries(place).status("r").status == "waiting", "looking needs no secret"


def test_mail_to_a_run_that_is_being_driven_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail stands on disk until the driver takes it: it is masked by whoever sends it."""
    from babysitter.model.clock import format_time
    from babysitter.stores.interface import Holder

    with folder() as root:
        value = 'awkward"Zq~wy!vK'
        monkeypatch.setenv("API_KEY", value)
        place = FakeWorkspace(root, store=FileStore(root / ".a5c" / "runs"))
        place.script.update(show=spill, fail=collapse)
        RunService(place).start("leaky.py#leaky", {"key": value}, run_id="r")
        holder = Holder(user="bob", host="there", pid=1, since=format_time(0))
        lease = place.store.lease("r", holder)

        sent = Delivery(place).signal("r", f"news-{value}", {value: value})
        lease.release()

        assert sent.lines == (), "queued"
        assert any(path.startswith("mail/") for path in place.store.paths("r"))
        assert leaks(root / ".a5c", value) == []
