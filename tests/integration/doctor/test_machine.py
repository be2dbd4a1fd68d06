"""Disks, swap, what listens, what is spoken in the clear: read from a /proc and a /sys that tests write."""

import os
import sys
from pathlib import Path

import pytest

from tests.integration.doctor.ward import Arrange, Cases, Ward, names_of


def free(bytes_free: int, files_free: int) -> Arrange:
    """A disk with so much room, in blocks of 4 KiB; with -1 files it counts none."""
    total, left = (10**6, files_free) if files_free >= 0 else (0, 0)
    blocks = bytes_free >> 12
    facts = os.statvfs_result((4096, 4096, 10**9, blocks, blocks, total, left, left, 0, 255))

    def arrange(ward: Ward) -> None:
        ward.statvfs = lambda _: facts

    return arrange


def mounted(*mounts: str) -> Arrange:
    return lambda ward: ward.linux(*mounts)


def swapping(line: str) -> Arrange:
    return lambda ward: ward.linux("/ ext4", swaps=f"{line}\n")


def not_linux(ward: Ward) -> None:
    (ward.system / "proc/self/mountinfo").unlink()
    (ward.system / "proc/swaps").unlink()


def on_crypt(ward: Ward) -> None:
    """A volume of LVM that stands on one of dm-crypt."""
    block = ward.system / "sys/dev/block/254:1"
    for folder, uuid in ((block, "LVM-abc"), (block / "slaves/dm-0", "CRYPT-LUKS2-abc-data")):
        (folder / "dm").mkdir(parents=True)
        (folder / "dm/uuid").write_text(f"{uuid}\n")
    ward.linux("/ ext4 254:1")


def hexed(address: str, port: int) -> str:
    return f"{int.from_bytes(bytes(map(int, address.split('.'))), sys.byteorder):08X}:{port:04X}"


def serving(address: str, *words: str) -> Arrange:
    """A Babysitter with one socket that listens on an address."""

    def arrange(ward: Ward) -> None:
        proc = ward.system / "proc"
        (proc / "net").mkdir()
        head = (
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n"
        )
        rest = "00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0"
        line = f"   0: {hexed(address, 3186)} {rest} 4242 1\n"
        other = f"   1: {hexed('0.0.0.0', 22)} {rest} 4243 1\n"
        (proc / "net/tcp").write_text(head + line + other)
        (proc / "77/fd").mkdir(parents=True)
        (proc / "77/fd/3").symlink_to("socket:[4242]")
        argv = words or ("/venv/bin/python", "/venv/bin/babysitter", "witness", "serve")
        (proc / "77/cmdline").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in argv))

    return arrange


def nobody_serves(ward: Ward) -> None:
    serving("0.0.0.0", "/usr/sbin/sshd", "-D")(ward)


def witness_at(url: str, kind: str = "http") -> Arrange:
    return lambda ward: ward.settings(f'[[log.witnesses]]\nname = "w"\nkind = "{kind}"\nurl = "{url}"\n')


CASES: Cases = {
    ("D23-file-system", "ok"): mounted("/ ext4"),
    ("D23-file-system", "problem"): mounted("/ nfs4"),
    ("D23-file-system", "could-not-check"): not_linux,
    ("D23-disk-space", "ok"): free(2 << 30, 50_000),
    ("D23-disk-space", "problem"): free(100 << 20, 50_000),
    ("D27-encryption-at-rest", "ok"): on_crypt,
    ("D27-encryption-at-rest", "note"): mounted("/ ext4"),
    ("D27-encryption-at-rest", "could-not-check"): not_linux,
    ("D27-swap", "ok"): swapping("/dev/zram0 partition 100 0 5"),
    ("D27-swap", "note"): swapping("/dev/sda2 partition 100 0 5"),
    ("D27-swap", "could-not-check"): not_linux,
    ("D22-bound-beyond-loopback", "ok"): serving("127.0.0.1"),
    ("D22-bound-beyond-loopback", "problem"): serving("0.0.0.0"),
    ("D22-bound-beyond-loopback", "not-applicable"): nobody_serves,
    ("D22-bound-beyond-loopback", "could-not-check"): not_linux,
    ("D20-addresses", "ok"): witness_at("https://w.example.com"),
    ("D20-addresses", "problem"): witness_at("http://w.example.com"),
    ("D20-addresses", "not-applicable"): lambda _: None,
}
CHANNEL = '[[notify.channels]]\nname = "c"\nkind = "webhook"\nkeys = ["env:K"]\n'


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


@pytest.mark.parametrize(
    ("bytes_free", "files_free", "state"),
    [(2 << 30, 50_000, "ok"), (100 << 20, 50_000, "problem"), (2 << 30, 12, "problem"), (2 << 30, -1, "ok")],
)
def test_room_is_bytes_and_files(bytes_free: int, files_free: int, state: str, ward: Ward) -> None:
    """A file system that counts no files (-1 here) is not short of them."""
    free(bytes_free, files_free)(ward)

    assert ward.look("D23-disk-space").state == state


def test_the_mount_that_counts_is_the_nearest_one_above(ward: Ward) -> None:
    ward.root.joinpath(".a5c").mkdir()
    ward.linux("/ ext4", f"{ward.root} nfs4", f"{ward.root}/.a5c xfs", f"{ward.root}/.a5cx cifs")

    assert ward.look("D23-file-system").found.startswith("run data is on xfs")


def test_of_two_mounts_at_one_place_the_later_counts(ward: Ward) -> None:
    ward.linux("/ ext4", "/ nfs4")

    assert ward.look("D23-file-system").state == "problem"


def test_a_mount_point_with_a_space_is_read_as_the_kernel_writes_it(tmp_path: Path) -> None:
    (tmp_path / "with space").mkdir()
    ward = Ward(tmp_path / "with space")
    ward.linux("/ ext4", f"{str(ward.root).replace(' ', chr(92) + '040')} cifs")

    assert ward.look("D23-file-system").state == "problem"


def test_what_is_gone_after_a_restart_is_said(ward: Ward) -> None:
    ward.linux("/ tmpfs")

    found = ward.look("D23-file-system")

    assert (found.state, found.severity) == ("problem", "medium")


@pytest.mark.parametrize(
    "argv",
    [
        ("/usr/bin/python3", "-m", "babysitter", "witness", "serve"),
        ("/opt/v/bin/python", "-P", "/src/babysitter/__main__.py", "serve"),
        ("/opt/v/bin/python", "/opt/v/bin/babysitter", "witness:serve", "--host", "0.0.0.0"),
    ],
)
def test_a_babysitter_is_known_however_it_was_started(argv: tuple[str, ...], ward: Ward) -> None:
    serving("192.168.1.7", *argv)(ward)

    found = ward.look("D22-bound-beyond-loopback")

    assert (found.state, "process 77 on 192.168.1.7" in found.found) == ("problem", True)


def test_a_process_whose_sockets_can_not_be_seen_is_not_called_local(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may look everywhere, so the refusal is made here."""
    serving("127.0.0.1")(ward)
    real = Path.iterdir

    def refusing(path: Path) -> object:
        if path.name == "fd":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", refusing)

    assert ward.look("D22-bound-beyond-loopback").state == "could-not-check"


def test_addresses_of_version_six_are_read(ward: Ward) -> None:
    serving("127.0.0.1")(ward)
    words = [b"\x20\x01\x0d\xb8", bytes(4), bytes(4), b"\x00\x00\x00\x01"]
    address = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    line = f"   0: {address}:0C72 {'0' * 32}:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4244 1\n"
    (ward.system / "proc/net/tcp6").write_text(f"head\n{line}")
    (ward.system / "proc/77/fd/4").symlink_to("socket:[4244]")

    assert "2001:db8::1" in ward.look("D22-bound-beyond-loopback").found


@pytest.mark.parametrize(
    ("url", "kind", "state"),
    [
        ("http://127.0.0.1:3186", "http", "ok"),
        ("http://[::1]:3186", "http", "ok"),
        ("http://localhost:3186", "http", "ok"),
        ("git://git.example.com/w", "git", "problem"),
        ("ssh://git.example.com/w", "git", "ok"),
        ("http://stamps.example.com", "timestamp", "ok"),
    ],
)
def test_in_the_clear_means_to_another_machine_and_unsigned(
    url: str, kind: str, state: str, ward: Ward
) -> None:
    witness_at(url, kind)(ward)

    assert ward.look("D20-addresses").state == state


def test_an_identity_provider_is_an_address_that_is_spoken_to(ward: Ward) -> None:
    states = []
    for scheme in ("http", "https"):
        ward.settings(f'[server.oidc]\nissuer = "{scheme}://id.example.com"\nclient_id = "x"\n')
        states.append(ward.look("D20-addresses").state)

    assert states == ["problem", "ok"]


@pytest.mark.linux
def test_this_very_machine_can_be_read(ward: Ward) -> None:
    """The files of the real kernel, not those that a test believes it writes."""
    ward.system = Path("/")

    states = {
        ward.look(check_id).state for check_id in ("D23-file-system", "D27-swap", "D27-encryption-at-rest")
    }

    assert "could-not-check" not in states


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ('url = "https://hooks.example.com/"\n', "ok"),
        ('url = "http://localhost:8080/"\n', "ok"),
        ('url = "http://hooks.example.com/"\n', "problem"),
        ('url = "http://hooks.example.com/"\nallow_http = true\n', "problem"),
        ('url = "env:HOOK"\nallow_http = true\n', "problem"),
        ('url = "env:HOOK"\n', "not-applicable"),
    ],
)
def test_channels_are_addresses_that_are_spoken_to(settings: str, state: str, ward: Ward) -> None:
    ward.settings(CHANNEL + settings)

    assert ward.look("D20-addresses").state == state
