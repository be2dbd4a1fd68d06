"""Every route, as everybody: what the table of roles says is what happens, and nothing else."""

import dataclasses
import re
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest
from msgspec import Struct

from babysitter.access.roles import ACTIONS, PEOPLE_ONLY, ROLES, Role
from babysitter.server.routes import Route
from babysitter.server.table import TABLE
from babysitter.service.reading import read_state
from babysitter.service.runs import RunService
from tests.unit.server.served import Server

GUARDED = [route for route in TABLE if not route.open and not route.streams]
STREAMS = [route for route in TABLE if route.streams]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Return a server with a run that waits for an answer, in both workspaces."""
    served = Server(tmp_path_factory.mktemp("server"))
    for place in (served.place, served.other):
        RunService(place).start("processes.py#asking", None, run_id="r")
    for hosted in served.hosting.all.values():
        hosted.catalogue.look()
    return served


def example(kind: Any) -> Any:
    """Return a value of the type that a body is read as, with as little in it as may be."""
    if not (isinstance(kind, type) and issubclass(kind, Struct)):
        return {}
    values: dict[type, Any] = {str: "x", int: 1, bool: False}
    found = {}
    for field in msgspec.structs.fields(kind):
        if field.required:
            said = get_args(field.type) if get_origin(field.type) is Literal else ()
            found[field.encode_name] = said[0] if said else values.get(field.type, [])
    return found


def visit(server: Server, route: Route, token: str) -> tuple[int, str]:
    """Return the status and the error's code of one visit."""
    asked = next(iter(read_state(server.place.store, "r").breakpoints), "1-breakpoint")
    names = {"run": "r", "breakpoint": asked, "effect": "1", "stream": "stdout", "digest": "x", "name": "x"}
    names["id:path"] = "run:r"
    path = re.sub(r"{(.*?)}", lambda found: names.get(found[1], "x"), route.path)
    body = {"json": example(route.takes)} if route.method != "GET" else {}
    reply = server.client(token).request(route.method, path, **body)
    code = ""
    if reply.headers["content-type"].startswith("application/json") and reply.status_code >= 400:
        code = reply.json()["error"]["code"]
    return reply.status_code, code


@pytest.mark.promise("G19")
@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
def test_nothing_is_done_for_nobody(server: Server, route: Route) -> None:
    for token in ("", "unknown", "agent " * 3):
        assert visit(server, route, token) == (401, "refused.credential")


@pytest.mark.promise("G19")
@pytest.mark.promise("G25")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
def test_each_role_may_what_its_row_says_and_nothing_else(server: Server, route: Route, role: Role) -> None:
    status, code = visit(server, route, role)

    may = route.action is None or role in ACTIONS[route.action]
    if role == "agent" and route.action in PEOPLE_ONLY:
        may = False
    assert (code == "refused.role") == (not may), (status, code)
    # The fake door's tokens are not the entrance's, which ends them.
    assert status != 401 or route.name == "login.end"
    assert status < 500


@pytest.mark.promise("G19")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
def test_who_holds_a_role_elsewhere_is_nobody_here(server: Server, route: Route, role: Role) -> None:
    before = server.place.store.read_journal("r")
    here = dataclasses.replace(route, path=f"{route.path}?workspace=here")

    status, code = visit(server, here, f"{role}-elsewhere")

    if route.query and "workspace" in route.query:
        assert (status, code) == (404, "usage.not_found")
    assert server.place.store.read_journal("r") == before


@pytest.mark.parametrize("route", STREAMS, ids=lambda route: route.name)
def test_streams_ask_for_a_credential_too(server: Server, route: Route) -> None:
    assert visit(server, route, "") == (401, "refused.credential")
    assert visit(server, route, "unknown") == (401, "refused.credential")


@pytest.mark.promise("G19")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", STREAMS, ids=lambda route: route.name)
def test_streams_of_a_workspace_are_not_there_for_who_holds_a_role_elsewhere(
    server: Server, route: Route, role: Role
) -> None:
    here = dataclasses.replace(route, path=f"{route.path}?workspace=here")

    assert visit(server, here, f"{role}-elsewhere") == (404, "usage.not_found")


@pytest.mark.promise("G19")
@pytest.mark.parametrize("role", ROLES)
def test_a_body_that_names_a_workspace_opens_none(server: Server, role: Role) -> None:
    wanted = {"entry": "processes.py#asking", "workspace": "here"}

    reply = server.client(f"{role}-elsewhere").post("/api/v1/runs", json=wanted)

    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "usage.not_found")


def test_what_is_revoked_counts_no_more_at_once(server: Server) -> None:
    client = server.client("viewer")
    assert client.get("/api/v1/runs").status_code == 200

    taken = server.door.callers.pop("viewer")
    try:
        assert client.get("/api/v1/runs").status_code == 401
    finally:
        server.door.callers["viewer"] = taken


def test_every_action_that_a_route_asks_for_has_its_row() -> None:
    assert {route.action for route in TABLE} - {None} <= set(ACTIONS)


def test_only_what_must_be_is_open_to_all() -> None:
    assert {route.name for route in TABLE if route.open} == {
        "login.challenge",
        "login.finish",
        "system.health",
        "system.openapi",
        "system.ready",
        "page.home",
        "page.static",
        "page.sign_in",
        "sign_in.begin",
        "sign_in.finish",
        "sign_in.oidc.begin",
        "sign_in.oidc",
        "page.join",
        "join.begin",
        "join.finish",
        "sign_out",
    }
