"""The system-call filter that goes with Landlock, which governs neither sockets nor namespaces.

Refused calls fail with EPERM. What is refused: sockets beyond the network grant,
``io_uring`` (which opens sockets without the call that we filter), tracing, namespaces,
mounts, keys, and what loads code into the kernel. As root also changes of mode, owner
and extended attributes: Landlock does not govern these, and root owns the whole system.

Source: seccomp(2); numbers from the kernel's tables for x86_64 and for the generic ABI (aarch64).
"""

import errno
import platform

from babysitter.model.errors import SandboxError

Instruction = tuple[int, int, int, int]
"""code, jump when true, jump when false, operand: ``struct sock_filter``."""

_LOAD, _EQUALS, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_X32_BIT = 0x40000000
_NEW_NAMESPACES = 0x7E020080
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_INET, _AF_INET6, _AF_NETLINK = 2, 10, 16

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# name: (x86_64, generic); a call that the generic ABI lacks has the number of its successor there.
_CALLS: dict[str, tuple[int, int]] = {
    "add_key": (248, 217),
    "bpf": (321, 280),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "request_key": (249, 218),
    "setns": (308, 268),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_ROOT_CALLS: dict[str, tuple[int, int]] = {
    "chmod": (90, 53),
    "chown": (92, 54),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "lchown": (94, 54),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
}
_CLONE, _CLONE3, _IOCTL, _SOCKET = (56, 220), (435, 435), (16, 29), (41, 198)


def build_filter(network: tuple[str, ...], *, root: bool, machine: str | None = None) -> list[Instruction]:
    """Return the filter's instructions.

    Args:
        network: the task's grant.
        root: whether the program runs as root.
        machine: as ``platform.machine()`` says it.

    Raises:
        SandboxError: the numbers of this machine's calls are not known.
    """
    name = machine or platform.machine()
    if name not in _ARCHITECTURES:
        raise SandboxError(
            f"the system-call filter is not written for {name}.",
            hint="Install bubblewrap: it needs no filter.",
        )
    column = 0 if name == "x86_64" else 1
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        # Another architecture's numbers mean other calls.
        (_EQUALS, 1, 0, _ARCHITECTURES[name]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if column == 0:
        program += [(_AT_LEAST, 0, 1, _X32_BIT), _refuse()]
    calls = _CALLS | _ROOT_CALLS if root else _CALLS
    for number in sorted({found[column] for found in calls.values()}):
        program += [(_EQUALS, 0, 1, number), _refuse()]
    # Its flags stand in memory, where a filter cannot look; C libraries fall back to clone.
    program += [(_EQUALS, 0, 1, _CLONE3[column]), _refuse(errno.ENOSYS)]
    program += _when(_CLONE[column], [(_LOAD, 0, 0, _FIRST_AT), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _refuse()])
    program += _when(
        _IOCTL[column],
        [
            (_LOAD, 0, 0, _SECOND_AT),
            (_EQUALS, 0, 1, _TIOCSTI),
            _refuse(),
            (_EQUALS, 0, 1, _TIOCLINUX),
            _refuse(),
        ],
    )
    program += _when(_SOCKET[column], _socket_rules(network))
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _refuse(number: int = errno.EPERM) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _when(number: int, then: list[Instruction]) -> list[Instruction]:
    """Return instructions for one call; they end in a decision: the number is no longer loaded after them."""
    return [(_EQUALS, 0, len(then) + 1, number), *then, (_RETURN, 0, 0, _ALLOW)]


def _socket_rules(network: tuple[str, ...]) -> list[Instruction]:
    if not network:
        return [_refuse()]
    # Unix sockets lead to the daemons of this machine, whatever the grant.
    return [
        (_LOAD, 0, 0, _FIRST_AT),
        (_EQUALS, 3, 0, _AF_INET),
        (_EQUALS, 2, 0, _AF_INET6),
        (_EQUALS, 1, 0, _AF_NETLINK),
        _refuse(),
    ]
