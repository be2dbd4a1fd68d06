"""The program that asks secretspec: a request on standard input, an answer on standard output.

Run by file name in a Python of its own, so that what the library prints, starts
and waits for can be thrown away and ended with it. Imports nothing of ours.

    {"provider": URI, "baseDir": PATH, "refs": {"S0": {"item": …, "field": …}}}
    {"values": {"S0": …}}  or  {"error": {"kind": …, "message": …}}
"""

import json
import sys
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the values that there are, by the request's keys, or what went wrong."""
    from secretspec import SecretSpec, SecretSpecError  # noqa: PLC0415 (60 MB, and only here)

    secrets = {
        key: {"description": "a declared secret", "required": False, "ref": ref}
        for key, ref in request["refs"].items()
    }
    spec = {
        "project": {"name": "babysitter", "revision": "1.0"},
        "profiles": {"default": {"secrets": secrets}},
    }
    builder = SecretSpec.builder().with_inline_spec(spec, request["baseDir"]).with_profile("default")
    try:
        found = builder.with_provider(request["provider"]).with_reason("a run declares them").load()
    except SecretSpecError as error:
        return {"error": {"kind": error.kind, "message": error.message}}
    return {"values": {key: secret.value for key, secret in found.secrets.items()}}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(json.load(sys.stdin))))
