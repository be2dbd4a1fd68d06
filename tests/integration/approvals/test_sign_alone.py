"""Signing without a file of signers: any key that ssh-keygen signs with, checked by its public half."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from babysitter.model.errors import SignatureError, SignersError, UsageError
from babysitter.model.runner import Called, Programs
from babysitter.service.ports import SystemClock, SystemDice
from babysitter.service.signing_keys import Machine, sign_alone
from babysitter.service.wiring import local_programs

pytestmark = [pytest.mark.promise("G25"), pytest.mark.needs("ssh-keygen", "ssh-add", "ssh-agent")]
ALICE = "alice@example.com"
NAMESPACE = "babysitter-approval"


def make_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return str(path)


def machine(programs: Programs | None = None) -> Machine:
    return Machine(programs=programs or local_programs(), clock=SystemClock(), dice=SystemDice())


def signed(key: str, *, person: str = ALICE, on: Machine | None = None) -> str:
    made = sign_alone(on or machine(), key=key, person=person, namespace=NAMESPACE, message=b"yes")
    return made.signature


def stock_says_good(signature: str, signers: Path, tmp_path: Path) -> bool:
    kept = tmp_path / "signature"
    kept.write_text(signature)
    verify = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", ALICE, "-n", NAMESPACE, "-s", str(kept)]
    return subprocess.run(verify, input=b"yes", check=False, capture_output=True).returncode == 0


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    said = subprocess.run(
        ["ssh-agent", "-s", "-a", str(tmp_path / "a")], check=True, capture_output=True, text=True
    ).stdout
    found = dict(part.strip().split("=", 1) for part in said.split(";") if "=" in part)
    monkeypatch.setenv("SSH_AUTH_SOCK", found["SSH_AUTH_SOCK"])
    try:
        yield
    finally:
        os.kill(int(found["SSH_AGENT_PID"]), 15)


def test_a_key_in_a_file_signs(tmp_path: Path) -> None:
    key = make_key(tmp_path / "id")
    (tmp_path / "signers").write_text(f"{ALICE} {Path(key + '.pub').read_text()}")

    assert stock_says_good(signed(key), tmp_path / "signers", tmp_path)


def test_a_certificate_signs_for_whom_it_names_and_nobody_else(tmp_path: Path) -> None:
    key, authority = make_key(tmp_path / "id"), make_key(tmp_path / "ca")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", authority, "-I", "alice", "-n", ALICE, f"{key}.pub"], check=True
    )
    (tmp_path / "signers").write_text(f"{ALICE} cert-authority {Path(authority + '.pub').read_text()}")

    signature = signed(f"{key}-cert.pub")

    assert stock_says_good(signature, tmp_path / "signers", tmp_path)
    with pytest.raises(SignatureError, match="not for bob"):
        signed(f"{key}-cert.pub", person="bob@example.com")


@pytest.mark.usefixtures("agent")
def test_the_agent_s_only_key_signs_and_of_several_one_has_to_be_named(tmp_path: Path) -> None:
    first, second = make_key(tmp_path / "id"), make_key(tmp_path / "other")
    (tmp_path / "signers").write_text(f"{ALICE} {Path(first + '.pub').read_text()}")
    with pytest.raises(SignersError, match="the agent has 0 keys"):
        signed("agent")

    subprocess.run(["ssh-add", "-q", first], check=True)
    assert stock_says_good(signed("agent"), tmp_path / "signers", tmp_path)

    subprocess.run(["ssh-add", "-q", second], check=True)
    with pytest.raises(SignersError, match="the agent has 2 keys"):
        signed("agent")
    assert stock_says_good(signed(f"{first}.pub"), tmp_path / "signers", tmp_path)


class _SignsSomethingElse:
    """Starts the programs of this machine, with another message than was given."""

    def call(self, argv: tuple[str, ...], *, stdin: bytes = b"", **more: object) -> Called:
        del more
        return local_programs().call(argv, stdin=stdin + b" to all", timeout_s=60)


def test_a_signature_over_something_else_does_not_leave(tmp_path: Path) -> None:
    key = make_key(tmp_path / "id")

    with pytest.raises(SignatureError):
        signed(key, on=machine(_SignsSomethingElse()))


def test_a_name_that_several_people_match_is_no_person_s(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        signed(make_key(tmp_path / "id"), person="*@example.com")
