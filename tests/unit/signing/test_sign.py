"""A person's own key signs through the stock programs: from a file, a certificate, or an agent."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.model.errors import SignatureError, SignersError
from babysitter.model.runner import Called
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.keys import parse_public_line
from babysitter.signing.sign import AGENT, agent_keys, public_half, sign
from babysitter.signing.verify import Trust, verify_signature
from babysitter.testing.programs import Call, FakePrograms, answered, missing
from tests.unit.signing import software_keys as soft

ALICE = "alice@example.com"


def says(stdout: str = "", *, status: int = 0, stderr: str = "") -> FakePrograms:
    return FakePrograms(lambda _call: answered(stdout, status=status, stderr=stderr))


def make_key(folder: Path, name: str, *options: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name, *options], check=True)
    return (folder / f"{name}.pub").read_text().strip()


def verified_as(line: str, armored: str) -> str:
    trust = Trust(signers=AllowedSigners.parse(line))
    return verify_signature(
        trust, message=soft.MESSAGE, armored=armored, principal=ALICE, namespace=soft.NAMESPACE, at_ns=10**18
    ).fingerprint


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent of this test's own, without keys."""
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()  # it listens by then
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        try:
            yield
        finally:
            running.terminate()


@pytest.mark.needs("ssh-keygen")
@pytest.mark.parametrize("ending", ["", ".pub"], ids=["private", "public"])
def test_a_key_in_a_file_signs_and_is_known_by_its_public_half(tmp_path: Path, ending: str) -> None:
    line = make_key(tmp_path, "key")
    public = public_half(LocalPrograms(), f"{tmp_path}/key{ending}")

    armored = sign(LocalPrograms(), message=soft.MESSAGE, namespace=soft.NAMESPACE, key_path=public.path)

    assert public.line == line
    assert verified_as(f"{ALICE} {public.line}", armored) == parse_public_line(line).fingerprint


@pytest.mark.needs("ssh-keygen")
def test_a_certificate_signs_with_its_key(tmp_path: Path) -> None:
    authority = make_key(tmp_path, "ca")
    make_key(tmp_path, "key")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", tmp_path / "ca", "-I", "id", "-n", ALICE, tmp_path / "key.pub"], check=True
    )

    armored = sign(
        LocalPrograms(), message=soft.MESSAGE, namespace=soft.NAMESPACE, key_path=f"{tmp_path}/key-cert.pub"
    )

    assert verified_as(f"{ALICE} cert-authority {authority}", armored)


@pytest.mark.needs("ssh-keygen", "ssh-agent", "ssh-add")
@pytest.mark.usefixtures("agent")
def test_a_key_that_only_the_agent_has_signs(tmp_path: Path) -> None:
    make_key(tmp_path, "other")
    line = make_key(tmp_path, "key")
    for name in ("other", "key"):
        subprocess.run(["ssh-add", "-q", tmp_path / name], check=True)
        (tmp_path / name).unlink()
        (tmp_path / f"{name}.pub").unlink()

    public = public_half(LocalPrograms(), AGENT, [parse_public_line(line)])
    armored = sign(LocalPrograms(), message=soft.MESSAGE, namespace=soft.NAMESPACE, key_path=public.path)

    assert public.line == line
    assert len(agent_keys(LocalPrograms())) == 2
    assert verified_as(f"{ALICE} {line}", armored)


@pytest.mark.needs("ssh-keygen", "ssh-agent", "ssh-add")
@pytest.mark.usefixtures("agent")
def test_a_public_half_that_nobody_has_the_other_half_of_does_not_sign(tmp_path: Path) -> None:
    make_key(tmp_path, "key")
    (tmp_path / "key").unlink()

    with pytest.raises(SignatureError) as refused:
        sign(LocalPrograms(), message=b"", namespace=soft.NAMESPACE, key_path=f"{tmp_path}/key.pub")

    assert refused.value.facts["reason"] == "not-signed"
    assert "ssh-keygen" in refused.value.message


def test_without_an_agent_there_are_no_keys() -> None:
    assert agent_keys(says(status=2, stderr="Could not open a connection")) == []
    assert agent_keys(FakePrograms(missing)) == []


def test_keys_that_nobody_could_verify_are_left_out() -> None:
    key = soft.sk_ed25519_key()

    assert agent_keys(says(f"ssh-dss AAAA old\n{key.line} token\nnoise\n")) == [f"{key.line} token"]


def test_of_the_agents_keys_the_first_that_may_sign_is_taken() -> None:
    authority, first, second = soft.ecdsa_key(), soft.ed25519_key(), soft.ed25519_key()
    certified = soft.certified(second, authority)
    programs = says(f"{first.line}\n{certified.certificate_line}\n{second.line}\n")

    by_key = public_half(programs, AGENT, [parse_public_line(second.line)])
    by_authority = public_half(programs, AGENT, [parse_public_line(authority.line)])

    assert (by_key.line, by_authority.line) == (second.line, certified.certificate_line)
    with pytest.raises(SignersError, match="3 keys"):
        public_half(programs, AGENT)


def test_no_option_of_ssh_keygen_comes_from_the_person() -> None:
    programs = says(status=255, stderr="No such file\n")

    with pytest.raises(SignatureError):
        sign(programs, message=b"", namespace="ns", key_path="-Yfind-principals")

    assert [call.argv for call in programs.calls] == [
        ("ssh-keygen", "-Y", "sign", "-f", "-Yfind-principals", "-n", "ns")
    ]


def test_a_key_of_the_agent_is_written_down_for_its_owner_alone() -> None:
    modes: list[int] = []

    def look(call: Call) -> Called:
        named = Path(call.argv[call.argv.index("-f") + 1])
        modes.extend(path.stat().st_mode & 0o777 for path in (named, named.parent))
        return answered(status=255)

    programs = FakePrograms(look)

    with pytest.raises(SignatureError):
        sign(programs, message=b"", namespace="ns", key_path=soft.ed25519_key().line)

    assert modes == [0o600, 0o700]
    assert not Path(programs.calls[0].argv[4]).exists()


def test_what_comes_back_has_to_be_a_signature() -> None:
    with pytest.raises(SignatureError) as refused:
        sign(says("hello"), message=b"", namespace="ns", key_path="key")

    assert refused.value.facts["reason"] == "malformed"


@pytest.mark.parametrize(
    "content", [None, "", "hello\n", "\xff", "x" * 70000, f"{soft.ed25519_key().line}\n" * 2]
)
def test_a_public_half_that_is_away_or_is_none_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "key.pub").write_bytes(content.encode("latin-1"))

    with pytest.raises(SignersError) as refused:
        public_half(says(), os.fspath(tmp_path / "key"))

    assert refused.value.facts["file"].endswith("key.pub")
