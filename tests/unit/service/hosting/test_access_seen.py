"""The access log for auditors: what is wanted, newest first, and never past a line that does not chain."""

from pathlib import Path

import pytest

from babysitter.model.errors import UsageError
from babysitter.service.hosting.access_seen import AccessWanted, access_seen
from tests.unit.server.served import Server


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """Return a server that five requests were made of."""
    served = Server(tmp_path)
    for token, path in (
        ("viewer", "/api/v1/runs"),
        ("nobody", "/api/v1/runs"),
        ("viewer", "/audit"),
        ("auditor", "/audit"),
        ("viewer", "/runs"),
    ):
        served.client(token).get(path)
    return served


@pytest.mark.promise("G21")
def test_requests_are_found_by_who_and_by_refusal(server: Server) -> None:
    viewer = access_seen(server.place, AccessWanted(who="viewer@example.com"))
    denied = access_seen(server.place, AccessWanted(denied=True))

    assert [each.path for each in viewer.requests] == ["/runs", "/audit", "/api/v1/runs"]
    assert [(each.who, each.refused) for each in denied.requests] == [
        ("viewer@example.com", "refused.role"),
        ("", "refused.credential"),
    ]
    assert access_seen(server.place, AccessWanted(since="9999")).total == 0


def test_pages_follow_each_other_without_a_gap(server: Server) -> None:
    first = access_seen(server.place, AccessWanted(limit=2))
    assert first.older is not None
    second = access_seen(server.place, AccessWanted(limit=2, skip=first.older))
    every = access_seen(server.place, AccessWanted())

    assert first.requests + second.requests == every.requests[:4]
    assert (every.total, every.older) == (5, None)


@pytest.mark.promise("G21")
def test_a_log_that_was_changed_is_said_so(server: Server) -> None:
    path = server.folder / ".a5c" / "server" / "access.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"status":401', b'"status":200'))

    found = access_seen(server.place, AccessWanted())

    assert found.problem
    assert found.total < 5


def test_more_than_a_page_is_not_given(server: Server) -> None:
    for wanted in (AccessWanted(limit=0), AccessWanted(limit=501), AccessWanted(skip=-1)):
        with pytest.raises(UsageError):
            access_seen(server.place, wanted)
