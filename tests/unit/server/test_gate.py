"""The gate: who is not heard at all, and what every reply carries."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from babysitter.access.access_log import TEXT_MAX
from babysitter.access.credentials import make_credential
from babysitter.access.entrance import Entrance
from babysitter.access.roles import Role
from babysitter.access.server_key import ServerKey
from babysitter.access.sessions import Opening, Session
from babysitter.model.errors import CredentialError, SettingsError
from babysitter.model.lines import Chain
from babysitter.server import app
from babysitter.server.headers import ground_of
from babysitter.server.refused import BODY_BYTES_MAX
from babysitter.service.ports import SystemDice
from tests.unit.server.served import ORIGIN, Server, caller, ground


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.promise("G22")
@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost:3186", "localhost", "127.0.0.1.evil.example:3185", "", "a:b:c", "[::1"],
)
def test_a_name_that_was_rebound_to_us_is_not_ours(server: Server, host: str) -> None:
    reply = server.client("viewer").get("/api/v1/runs", headers={"host": host})

    assert reply.status_code == 421
    assert reply.json()["error"]["code"] == "refused.host"


@pytest.mark.promise("G22")
@pytest.mark.parametrize("host", ["localhost:3185", "127.0.0.1:3185", "[::1]:3185", "LOCALHOST:3185"])
def test_the_names_of_this_machine_are_ours(server: Server, host: str) -> None:
    assert server.client("viewer").get("/api/v1/runs", headers={"host": host}).status_code == 200


@pytest.mark.promise("G18")
def test_only_the_networks_of_the_settings_are_let_in(tmp_path: Path) -> None:
    server = Server(tmp_path, ground=ground(networks=("10.0.0.0/8", "192.0.2.7")))

    seen = {
        address: server.client("viewer", address=address).get("/api/v1/runs").status_code
        for address in (
            "10.1.2.3",
            "192.0.2.7",
            "::ffff:10.9.9.9",
            "192.0.2.8",
            "127.0.0.1",
            "::1",
            "nonsense",
        )
    }

    assert [address for address, status in seen.items() if status == 200] == [
        "10.1.2.3",
        "192.0.2.7",
        "::ffff:10.9.9.9",
    ]


@pytest.mark.promise("G18")
@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, <script>", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),
    ],
)
def test_only_a_named_proxy_is_believed_about_addresses(peer: str, forwarded: str, caller: str) -> None:
    assert ground(proxies=("10.0.0.0/8",)).caller_address(peer, forwarded) == caller


@pytest.mark.promise("G18")
def test_two_proxies_that_each_add_a_line_hide_nobody(tmp_path: Path) -> None:
    """Several lines of one name are one list: of the last alone, everybody would be the inner proxy."""
    stands = ground(proxies=("10.0.0.0/8",), networks=("10.0.0.0/8",))
    server = Server(tmp_path, ground=stands)
    forwarded = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "10.0.0.2")]

    reply = server.client("viewer", address="10.0.0.1").get("/api/v1/runs", headers=forwarded)

    assert reply.status_code == 403
    [line] = [json.loads(record.data) for record in Chain().read(server.access_lines())]
    assert line["address"] == "203.0.113.9"


@pytest.mark.promise("G20")
def test_who_comes_around_the_proxy_that_ends_tls_is_not_heard(tmp_path: Path) -> None:
    """Their token would go over the wire in the clear, and whoever listens there would have it."""
    stands = ground_of(
        host="10.0.0.7",
        port=3185,
        public_url="https://ok.example.com",
        networks=(),
        proxies=("10.0.0.1",),
        has_tls=False,
    )
    server = Server(tmp_path, ground=stands)
    ours = {"host": "ok.example.com"}

    seen = {
        address: server.client("viewer", address=address).get("/api/v1/runs", headers=ours).status_code
        for address in ("10.0.0.1", "127.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "192.0.2.8", "nonsense")
    }

    assert [address for address, status in seen.items() if status == 200] == [
        "10.0.0.1",
        "127.0.0.1",
        "::ffff:10.0.0.1",
    ]


@pytest.mark.promise("G22")
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "null", "sec-fetch-site": "none"},
        {"origin": "http://localhost:3186"},
        {"origin": "https://localhost:3185"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {},
    ],
)
def test_another_sites_page_changes_nothing(server: Server, headers: dict[str, str]) -> None:
    """A session's cookie goes with what a browser sends, whoever's page made it send that."""
    reply = server.client(cookie="operator").post("/api/v1/runs/r/cancel", json={}, headers=headers)

    assert reply.status_code == 403
    assert reply.json()["error"]["code"] == "refused.cross_site"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": ORIGIN},
        {"sec-fetch-site": "same-origin"},
        # A form of a page that sends no referrer.
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ],
)
def test_our_own_page_may(server: Server, headers: dict[str, str]) -> None:
    reply = server.client(cookie="operator").post("/api/v1/runs/r/cancel", json={}, headers=headers)

    assert reply.json()["error"]["code"] == "usage.not_found"


def test_a_program_with_a_token_sends_no_origin_and_may(server: Server) -> None:
    reply = server.client("operator").post("/api/v1/runs/r/cancel", json={})

    assert reply.json()["error"]["code"] == "usage.not_found"


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/api/v1/runs", "*/*"), ("/inbox", "text/html"), ("/nothing", "text/html"), ("/api/v1/health", "*/*")],
)
@pytest.mark.parametrize("token", ["", "viewer"])
def test_every_reply_says_that_nothing_foreign_runs_in_it(
    server: Server, path: str, accept: str, token: str
) -> None:
    headers = server.client(token).get(path, headers={"accept": accept}).headers

    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.promise("G20")
def test_where_there_is_tls_browsers_are_told_to_keep_to_it(tmp_path: Path) -> None:
    plain, secure = Server(tmp_path / "a"), Server(tmp_path / "b", ground=ground(has_tls=True))

    assert "strict-transport-security" not in plain.client().get("/api/v1/health").headers
    assert "max-age=" in secure.client().get("/api/v1/health").headers["strict-transport-security"]


@pytest.mark.parametrize("path", ["/inbox", "/runs", "/audit", "/nothing", "/runs/r"])
def test_who_holds_no_role_any_more_is_told_so_on_a_page(server: Server, path: str) -> None:
    """The page that says what went wrong must not ask for what went wrong."""
    server.door.callers["viewer"] = replace(server.door.callers["viewer"], roles={})

    reply = server.client("viewer").get(path, headers={"accept": "text/html"})

    assert reply.status_code == 404
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert "Nothing here" in reply.text


def test_a_defect_outside_of_every_use_case_is_answered_by_the_gate_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "told", broken)

    reply = server.client("viewer").get("/nothing")

    assert reply.status_code == 500
    assert reply.json()["error"]["code"] == "defect"
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert json.loads(server.access_lines().splitlines()[-1])["data"]["status"] == 500


def test_a_body_that_is_too_large_is_not_read(server: Server) -> None:
    large = b"x" * (BODY_BYTES_MAX + 1)
    json_type = {"content-type": "application/json"}

    def in_pieces() -> object:
        yield from (large[:100_000] for _ in range(12))

    whole = server.client("operator").post("/api/v1/runs", content=large, headers=json_type)
    pieces = server.client("operator").post("/api/v1/runs", content=in_pieces(), headers=json_type)  # type: ignore[arg-type]

    assert (whole.status_code, pieces.status_code) == (413, 413)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"entry":1}', "application/json"),
        (b'{"entry":"x","surprise":1}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"entry":"x"}', "text/plain"),
        (b"entry=x", "application/x-www-form-urlencoded"),
        (b"", "application/json"),
    ],
)
def test_a_body_that_is_not_what_is_expected_is_said_so(server: Server, body: bytes, kind: str) -> None:
    reply = server.client("operator").post("/api/v1/runs", content=body, headers={"content-type": kind})

    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "usage"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "limit=501", "cursor=x", "limit=9999999999999999999999", "limit=-1", "limit=1e3"],
)
def test_a_query_that_is_not_what_is_expected_is_said_so(server: Server, query: str) -> None:
    assert server.client("viewer").get(f"/api/v1/runs?{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["after=x", "after=-5", "limit=0", "after=99999999999999999999", "after=%D9%A1"]
)
def test_a_cursor_that_is_none_is_said_so(server: Server, query: str) -> None:
    assert server.client("viewer").get(f"/api/v1/runs/r/events?{query}").status_code in {400, 404}


@pytest.mark.promise("G19")
def test_an_address_that_guesses_is_soon_not_listened_to(tmp_path: Path) -> None:
    server = Server(tmp_path, failures=5)

    guesses = [server.client(f"guess-{number}").get("/api/v1/runs").status_code for number in range(8)]

    assert guesses[:5] == [401] * 5
    assert set(guesses[5:]) == {429}
    assert server.client("viewer").get("/api/v1/runs").status_code == 200
    assert server.client("guess", address="192.0.2.1").get("/api/v1/runs").status_code == 401


@pytest.mark.promise("G19")
def test_who_has_a_network_of_addresses_guesses_no_more_often(tmp_path: Path) -> None:
    """Everybody who has one address of IPv6 has 2**64 of them."""
    server = Server(tmp_path, failures=5)

    guesses = [
        server.client(f"guess-{number}", address=f"2001:db8::{number:x}").get("/api/v1/runs").status_code
        for number in range(8)
    ]

    assert set(guesses[5:]) == {429}
    assert server.client("guess", address="2001:db8:0:1::1").get("/api/v1/runs").status_code == 401


def test_one_caller_may_not_take_the_whole_server(tmp_path: Path) -> None:
    server = Server(tmp_path, per_minute=3)

    statuses = [server.client("viewer").get("/api/v1/runs").status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
    assert server.client("auditor").get("/api/v1/runs").status_code == 200


@pytest.mark.promise("G21")
def test_every_request_is_a_line_that_chains_and_holds_no_secret(server: Server) -> None:
    server.client("viewer").get("/api/v1/runs?text=hidden-in-a-query")
    server.client("hidden-in-a-token").get("/api/v1/runs")
    server.client().get("/nothing/at/all%0A%7B%7D")
    server.client("operator").post("/api/v1/runs", content=b'{"entry":"hidden-in-a-body"}')

    data = server.access_lines()
    lines = [json.loads(record.data) for record in Chain().read(data)]

    assert [(line.get("who", ""), line["status"]) for line in lines] == [
        ("viewer@example.com", 200),
        ("", 401),
        ("", 404),
        ("operator@example.com", 400),
    ]
    assert lines[1]["refused"] == "refused.credential"
    assert lines[0]["address"] == "127.0.0.1"
    assert b"hidden" not in data


@pytest.mark.promise("G21")
@pytest.mark.parametrize("before", range(TEXT_MAX - 64, TEXT_MAX, 9))
def test_no_part_of_a_token_that_somebody_put_into_a_path_is_kept(server: Server, before: int) -> None:
    """Wherever the path is cut: what is left of a token is no token any more, and still most of a secret."""
    token = token_of_ours()
    path = "/" + "a" * before + "/"

    server.client("viewer").get(path + token)

    assert token[20:30].encode() not in server.access_lines()


def token_of_ours() -> str:
    return make_credential("bst", ServerKey(bytes(32)), SystemDice()).text


@given(path=st.text(max_size=80), method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]))
def test_whatever_is_asked_for_is_answered_without_a_defect(
    tmp_path_factory: pytest.TempPathFactory, path: str, method: str
) -> None:
    server = _only_server(tmp_path_factory)
    reply = server.client("admin").request(method, "/" + quote(path.lstrip("/"), safe="/?&=%.:"))

    assert reply.status_code < 500


_SERVERS: list[Server] = []


def _only_server(factory: pytest.TempPathFactory) -> Server:
    if not _SERVERS:
        _SERVERS.append(Server(factory.mktemp("gate")))
    return _SERVERS[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"public_url": "ftp://example.com"},
        {"public_url": "http://example.com"},
        {"public_url": "https://"},
        {"public_url": "https://example.com/below"},
        {"networks": ("10.0.0.1/8",)},
        {"networks": ("everybody",)},
        {"proxies": ("proxy.example.com",)},
    ],
)
def test_settings_that_say_nothing_safe_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        ground(**settings)


def test_a_public_url_is_one_of_our_names() -> None:
    stands = ground_of(
        host="0.0.0.0", port=443, public_url="https://Ok.example.com", networks=(), proxies=(), has_tls=True
    )

    assert stands.is_ours("ok.example.com")
    assert not stands.is_ours("localhost:443")
    assert "https://ok.example.com" in stands.origins


@pytest.mark.promise("G22")
@pytest.mark.parametrize("public_url", ["", "https://10.0.0.5:443", "https://10.0.0.5"])
def test_at_the_usual_port_browsers_leave_it_out(public_url: str) -> None:
    stands = ground_of(
        host="10.0.0.5", port=443, public_url=public_url, networks=(), proxies=(), has_tls=True
    )

    assert stands.is_ours("10.0.0.5")
    assert stands.is_ours("10.0.0.5:443")
    assert not stands.is_ours("10.0.0.5:80")
    assert not stands.is_ours("10.0.0.5:")
    assert stands.origins == {"https://10.0.0.5"}


@pytest.mark.promise("G19")
def test_a_session_gets_another_cookie_when_its_persons_roles_have_changed(tmp_path: Path) -> None:
    """With a page that is opened, and not with what it loads beside; the old one is dead."""
    server = Server(tmp_path)
    entrance = server.premises.entrance
    session, cookie = opened_session(entrance)
    server.door.callers[cookie] = caller("viewer")
    opened = {"sec-fetch-mode": "navigate", "accept": "text/html"}

    beside = server.client(cookie=cookie).get("/inbox", headers={"accept": "text/html"})
    first = server.client(cookie=cookie).get("/inbox", headers=opened)

    assert "set-cookie" not in beside.headers
    fresh = first.headers["set-cookie"]
    assert fresh.startswith("__Host-babysitter=")
    assert "HttpOnly; SameSite=Strict" in fresh
    assert cookie not in fresh
    with pytest.raises(CredentialError):
        entrance.sessions.check(cookie)
    assert entrance.sessions.check(fresh.partition("=")[2].partition(";")[0]).person == session.person


def opened_session(entrance: Entrance) -> tuple[Session, str]:
    """Return a session that was opened with other roles than its person has now."""
    roles = {"here": frozenset[Role]({"viewer"})}
    return entrance.sessions.open(
        Opening(person="somebody@example.com", method="passkey", roles=roles, public_key="")
    )
