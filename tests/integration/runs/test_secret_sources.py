"""Runs whose secrets come from files and providers: found, masked, and a clear no when they are away."""

import json
import shutil
from pathlib import Path

import pytest

from babysitter.config import parse_settings
from babysitter.journal.verify import verify_run
from babysitter.model.errors import SecretSourceError
from babysitter.model.runner import Attempt
from babysitter.model.values import Json
from babysitter.service.declared import declared_secrets
from babysitter.service.replaying import replay_run
from babysitter.service.runs import RunService
from babysitter.stores.files import FileStore
from babysitter.testing.workspace import FakeWorkspace

SETTINGS = """
[secrets]
recognise = false

[secrets.sources.team]
provider = "dotenv:team.env"
"""
TOKEN, API_KEY = "Kq7wRz9x/LmP2vJd8=", "another-secret-4711"


@pytest.fixture
def place(tmp_path: Path) -> FakeWorkspace:
    shutil.copy(Path(__file__).parent / "vaulted.py", tmp_path)
    for name, text in (("own.env", f"TOKEN='{TOKEN}'\n"), ("team.env", f"API_KEY={API_KEY}\n")):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(text)
    store = FileStore(tmp_path / ".a5c" / "runs")
    made = FakeWorkspace(tmp_path, settings=parse_settings(SETTINGS), store=store)

    def use(attempt: Attempt, value: Json) -> Json:
        attempt.stdout.write(json.dumps(value).encode().hex(" ").encode())
        return [value["one"], value["two"], f"{value['one']}\n{value['two']}"]

    made.script["use"] = use
    return made


@pytest.mark.promise("G08")
@pytest.mark.promise("G10")
def test_a_task_gets_the_values_and_the_disk_the_references(place: FakeWorkspace) -> None:
    view = RunService(place).start("vaulted.py", {}, run_id="r")

    assert view.status == "completed"
    kept = b"".join(file.read_bytes() for file in (place.root / ".a5c").rglob("*") if file.is_file())
    for value in (TOKEN, API_KEY):
        assert value.encode() not in kept
        assert value.encode().hex(" ").encode() not in kept
    assert b'{"$secret":"file:own.env#TOKEN"}' in kept
    assert b'{"$secret":"team:API_KEY"}' in kept
    assert place.events("r")[-1].output == [TOKEN, API_KEY, f"{TOKEN}\n{API_KEY}"]  # type: ignore[attr-defined]
    assert verify_run(place.store, "r").problems == ()
    assert replay_run(place, "r").same_code


@pytest.mark.promise("G08")
def test_a_source_that_is_away_stops_the_run_before_anything_is_written(place: FakeWorkspace) -> None:
    """What can't be read can't be masked either."""
    (place.root / "own.env").chmod(0o644)

    with pytest.raises(SecretSourceError, match="others may read or write"):
        RunService(place).start("vaulted.py", {}, run_id="r")

    assert list(place.store.run_ids()) == []


def test_a_file_that_was_lost_meanwhile_stops_the_replay(place: FakeWorkspace) -> None:
    RunService(place).start("vaulted.py", {}, run_id="r")
    (place.root / "own.env").unlink()

    with pytest.raises(SecretSourceError, match="No such file") as caught:
        replay_run(place, "r")

    assert "relative to the workspace" in caught.value.hint


def test_what_resolves_and_what_does_not_is_listed_without_a_value(place: FakeWorkspace) -> None:
    whole = declared_secrets(place, "vaulted.py")
    (place.root / "own.env").write_text("TOKEN=short\n")
    (place.root / "team.env").write_text("OTHER=x\n")

    broken = declared_secrets(place, "vaulted.py")

    assert [(view.ref, view.state, view.detail) for view in whole] == [
        ("file:own.env#TOKEN", "resolves", ""),
        ("team:API_KEY", "resolves", ""),
    ]
    assert [(view.ref, view.state) for view in broken] == [
        ("file:own.env#TOKEN", "too short"),
        ("team:API_KEY", "away"),
    ]
    assert "shorter than 8" in broken[0].detail
    assert "has no value here" in broken[1].detail


def test_a_scheme_that_nothing_gives_is_named_with_those_that_are(place: FakeWorkspace) -> None:
    code = (place.root / "vaulted.py").read_text()
    (place.root / "vaulted.py").write_text(code.replace("team:API_KEY", "nobody:API_KEY"))

    views = declared_secrets(place, "vaulted.py")

    assert [view.state for view in views] == ["resolves", "no such source"]
    assert "env, file, keyring, op, team" in views[1].detail
