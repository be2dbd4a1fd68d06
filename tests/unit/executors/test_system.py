"""The copy of /etc, the interpreter's directories, the choice of a runner, the filter of system calls."""

import stat
import tempfile
from pathlib import Path

import pytest

from babysitter.executors.sandbox.choose import choose_runner, fix_for
from babysitter.executors.sandbox.profile import profile_sha256
from babysitter.executors.sandbox.seccomp import build_filter
from babysitter.executors.sandbox.system import ETC, OwnFolder, SystemCopy, outermost
from babysitter.model.effects import Sandbox
from babysitter.model.errors import SandboxError, SettingsError


def test_no_file_is_copied_that_only_some_may_read() -> None:
    copy = SystemCopy()

    copied = [path for path in copy.etc.rglob("*") if path.is_file() and not path.is_symlink()]
    assert copied
    for path in copied:
        assert (Path("/etc") / path.relative_to(copy.etc)).stat().st_mode & stat.S_IROTH
    assert not [path for path in copied if "shadow" in path.name or "private" in path.parts]
    assert not any("shadow" in name for name in ETC)
    copy.close()


def test_the_copy_is_gone_with_its_owner() -> None:
    copy = SystemCopy()
    root = copy.root

    copy.close()

    assert not root.exists()


def test_a_folder_whose_owner_was_killed_is_removed_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    in_use = OwnFolder()
    left, young = tmp_path / "babysitter-sandbox-left", tmp_path / "babysitter-sandbox-young"
    (left / "empty").mkdir(parents=True)
    young.mkdir()

    another = OwnFolder()

    assert {path.name for path in tmp_path.iterdir()} == {in_use.root.name, young.name, another.root.name}


def test_only_the_outermost_paths_are_mounted() -> None:
    found = outermost({"/a/b", "/a", "/usr/lib/python", "/ab", "/srv/x"}, ("/usr", "/srv"))

    assert found == ("/a", "/ab")


def test_an_unknown_mode_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="chroot"):
        choose_runner(tmp_path, "chroot")


def test_no_sandbox_is_chosen_only_by_its_name(tmp_path: Path) -> None:
    assert choose_runner(tmp_path, "none").name == "none"
    assert choose_runner(tmp_path, "auto").name in {"bubblewrap", "landlock"}


@pytest.mark.parametrize(
    ("file", "value", "said"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "max_user_namespaces=15000"),
    ],
)
def test_the_fix_names_the_setting_that_forbids_namespaces(
    file: str, value: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(value)

    fix = fix_for(["bwrap: no permission"], tmp_path)

    assert said in fix
    assert 'mode = "none"' in fix


def test_the_fix_names_containers_when_no_setting_is_to_blame(tmp_path: Path) -> None:
    assert "docker run" in fix_for(["bwrap: no permission"], tmp_path)


def test_the_fix_names_what_to_install(tmp_path: Path) -> None:
    assert "apt install bubblewrap" in fix_for([], tmp_path)


def test_every_grant_changes_the_profiles_digest() -> None:
    profiles = [
        Sandbox(),
        Sandbox(write=("x/",)),
        Sandbox(network=("*",)),
        Sandbox(env=("CI",)),
        Sandbox(memory_mb=1),
    ]
    digests = {profile_sha256("bubblewrap", "cgroup v1", sandbox) for sandbox in profiles}
    digests.add(profile_sha256("landlock", "cgroup v1", Sandbox()))
    digests.add(profile_sha256("bubblewrap", "rlimits", Sandbox()))

    assert len(digests) == len(profiles) + 2


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("root", [True, False])
def test_every_path_through_the_filter_ends_in_a_decision(machine: str, root: bool) -> None:
    for network in ((), ("loopback",), ("*",)):
        program = build_filter(network, root=root, machine=machine)

        for index, (code, when_true, when_false, _) in enumerate(program):
            if code & 0x07 == 0x05:
                assert index + 1 + max(when_true, when_false) < len(program)
        assert program[-1][0] == 0x06


def test_a_machine_without_a_filter_is_refused() -> None:
    with pytest.raises(SandboxError, match="riscv64"):
        build_filter((), root=False, machine="riscv64")


def decide(program: list[tuple[int, int, int, int]], call: int, *arguments: int) -> int:
    """Return what the filter decides: a small machine for the instructions that it uses."""
    data = {0: call, 4: 0xC000003E, 16: (*arguments, 0, 0)[0], 24: (*arguments, 0, 0)[1]}
    at = loaded = 0
    while True:
        code, when_true, when_false, operand = program[at]
        at += 1
        if code == 0x20:
            loaded = data[operand]
        elif code == 0x06:
            return operand
        else:
            holds = {0x15: loaded == operand, 0x35: loaded >= operand, 0x45: bool(loaded & operand)}[code]
            at += when_true if holds else when_false


ALLOWED, REFUSED, UNKNOWN = 0x7FFF0000, 0x00050001, 0x00050026


@pytest.mark.parametrize(
    ("network", "call", "arguments", "decision"),
    [
        ((), 0, (), ALLOWED),  # read
        ((), 41, (1, 1), REFUSED),  # socket(AF_UNIX)
        ((), 41, (2, 1), REFUSED),  # socket(AF_INET)
        (("*",), 41, (2, 1), ALLOWED),
        (("*",), 41, (10, 1), ALLOWED),
        (("*",), 41, (1, 1), REFUSED),
        (("*",), 41, (17, 3), REFUSED),  # socket(AF_PACKET)
        ((), 53, (1, 1), ALLOWED),  # socketpair
        ((), 425, (), REFUSED),  # io_uring_setup
        ((), 101, (), REFUSED),  # ptrace
        ((), 435, (), UNKNOWN),  # clone3
        ((), 56, (0x11,), ALLOWED),  # fork
        ((), 56, (0x10000011,), REFUSED),  # with a user namespace
        ((), 16, (0, 0x5412), REFUSED),  # TIOCSTI
        ((), 16, (0, 0x5401), ALLOWED),  # TCGETS
        ((), 0x40000000 | 41, (), REFUSED),  # x32
    ],
)
def test_the_filter_decides_each_call(
    network: tuple[str, ...], call: int, arguments: tuple[int, ...], decision: int
) -> None:
    assert decide(build_filter(network, root=False, machine="x86_64"), call, *arguments) == decision


def test_root_may_not_change_modes() -> None:
    assert decide(build_filter((), root=True, machine="x86_64"), 90) == REFUSED
    assert decide(build_filter((), root=False, machine="x86_64"), 90) == ALLOWED
