"""The OpenAPI 3.1 document of the API, made from the same table and types that answer.

Source: OpenAPI Specification 3.1.1; JSON Schema 2020-12, which msgspec writes.
"""

import re
from functools import cache
from typing import Any

import msgspec

from babysitter._version import __version__
from babysitter.server.exchange import ErrorReply
from babysitter.server.routes import Route, Table

_REFERENCE = "#/components/schemas/{name}"
_WHOLE_NUMBERS: dict[str, dict[str, int | str]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 500},
    "after": {"type": "integer", "minimum": 0},
    "offset": {"type": "integer", "minimum": -1},
    "skip": {"type": "integer", "minimum": 0},
    "until": {"type": "integer", "minimum": 1},
}
_ERRORS = {
    "400": "The call or its body is not what is expected.",
    "401": "No credential that counts.",
    "403": "The caller may not, or a rule says no.",
    "404": "There is no such thing that the caller may know of.",
    "405": "Not this method.",
    "409": "Right, but not here or not now.",
    "413": "More than the server takes.",
    "429": "Too often; Retry-After says when again.",
}


def document(table: Table) -> dict[str, Any]:
    """Return the document of the routes below ``/api/``."""
    routes = [route for route in table if route.path.startswith("/api/")]
    kinds = [kind for route in routes for kind in (route.takes, route.gives) if kind is not None]
    schemas, components = msgspec.json.schema_components([*kinds, ErrorReply], ref_template=_REFERENCE)
    schema_of = dict(zip([*map(id, kinds), id(ErrorReply)], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_plain_path(route), {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Babysitter",
            "version": __version__,
            "summary": "Runs of AI-agent workflows that can be proven, and the questions they ask people.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-babysitter"},
            },
        },
    }


def _operation(route: Route, schema_of: dict[int, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if route.streams:
        done["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    elif route.gives is not None:
        done["content"] = {"application/json": {"schema": schema_of[id(route.gives)]}}
    else:
        kind = "object" if route.gives_type == "application/json" else "string"
        done["content"] = {route.gives_type: {"schema": {"type": kind}}}
    error = {"application/json": {"schema": schema_of[id(ErrorReply)]}}
    replies: dict[str, Any] = {str(route.status): done}
    replies |= {status: {"description": words, "content": error} for status, words in _ERRORS.items()}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.name.partition(".")[0]],
        "parameters": _parameters(route),
        "responses": replies,
    }
    if route.action is not None:
        operation["x-action"] = route.action
    if route.open:
        operation["security"] = []
    if route.takes is not None:
        content = {"application/json": {"schema": schema_of[id(route.takes)]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _plain_path(route: Route) -> str:
    """Return a route's path as OpenAPI has it, which knows no converters."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)


def _parameters(route: Route) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", _plain_path(route))
    ]
    in_query = [
        {
            "name": name,
            "in": "query",
            "description": words,
            "schema": _WHOLE_NUMBERS.get(name, {"type": "string"}),
        }
        for name, words in (route.query or {}).items()
    ]
    return in_path + in_query


@cache
def document_bytes(table: Table) -> bytes:
    """Return the document as it is served, the same bytes each time."""
    return msgspec.json.format(msgspec.json.encode(document(table), order="sorted"), indent=1)
