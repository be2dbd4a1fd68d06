"""The API does what its own document says: schemathesis makes requests of it, good ones and bad ones.

It runs as an operator and as an admin in turn over a run that waits, so most operations find something.
"""

from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from babysitter.server.openapi import document, document_bytes
from babysitter.server.table import TABLE
from babysitter.service.runs import RunService
from tests.unit.server.served import ORIGIN, Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    served = Server(tmp_path_factory.mktemp("openapi"))
    RunService(served.place).start("processes.py#asking", None, run_id="r")
    for hosted in served.hosting.all.values():
        hosted.catalogue.look()
    return served


# Who may is for test_who_may.py, which knows what credentials count; that an entry names no process, or
# that a question is not open, is no matter of a schema.
_NOT_ASKED = [ignored_auth, positive_data_acceptance]
# A stream does not end, so it is no matter for one request and its reply.
SCHEMA = schemathesis.openapi.from_dict(document(tuple(route for route in TABLE if not route.streams)))


@pytest.mark.parametrize("role", ["operator", "approver", "admin"])
def test_every_reply_is_one_that_the_document_has(server: Server, role: str) -> None:
    client = server.client(role)
    for found in SCHEMA.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]

        @settings(max_examples=12, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def holds(case: schemathesis.Case[Any]) -> None:
            wanted = case.as_transport_kwargs(base_url=ORIGIN)
            wanted.pop("cookies", None)
            reply = client.request(**wanted)
            assert reply.status_code < 500, reply.text
            case.validate_response(schemathesis.Response.from_any(reply), excluded_checks=_NOT_ASKED)

        holds()


def test_the_document_is_served_to_all_and_is_the_same_each_time(server: Server) -> None:
    reply = server.client().get("/api/v1/openapi.json")

    assert reply.status_code == 200
    assert reply.content == document_bytes(TABLE)
    assert msgspec.json.decode(reply.content)["openapi"] == "3.1.0"


def test_every_route_of_the_api_is_in_it_with_who_may() -> None:
    paths = document(TABLE)["paths"]

    for route in TABLE:
        if route.path.startswith("/api/"):
            operation = paths[route.path.replace(":path}", "}")][route.method.lower()]
            assert operation["operationId"] == route.name
            assert operation.get("x-action") == route.action
