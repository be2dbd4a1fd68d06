"""The disks below run data: room, kind of file system, encryption; and swap (G23, G27).

Source of the files read: proc(5), sysfs(5); dm/uuid begins with CRYPT- for what cryptsetup made.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from babysitter.service.doctor.check import Check, Result, could_not_check, note, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings

NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs",
    "fuse.s3fs", "fuse.rclone", "lustre", "beegfs", "gpfs", "ocfs2", "gfs2", "davfs", "fuse.davfs2",
})  # fmt: skip
VOLATILE = frozenset({"tmpfs", "ramfs"})
ENCRYPTED = frozenset({"ecryptfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs"})
BYTES_MIN = 1 << 30
FILES_MIN = 10_000
_ESCAPE = re.compile(r"\\([0-7]{3})")
_NOT_LINUX = could_not_check(
    "/proc/self/mountinfo can't be read, so nobody knows what the file system is",
    fix="Look at it with: df -T",
    command="df -T .",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Where a folder's file system is mounted. ``device``: its numbers, as ``8:1``."""

    point: str
    kind: str
    device: str


def there_is_room(here: Surroundings) -> Result:
    """Look how much room is left for run data."""
    place = _place(here)
    facts = here.statvfs(place)
    free = facts.f_bavail * facts.f_frsize
    # A file system without a fixed number of files says 0 of both.
    few_files = facts.f_files > 0 and facts.f_favail < FILES_MIN
    if free >= BYTES_MIN and not few_files:
        return ok(f"{free >> 30} GiB are free where run data is")
    left = f"room for {facts.f_favail} more files" if few_files else f"{free >> 20} MiB"
    return problem(
        f"only {left} left on the file system of {here.shown(place)}",
        fix="Make room: a full disk stops every run.",
        command=f"df -h {place}; df -i {place}",
    )


def file_system_is_local(here: Surroundings) -> Result:
    """Look what kind of file system run data is on."""
    mount = mount_of(_place(here), here.system)
    if mount is None:
        return _NOT_LINUX
    if mount.kind in NETWORK:
        return problem(
            f"run data is on {mount.kind}, mounted at {mount.point}",
            fix="Put the workspace, or [workspace] runs_dir, on a local disk.",
            command=f"df -T {mount.point}",
        )
    if mount.kind in VOLATILE:
        return problem(
            f"run data is on {mount.kind}, mounted at {mount.point}: it is gone after a restart",
            fix="Put the workspace, or [workspace] runs_dir, on a disk.",
            command=f"df -T {mount.point}",
            severity="medium",
        )
    return ok(f"run data is on {mount.kind}, mounted at {mount.point}")


def disk_is_encrypted(here: Surroundings) -> Result:
    """Look whether the file system that run data is on is encrypted."""
    mount = mount_of(_place(here), here.system)
    if mount is None:
        return _NOT_LINUX
    if mount.kind in ENCRYPTED or _is_crypt(mount.device, here.system):
        return ok(f"run data is on an encrypted file system, mounted at {mount.point}")
    return note(
        f"no encryption is seen below {mount.point} ({mount.kind}); this version seals no data by itself",
        fix="Where runs are sensitive, put .a5c on an encrypted file system. A disk that its maker or cloud "
        "encrypts looks the same from here.",
        command=f"lsblk -o NAME,TYPE,FSTYPE,MOUNTPOINT; df {mount.point}",
    )


def swap_is_encrypted(here: Surroundings) -> Result:
    """Look whether memory, with secrets in it, may be written to a disk in the clear."""
    try:
        lines = (here.system / "proc/swaps").read_text().splitlines()[1:]
    except OSError:
        return could_not_check(
            "/proc/swaps can't be read", fix="Look at it with: swapon --show", command="swapon --show"
        )
    names = [_unescaped(line.split()[0]) for line in lines if line.strip()]
    clear = [name for name in names if not _is_safe_swap(name, here.system)]
    if not clear:
        return ok("there is no swap on a disk in the clear")
    return note(
        f"swap is not seen to be encrypted: {some(clear)}",
        fix="Encrypt it with a key that is new at every start, or have none.",
        command="swapon --show",
    )


def mount_of(path: Path, system: Path) -> Mount | None:
    """Return the mount that a path is on: the last one whose mount point is the longest above it."""
    try:
        text = (system / "proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    best: Mount | None = None
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        words = before.split(" ")
        if len(words) < 5 or not after:
            continue
        point = _unescaped(words[4])
        if path.resolve().is_relative_to(point) and (best is None or len(point) >= len(best.point)):
            best = Mount(point=point, kind=after.split(" ")[0], device=words[2])
    return best


def _place(here: Surroundings) -> Path:
    return here.run_data[0] if here.run_data else here.root


def _is_crypt(device: str, system: Path) -> bool:
    """Tell whether a block device, or one that it is made of, is one of dm-crypt's."""
    return _is_crypt_at(system / "sys/dev/block" / device, depth=8)


def _is_crypt_at(folder: Path, depth: int) -> bool:
    try:
        if (folder / "dm/uuid").read_text().startswith("CRYPT-"):
            return True
    except OSError:
        pass  # It is none of the device mapper's; what it stands on may be.
    below = folder / "slaves"
    if depth == 0 or not below.is_dir():
        return False
    return any(_is_crypt_at(each, depth - 1) for each in below.iterdir())


def _is_safe_swap(name: str, system: Path) -> bool:
    """Tell whether a swap device is in memory, or encrypted."""
    device = Path(name).resolve().name
    if device.startswith("zram"):
        return True
    return _is_crypt_at(system / "sys/class/block" / device, depth=8)


def _unescaped(text: str) -> str:
    """Return a path of a file of /proc, where spaces and the like are written in octal."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


CHECKS = (
    Check(
        id="D23-disk-space",
        title="there is room for run data",
        promise="G23",
        severity="medium",
        why="a full disk stops every run; what was acknowledged stays.",
        look=there_is_room,
    ),
    Check(
        id="D23-file-system",
        title="run data is on a local disk",
        promise="G23",
        severity="high",
        why="network file systems take locks and syncs lightly: two drivers at once, lost lines.",
        look=file_system_is_local,
    ),
    Check(
        id="D27-encryption-at-rest",
        title="run data is on an encrypted file system",
        promise="G27",
        severity="low",
        why="journals hold no declared secret, but they hold your data, and disks are lost.",
        look=disk_is_encrypted,
    ),
    Check(
        id="D27-swap",
        title="secrets in memory do not reach a disk in the clear",
        promise="G27",
        severity="low",
        why="a secret is in memory while it is used, and memory may be swapped out.",
        look=swap_is_encrypted,
    ),
)
