"""What listens, and what is spoken in the clear (G20, G22).

Source of the files read: proc(5), proc_net_tcp of the kernel's documentation: addresses in hexadecimal, in
the machine's byte order by words of four bytes; state 0A listens.
"""

import ipaddress
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from babysitter.model.errors import RefusedError
from babysitter.model.network import is_loopback
from babysitter.service.doctor.check import Check, Result, could_not_check, not_applicable, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings

_LISTENS = "0A"
_SERVING = ("serve",)
_CLEAR = ("http", "git", "ftp")


def nothing_listens_outside(here: Surroundings) -> Result:
    """Look at the sockets of every Babysitter that serves on this machine."""
    proc = here.system / "proc"
    if not (proc / "net/tcp").is_file():
        return could_not_check(
            "/proc/net/tcp can't be read, so nobody knows what listens here",
            fix="Look with: netstat -an | grep LISTEN",
            command="netstat -an | grep LISTEN",
        )
    serving = list(_servers(proc))
    if not serving:
        return not_applicable(
            "no Babysitter serves on this machine, and this version has a witness's server only"
        )
    listening = dict(_listening(proc))
    outside: list[str] = []
    for pid in serving:
        addresses = [listening[inode] for inode in _sockets(proc, pid) if inode in listening]
        outside += [f"process {pid} on {address}" for address in addresses if not is_loopback(address)]
    if not outside:
        return ok(
            f"process {some([str(pid) for pid in serving])} listens on this machine's own addresses alone"
        )
    return problem(
        f"listens beyond this machine, in the clear: {some(outside)}",
        fix="Start it with --host 127.0.0.1 and put a proxy with TLS before it.",
        command="ss -ltnp",
    )


def others_are_reached_safely(here: Surroundings) -> Result:
    """Look for addresses in the settings that are spoken to in the clear."""
    witnesses, oidc = here.settings.log.witnesses, here.settings.server.oidc
    # An address that is a secret is not looked at; a channel that may do without TLS says so beside it.
    channels = [each for each in here.settings.notify.channels if each.allow_http or not each.is_secret]
    # A time stamp is signed, and its authorities are reached in the clear more often than not.
    named = [(each.name, "" if each.kind == "timestamp" else each.url) for each in witnesses]
    named += [("the identity provider", oidc.issuer)] if oidc is not None else []
    if not named and not channels:
        return not_applicable("the settings name no address to speak to")
    clear = [f"{name} ({url})" for name, url in named if _is_clear(url)]
    clear += [
        f"channel {each.name} ({'by allow_http' if each.allow_http else each.url})"
        for each in channels
        if each.allow_http or _is_clear(each.url)
    ]
    if not clear:
        names = [*(name for name, _ in named), *(each.name for each in channels)]
        return ok(f"{some(names)} is reached by HTTPS, SSH or on this machine")
    return problem(
        f"spoken to in the clear: {some(clear)}",
        fix="Use https:// or ssh://.",
        command="grep -nE 'url|issuer' babysitter.toml",
        places=("babysitter.toml",),
    )


def _is_clear(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in _CLEAR and not is_loopback(parts.hostname or "")


def _servers(proc: Path) -> Iterator[int]:
    """Give the processes that are ours and serve."""
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = os.fsdecode((folder / "cmdline").read_bytes()).split("\0")
        except OSError:
            continue  # It has ended meanwhile.
        ours = any(re.fullmatch(r"(.*/)?babysitter(/__main__\.py)?", word) for word in words[:4])
        if ours and any(word in _SERVING or word.endswith(":serve") for word in words):
            yield int(folder.name)


def _sockets(proc: Path, pid: int) -> list[str]:
    """Return the numbers of a process's sockets.

    Raises:
        RefusedError: it is somebody else's process.
    """
    try:
        links = [str(link.readlink()) for link in (proc / str(pid) / "fd").iterdir()]
    except FileNotFoundError:
        return []
    except PermissionError:
        raise RefusedError(
            f"process {pid} serves and is somebody else's, so its sockets can't be looked at.",
            hint="Run doctor as root or as that user.",
        ) from None
    return [match[1] for link in links if (match := re.fullmatch(r"socket:\[(\d+)\]", link))]


def _listening(proc: Path) -> Iterator[tuple[str, str]]:
    """Give each listening socket's number and address."""
    for name in ("tcp", "tcp6"):
        file = proc / "net" / name
        if not file.is_file():
            continue
        for line in file.read_text().splitlines()[1:]:
            words = line.split()
            if len(words) > 9 and words[3] == _LISTENS:
                yield words[9], _address(words[1].partition(":")[0])


def _address(text: str) -> str:
    """Return an address that is written as 32-bit words of this machine's byte order."""
    words = [int(text[place : place + 8], 16).to_bytes(4, sys.byteorder) for place in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


CHECKS = (
    Check(
        id="D20-addresses",
        title="addresses of the settings are spoken to encrypted",
        promise="G20",
        severity="medium",
        why="whoever is on the way reads, and answers in another's name.",
        look=others_are_reached_safely,
    ),
    Check(
        id="D22-bound-beyond-loopback",
        title="nothing of ours listens beyond this machine",
        promise="G22",
        severity="high",
        why="no server of this version speaks TLS, and everybody on the network reaches it.",
        look=nothing_listens_outside,
    ),
)
