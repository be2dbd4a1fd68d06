"""The effective profile of a sandbox as data, and its digest, which EFFECT_STARTED and approvals hold.

Two machines with the same runner and the same kind of limits give the same digest:
where Python is installed and where temporary copies stand is left out.
"""

import contextlib
from functools import lru_cache

import msgspec

from babysitter.executors.sandbox.access import GIT_LOCKED
from babysitter.executors.sandbox.system import ETC, SYSTEM
from babysitter.model.effects import Sandbox
from babysitter.model.network import NetworkGrantError, parse_grants
from babysitter.model.values import Json, canonical_json, sha256_hex

PROFILE_FORMAT = 1
EGRESS_FORMAT = 1
"""What the proxy lets through for the same grants: raised when that changes."""


def effective_profile(runner: str, limits: str, sandbox: Sandbox) -> Json:
    """Return what a task with these grants gets, as JSON."""
    profile = {
        "format": PROFILE_FORMAT,
        "runner": runner,
        "limits": limits,
        "system": list(SYSTEM),
        "etc": list(ETC),
        "gitLocked": list(GIT_LOCKED),
        "grants": msgspec.to_builtins(sandbox),
    }
    # Grants that say nothing reach nothing; the runner refuses them by name.
    with contextlib.suppress(NetworkGrantError):
        if hosts := parse_grants(sandbox.network).hosts:
            profile["egress"] = {"proxy": EGRESS_FORMAT, "hosts": [entry.text for entry in hosts]}
    return profile


@lru_cache(maxsize=1024)
def profile_sha256(runner: str, limits: str, sandbox: Sandbox) -> str:
    """Return the SHA-256 of the effective profile's RFC 8785 form."""
    return sha256_hex(canonical_json(effective_profile(runner, limits, sandbox)))
