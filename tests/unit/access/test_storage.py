"""The database and its key: private, whole or refused, for several processes, without any clear secret."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.access.database import Database
from babysitter.model.errors import AccessStoreError, CredentialError
from babysitter.service.ports import SystemDice
from tests.unit.access.building import ALICE, BOB, House, build, everything_in

pytestmark = pytest.mark.promise("G19")
ACTS = st.lists(st.sampled_from(["token", "invite", "join", "sign in", "use", "out", "remove"]), max_size=8)


@given(acts=ACTS)
@settings(max_examples=25)
def test_no_clear_token_cookie_or_code_is_ever_in_a_byte_of_the_folder(acts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        house = build(Path(name))
        secrets = act(house, ["token", "join", "sign in", *acts])

        kept = everything_in(house.folder)
        house.entrance.storage.database.close()
        kept += everything_in(house.folder)

    assert len(secrets) >= 3
    for secret in secrets:
        assert secret.rpartition("_")[2].encode() not in kept
        assert secret.rpartition("_")[2][:20].encode() not in kept


def act(house: House, acts: list[str]) -> list[str]:
    """Do these things one after another; return every secret that was told."""
    told = [house.token()]
    device = house.passkey_of(ALICE, b"first")
    for number, what in enumerate(acts):
        match what:
            case "token":
                told.append(house.token(kind="human", person=BOB))
            case "invite":
                told.append(house.entrance.passkeys.invite(BOB, by=ALICE, may_sign=False)[1])
            case "join":
                device = house.passkey_of(ALICE, b"%d" % number)
            case "sign in":
                told.append(house.cookie_of(device, replacing=told[-1]))
            case "use":
                house.entrance.by_token(told[0])
            case "out":
                house.entrance.sessions.end(told[-1])
            case _:
                told.append(house.entrance.passkeys.invite(BOB, by=ALICE, may_sign=False)[1])
                house.entrance.passkeys.remove(BOB, by=ALICE)
    return told


def test_folder_and_files_are_their_owner_s_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        house = build(tmp_path)
        house.token()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in house.folder.iterdir()}
        folder = stat.S_IMODE(house.folder.stat().st_mode)
    finally:
        os.umask(before)

    assert folder == 0o700
    assert {"access.db", "access.db-wal", "access.db-shm", "key"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_rights_that_somebody_gave_away_are_taken_back(house: House) -> None:
    token = house.token()
    house.entrance.storage.database.close()
    house.folder.chmod(0o755)
    (house.folder / "access.db").chmod(0o644)

    house.again().entrance.by_token(token)

    assert stat.S_IMODE(house.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((house.folder / "access.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("offset", [0, 100, 4096, 8192])
def test_a_damaged_database_lets_nobody_in_and_is_told_as_such(house: House, offset: int) -> None:
    token = house.token()
    house.entrance.storage.database.close()
    path = house.folder / "access.db"
    data = bytearray(path.read_bytes())
    data[offset : offset + 600] = b"\xa5" * 600
    path.write_bytes(data)

    with pytest.raises(AccessStoreError) as refused:
        house.again().entrance.by_token(token)
    assert refused.value.code == "store.access"
    assert "access.db" in refused.value.message
    assert refused.value.hint


def test_damage_to_a_part_that_nobody_asks_for_lets_nobody_in_either(house: House) -> None:
    token = house.token()
    with house.entrance.storage.database.reading() as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'invitations'").fetchone()[
            0
        ]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    house.entrance.storage.database.close()
    path = house.folder / "access.db"
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(data)

    with pytest.raises(AccessStoreError, match="damaged"):
        house.again().entrance.by_token(token)


def test_a_database_that_is_damaged_under_a_running_server_lets_nobody_in(house: House) -> None:
    tokens = [house.token(name=f"t{number}") for number in range(200)]
    house.entrance.storage.database.close()
    house.entrance.by_token(tokens[0])
    with sqlite3.connect(house.folder / "access.db") as other:
        other.execute("DROP TABLE tokens")
    other.close()

    with pytest.raises(AccessStoreError):
        house.entrance.by_token(tokens[0])


@pytest.mark.parametrize("pragma", ["user_version = 3", "application_id = 7"])
def test_a_database_of_a_newer_version_or_of_another_program_is_left_alone(house: House, pragma: str) -> None:
    token = house.token()
    house.entrance.storage.database.close()
    with sqlite3.connect(house.folder / "access.db") as other:
        other.execute(f"PRAGMA {pragma}")
    other.close()

    with pytest.raises(AccessStoreError, match="another program, or of a newer version"):
        house.again().entrance.by_token(token)


def test_a_database_in_whose_place_another_is_put_is_seen_at_the_next_use(house: House) -> None:
    token = house.token()
    house.entrance.by_token(token)
    for path in house.folder.glob("access.db*"):
        path.unlink()

    with pytest.raises(CredentialError):
        house.entrance.by_token(token)


def test_a_symlink_is_no_database(house: House, tmp_path: Path) -> None:
    house.folder.mkdir(parents=True)
    (house.folder / "access.db").symlink_to(tmp_path / "elsewhere.db")

    with pytest.raises(AccessStoreError):
        house.token()
    assert not (tmp_path / "elsewhere.db").exists()


def test_without_its_key_a_database_lets_nobody_in_and_gets_no_new_key(house: House) -> None:
    token = house.token()
    house.entrance.storage.database.close()
    (house.folder / "key").unlink()

    with pytest.raises(AccessStoreError, match="gone"):
        house.again().entrance.by_token(token)
    assert not (house.folder / "key").exists()


def test_another_key_is_told_as_such(house: House) -> None:
    token = house.token()
    house.entrance.storage.database.close()
    (house.folder / "key").write_bytes(bytes(32))

    with pytest.raises(AccessStoreError, match=r"not the key of access\.db"):
        house.again().entrance.by_token(token)


@pytest.mark.parametrize(("content", "mode"), [(b"k" * 32, 0o640), (b"k" * 31, 0o600), (b"k" * 33, 0o600)])
def test_a_key_that_others_may_read_or_of_another_length_is_refused(
    house: House, content: bytes, mode: int
) -> None:
    house.folder.mkdir(parents=True)
    (house.folder / "key").write_bytes(content)
    (house.folder / "key").chmod(mode)

    with pytest.raises(AccessStoreError, match="key"):
        house.token()


def test_the_digest_alone_makes_no_token(house: House) -> None:
    """Whoever copies the database and not the key can't find out a token, nor put one in."""
    token = house.token()
    with house.entrance.storage.database.reading() as connection:
        kept = connection.execute("SELECT digest FROM tokens").fetchone()[0]

    other = build_other_key(house, kept, token)

    with pytest.raises(CredentialError):
        other.entrance.by_token(token)


def build_other_key(house: House, digest: bytes, token: str) -> House:
    """Return a house with a key of its own, whose database says the same of the token."""
    with tempfile.TemporaryDirectory() as name:
        other = build(Path(name), clock=house.clock)
        other.token()
        with other.entrance.storage.database.writing() as connection:
            connection.execute("UPDATE tokens SET digest = ?, id = ?", (digest, token.split("_")[1]))
        kept = other.folder.rename(house.workspace.root / "other-server")
    moved = house.workspace.root / "moved"
    (moved / ".a5c").mkdir(parents=True)
    kept.rename(moved / ".a5c" / "server")
    return build(moved, clock=house.clock)


def test_many_who_come_first_at_once_make_one_key(tmp_path: Path) -> None:
    databases = [Database(tmp_path / "server", SystemDice()) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda each: each.key.digest("same"), databases))

    assert len(digests) == 1


def test_threads_take_turns_and_lose_nothing(house: House) -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda number: house.token(name=f"t{number}"), range(64)))
        callers = set(pool.map(lambda text: house.entrance.by_token(text).name, texts))

    assert callers == {f"t{number}" for number in range(64)}


def test_a_token_that_another_process_revokes_counts_no_more_here(house: House) -> None:
    token = house.token()
    house.entrance.by_token(token)
    script = (
        "from babysitter.cli.root import run; import sys;"
        f"sys.exit(run(['token', 'revoke', {token.split('_')[1]!r}]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=house.workspace.root, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    with pytest.raises(CredentialError):
        house.entrance.by_token(token)


def test_the_key_is_in_no_text_about_it(house: House) -> None:
    key = (house.entrance.storage.database.key, (house.folder / "key").read_bytes())

    assert key[1].hex() not in repr(key[0])
    assert repr(key[1]) not in repr(key[0])
