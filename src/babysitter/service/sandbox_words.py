"""A sandbox in words: what a task sees, writes, reaches and is given, a line each."""

from collections.abc import Mapping

from msgspec import Struct

from babysitter.model.effects import Sandbox
from babysitter.model.network import NetworkGrant, NetworkGrantError, parse_grants
from babysitter.model.values import Json

_ALWAYS = ("PATH", "HOME", "TMPDIR", "LANG")


class Words(Struct, frozen=True, kw_only=True):
    """Each a list of sentences or names, for people."""

    sees: tuple[str, ...]
    writes: tuple[str, ...]
    reaches: tuple[str, ...]
    environment: tuple[str, ...]
    limits: tuple[str, ...]


def words_for(sandbox: Sandbox, profile: Json, environ: Mapping[str, str]) -> Words:
    """Return a sandbox in words.

    Args:
        sandbox: with what the settings grant.
        profile: as the runner that is in use here gives it.
        environ: of this process, to tell which names are set.
    """
    confined = not str(profile["runner"]).startswith("none")
    return Words(
        sees=_sees(sandbox) if confined else ("everything that this account sees: nothing is confined",),
        writes=_writes(sandbox) if confined else ("everything that this account may write",),
        reaches=_reaches(sandbox) if confined else ("every network of this machine",),
        environment=(
            *_ALWAYS,
            *(name if name in environ else f"{name} (not set here)" for name in sandbox.env),
        ),
        limits=(
            f"{sandbox.memory_mb} MiB of memory, held by {profile['limits']}",
            f"{sandbox.processes} processes",
            f"{sandbox.file_mb} MiB a file",
            f"{sandbox.tmp_mb} MiB of /tmp",
        ),
    )


def _sees(sandbox: Sandbox) -> tuple[str, ...]:
    return (
        "the system's programs and libraries, and this Python",
        "the workspace, without run data",
        *sandbox.read,
        *sandbox.devices,
    )


def _writes(sandbox: Sandbox) -> tuple[str, ...]:
    return ("its own /tmp and empty home, gone afterwards", *sandbox.write)


def _reaches(sandbox: Sandbox) -> tuple[str, ...]:
    try:
        network = parse_grants(sandbox.network)
    except NetworkGrantError as error:
        return (f"nothing: {error}",)
    if network.shared:
        return (
            "every network of this machine, its own services too"
            + (", though it says that it is for those alone" if "*" not in sandbox.network else ""),
        )
    return tuple(_entry_words(network)) or ("nothing: no network",)


def _entry_words(network: NetworkGrant) -> list[str]:
    words = []
    for entry in network.hosts:
        if entry.addresses is not None:
            words.append(f"{entry.text}, by its address and by a granted name that resolves to it")
        elif entry.below:
            words.append(f"{entry.text}, every name below that domain, at public addresses")
        else:
            words.append(f"{entry.text}, at its public addresses")
    return words + ["by HTTP proxy only; no other way, no names of its own"] * bool(words)
