"""Keys that several people add and revoke in the same moment: none is lost."""

import os
from pathlib import Path

import pytest

from babysitter.model.errors import RefusedError
from babysitter.service import people
from babysitter.service.people import People
from babysitter.service.wiring import open_workspace
from babysitter.stores.disk import RealDisk
from tests.unit.service.signing import ALICE, BOB, KEYS


def test_who_adds_or_revokes_a_key_waits_for_whoever_does_it_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two read the file at once, each wrote what it had read and its own line: one line was lost."""
    monkeypatch.setattr(people, "LOCK_TRIES", 2)
    desk = People(open_workspace(tmp_path))
    desk.add_line(ALICE, KEYS[ALICE].line)
    before = desk.path.read_bytes()
    fd = RealDisk().open_directory(str(tmp_path))
    try:
        assert RealDisk().try_lock(fd, shared=False)
        with pytest.raises(RefusedError, match="another process holds"):
            desk.add_line(BOB, KEYS[BOB].line)
        with pytest.raises(RefusedError, match="another process holds"):
            desk.revoke(desk.keys()[0].fingerprint)
        assert desk.path.read_bytes() == before
    finally:
        os.close(fd)

    desk.add_line(BOB, KEYS[BOB].line)
    desk.revoke(desk.keys()[0].fingerprint)

    found = desk.keys()
    assert [key.state for key in found] == ["revoked", "valid"]
