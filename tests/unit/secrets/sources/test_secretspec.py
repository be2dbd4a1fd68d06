"""secretspec in a process of its own: what it is asked, what it is kept from, and what its errors may say."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.model.errors import ProgramTimeoutError, SecretSourceError
from babysitter.model.runner import Called
from babysitter.secrets.sources.secretspec import OnePasswordSource, SecretspecSource, Surroundings
from babysitter.testing.programs import Call, FakePrograms, answered


def answering(answer: object = None) -> FakePrograms:
    """Return programs that write this as JSON, or these bytes, or raise it."""

    def say(_call: Call) -> Called:
        if isinstance(answer, Exception):
            raise answer
        return answered(answer if isinstance(answer, bytes) else json.dumps(answer))

    return FakePrograms(say)


def around(
    programs: object, base: Path = Path("/w"), environ: Mapping[str, str] | None = None
) -> Surroundings:
    return Surroundings(programs=programs, base=base, environ=environ or {})  # type: ignore[arg-type]


def test_one_call_asks_for_all_that_a_vault_holds() -> None:
    programs = answering({"values": {"S0": "value-of-a", "S1": ""}})

    found = OnePasswordSource(around(programs)).get_many(
        ["//Infra/db/password", "//Infra/My Item/login/user"]
    )

    assert found == {"//Infra/db/password": "value-of-a"}
    (call,) = programs.calls
    request = json.loads(call.stdin)
    assert request["provider"] == "onepassword://Infra"
    assert request["refs"] == {
        "S0": {"vault": "Infra", "item": "db", "field": "password"},
        "S1": {"vault": "Infra", "item": "My Item", "field": "user", "section": "login"},
    }


def test_what_stands_behind_the_last_hash_is_the_field() -> None:
    programs = answering({"values": {}})

    SecretspecSource("v", "vault://h/secret", around(programs)).get_many(["app/a#b#password", "whole"])

    assert json.loads(programs.calls[0].stdin)["refs"] == {
        "S0": {"item": "app/a#b", "field": "password"},
        "S1": {"item": "whole"},
    }


@pytest.mark.parametrize(
    "name", ["Infra/db/password", "//Infra/db", "//a/b/c/d/e", "//Infra//password", "//"]
)
def test_what_is_no_reference_of_1password_is_told_how_to_write_it(name: str) -> None:
    with pytest.raises(SecretSourceError, match="no reference of 1Password") as caught:
        OnePasswordSource(around(answering())).get(name)

    assert "op://vault/item/field" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            {
                "error": {
                    "kind": "k",
                    "message": "line 'A=hunter2hunter2' is odd\nand more\n\nAnd a page of help",
                }
            },
            "line '…' is odd and more",
        ),
        ({"error": {"kind": "k", "message": "Provider operation failed: No."}}, "secretspec says: No."),
        ({"error": {"kind": "k", "message": "x" * 9000}}, "secretspec says: xxx"),
        (b"hunter2hunter2", "ended with status 0"),
        ({"values": 1}, "ended with status 0"),
        (ProgramTimeoutError("slow", hint=""), "no answer within 20 seconds"),
    ],
)
def test_what_goes_wrong_names_the_reference_and_quotes_nothing(answer: object, says: str) -> None:
    source = SecretspecSource("team", "age://x", around(answering(answer)))

    with pytest.raises(SecretSourceError) as caught:
        source.get("API_KEY")

    assert caught.value.message.startswith("team:API_KEY can't be read: ")
    assert says in caught.value.message
    assert "hunter2" not in str(caught.value)
    assert len(caught.value.message) < 400
    assert caught.value.hint


def test_its_own_settings_are_out_of_its_sight_and_those_of_others_are_not(tmp_path: Path) -> None:
    """A line of ``[audit]`` there would have it keep the names of our secrets."""
    own = tmp_path / "config"
    (own / "secretspec").mkdir(parents=True)
    (own / "op").mkdir()
    log = tmp_path / "names.log"
    (own / "secretspec" / "config.toml").write_text(f'[audit]\npath = "{log}"\n')
    env_file = tmp_path / "team.env"
    env_file.write_text("API_KEY=Kq7wRz9xLmP2vJd8\n")
    surroundings = Surroundings(
        programs=LocalPrograms(), base=tmp_path, environ={**os.environ, "XDG_CONFIG_HOME": str(own)}
    )

    value = SecretspecSource("team", "dotenv:team.env", surroundings).get("API_KEY")

    assert value == "Kq7wRz9xLmP2vJd8"
    assert not log.exists()


def test_other_programs_find_their_settings(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def look(call: Call) -> Called:
        folder = Path(call.env["XDG_CONFIG_HOME"])
        seen.append(sorted(f"{path.name} {path.is_symlink()}" for path in folder.iterdir()))
        assert not (folder / "secretspec" / "own").exists()
        return answered('{"values":{}}')

    (tmp_path / ".config" / "op").mkdir(parents=True)
    (tmp_path / ".config" / "secretspec").mkdir()
    (tmp_path / ".config" / "secretspec" / "own").touch()

    SecretspecSource("v", "keyring://", around(FakePrograms(look), environ={"HOME": str(tmp_path)})).get("x")

    assert seen == [["op True", "secretspec False"]]


def test_a_keyring_that_is_not_there_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library for real: no secret service can be reached."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    surroundings = Surroundings(programs=LocalPrograms(), base=tmp_path, environ=os.environ)

    with pytest.raises(SecretSourceError, match="keyring:service#me can't be read: secretspec says: Keyring"):
        SecretspecSource("keyring", "keyring://", surroundings).get("service#me")
