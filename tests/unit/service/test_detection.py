"""Undeclared credentials through whole runs: masked, told, the same on replay, refused when unsure."""

import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.model import events as ev
from babysitter.model.detections import Hit
from babysitter.model.effects import Outcome
from babysitter.model.errors import DetectionError
from babysitter.model.runner import Attempt
from babysitter.model.secret_settings import SecretsTable
from babysitter.service import wiring
from babysitter.service.detecting import MASKING_KEY, masking_key
from babysitter.testing.workspace import SETTINGS, FakeWorkspace
from tests.unit.secrets.detection.tokens import made
from tests.unit.service.processes import HARD_CODED
from tests.unit.service.runs import create, of_type, resume, start, verifies, workspace

TOKEN = made("ghp" + "_{62:30}{crc62}", random.Random(1))


def everything(place: FakeWorkspace) -> bytes:
    return b"".join(place.store.runs["r"].files.values())  # type: ignore[attr-defined]


def prints(text: str, result: Any) -> Any:
    def act(attempt: Attempt, value: object) -> Outcome:
        del value
        for chunk in (text[:10], text[10:]):
            attempt.stdout.write(chunk.encode())
        return Outcome(value=result)

    return act


@pytest.mark.promise("G08")
def test_what_a_task_prints_and_returns_is_masked_and_told() -> None:
    place = workspace()
    place.script["build"] = prints(f"token {TOKEN}\n", {"token": TOKEN, "text": f"see {TOKEN}"})

    view = start(place, "one_after_the_other", ["a"])

    assert view.status == "completed"
    assert TOKEN.encode() not in everything(place)
    told = of_type(place, ev.SecretDetected)
    assert {event.rule for event in told} == {"github-pat"}
    assert [event.where for event in told if event.where.startswith("EFFECT_RESOLVED")] == [
        "EFFECT_RESOLVED 1-build .token",
        "EFFECT_RESOLVED 1-build .text",
    ]
    assert any("stdout" in event.where for event in told)
    assert verifies(place)


def test_the_process_gets_live_what_a_reader_gets() -> None:
    place = workspace()
    place.script["build"] = lambda _attempt, _value: {"token": TOKEN}

    start(place, "one_after_the_other", ["a"])

    resolved = of_type(place, ev.EffectResolved)[0].result
    assert resolved["token"]["$masked"] == "github-pat"
    assert of_type(place, ev.RunCompleted)[0].output == [resolved]


@pytest.mark.parametrize("detects_later", [True, False])
def test_a_run_goes_on_whatever_rules_are_in_force_later(*, detects_later: bool) -> None:
    """The code still holds the credential that the journal has masked; a HMAC says that it is the same."""
    place = workspace()
    view = start(place, "building_with_a_credential", None)
    assert view.status == "waiting", view.error
    assert HARD_CODED.encode() not in everything(place)
    assert len(of_type(place, ev.SecretDetected)) >= 4

    place.place = replace(
        place.place, settings=replace(SETTINGS, secrets=SecretsTable(recognise=False, detect=detects_later))
    )

    assert resume(place).status == "waiting"
    assert verifies(place)


def test_inputs_are_masked_and_told_in_the_second_line() -> None:
    place = workspace()
    create(place, "one_after_the_other", [TOKEN])

    assert TOKEN.encode() not in everything(place)
    assert place.types("r")[:2] == ["RUN_CREATED", "SECRET_DETECTED"]
    assert of_type(place, ev.SecretDetected)[0].where == "inputs.json [0]"


def test_what_is_told_is_what_allows_it() -> None:
    place = workspace()
    create(place, "one_after_the_other", [TOKEN])
    fingerprint = of_type(place, ev.SecretDetected)[0].fingerprint
    allowing = replace(SETTINGS, secrets=SecretsTable(recognise=False, allow=(fingerprint,)))
    other = workspace(settings=allowing)

    create(other, "one_after_the_other", [TOKEN])

    assert other.types("r") == ["RUN_CREATED"]


class Broken:
    """A search that fails."""

    def may_hold(self, text: bytes) -> bool:
        raise DetectionError(f"the engine failed on {len(text)} bytes.")

    def find(self, text: bytes, path: str = "") -> list[Hit]:
        raise DetectionError(f"the engine failed on {len(text)} bytes of {path}.")


def test_a_run_whose_data_nobody_could_search_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "credential_search", lambda _place: Broken())
    place = workspace()

    with pytest.raises(DetectionError, match="the engine failed"):
        create(place, "one_after_the_other", ["a"])

    assert place.store.run_ids() == []


def test_the_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    key = masking_key(tmp_path / "keys")

    assert masking_key(tmp_path / "keys") == key
    assert len(key) == 32
    assert (tmp_path / "keys" / MASKING_KEY).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "keys").iterdir()] == [MASKING_KEY]


def test_a_key_that_others_can_read_or_that_is_cut_is_no_key(tmp_path: Path) -> None:
    masking_key(tmp_path)
    (tmp_path / MASKING_KEY).chmod(0o644)
    with pytest.raises(DetectionError, match="others may read it"):
        masking_key(tmp_path)

    (tmp_path / MASKING_KEY).chmod(0o600)
    (tmp_path / MASKING_KEY).write_bytes(b"short")
    with pytest.raises(DetectionError, match="5 bytes"):
        masking_key(tmp_path)


def test_a_process_whose_input_was_masked_is_told_so() -> None:
    place = workspace()

    view = start(place, "building", TOKEN)

    assert view.status == "failed"
    assert "masked" in str(view.error)
    assert TOKEN not in str(view.error)
