"""Time stamps as a witnessed time: what a key signed is held against when an authority first dated it."""

import re
import subprocess
from pathlib import Path

import pytest

from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.witness.endpoint import Endpoint
from babysitter.log.witness.interface import CheckpointUpdate
from babysitter.log.witness.timestamp import TimestampWitness
from tests.integration.audit.conftest import Judge, Workspace
from tests.integration.audit.lying import Story, tell
from tests.integration.audit.test_decided_again import codes, rules
from tests.integration.witness.authority import Authority, made, serving

pytestmark = [
    pytest.mark.promise("G24"),
    pytest.mark.needs("bash", "jq", "openssl", "ssh-keygen", "xxd", "sha256sum"),
]
DATED_BACK = Story(policy=rules(), question={"expiresAt": None}, days_ago=365)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("other"))


def stamped(place: Workspace, authority: Authority) -> Path:
    """Have the newest checkpoint stamped, and the token kept where a driver keeps it."""
    note = (place.data / "log" / "checkpoint").read_text()
    with serving(authority) as url:
        endpoint = Endpoint(witness="tsa", url=url, timeout_s=20)
        witness = TimestampWitness(name="tsa", endpoint=endpoint, roots=authority.roots)
        token = witness.cosign(CheckpointUpdate(note=note, prove=lambda _: ())).token
    path = place.data / "log" / "checkpoints" / f"{read_checkpoint(note)[1].size}.tsa.tsr"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(token)
    return path


def ended_half_a_year_ago(place: Workspace) -> None:
    """Give Bob's key an end in the auditor's file, before it really signed and after the log says it did."""
    path = place.trust / "allowed_signers"
    signed_at = place.forger.leaves()[-1]["recordedAt"]
    end = f"{int(signed_at[:4])}{int(signed_at[5:7]):02}"
    text = re.sub(
        r"^(bob\S+ )", rf'\1valid-before="{_half_a_year_later(end)}",', path.read_text(), flags=re.MULTILINE
    )
    path.write_text(text)


def _half_a_year_later(month: str) -> str:
    months = int(month[:4]) * 12 + int(month[4:]) - 1 + 6
    return f"{months // 12}{months % 12 + 1:02}01Z"


def test_an_answer_dated_back_before_its_key_had_ended_shows_by_a_stamp(
    place: Workspace, judged: Judge, authority: Authority
) -> None:
    tell(place, DATED_BACK)
    ended_half_a_year_ago(place)
    without = judged(place)
    stamped(place, authority)
    (place.trust / "tsa-roots.pem").write_bytes(authority.roots)

    said = judged(place)

    assert (without.script_status, without.ours.ok) == (0, True), without.findings + without.script
    assert "signature.expired-key" in codes(said)
    assert "bob@example.com did not sign the answer" in said.script


def test_a_stamp_over_an_honest_log_dates_it_and_nothing_is_wrong(
    place: Workspace, judged: Judge, authority: Authority
) -> None:
    stamped(place, authority)
    (place.trust / "tsa-roots.pem").write_bytes(authority.roots)

    said = judged(place)

    assert (said.script_status, said.ours.ok, said.ours.findings) == (0, True, ()), (
        said.script + said.findings
    )


@pytest.mark.parametrize("change", ["nobody's roots", "other roots", "another text", "no token"])
def test_a_stamp_that_the_auditor_does_not_believe_dates_nothing(
    place: Workspace, judged: Judge, authority: Authority, other: Authority, change: str
) -> None:
    """Not to believe a stamp is no finding: anybody can put one there. It is told of."""
    of_before = stamped(place, authority).read_bytes()
    tell(place, DATED_BACK)
    path = stamped(place, authority)
    if change in ("another text", "no token"):
        path.write_bytes(of_before if change == "another text" else b"no token")
    ended_half_a_year_ago(place)
    if change != "nobody's roots":
        roots = other.roots if change == "other roots" else authority.roots
        (place.trust / "tsa-roots.pem").write_bytes(roots)

    said = judged(place)

    assert (said.script_status, said.ours.ok) == (0, True), said.script + said.findings
    assert any("time stamp" in text.lower() for text in said.ours.unproven), said.ours.unproven


def test_a_stamp_alone_shows_no_fork_and_is_not_said_to(
    place: Workspace, judged: Judge, authority: Authority
) -> None:
    tell(place, Story(policy=rules()))
    stamped(place, authority)
    (place.trust / "tsa-roots.pem").write_bytes(authority.roots)

    said = judged(place)

    assert any(text.startswith("No witness that you believe has seen the log") for text in said.ours.unproven)
    assert "no witness that you believe" in said.script


def test_a_driver_keeps_the_stamp_with_the_checkpoint_that_it_is_over(
    place: Workspace, judged: Judge, authority: Authority
) -> None:
    (place.root / "tsa-roots.pem").write_bytes(authority.roots)
    with serving(authority) as url:
        table = (
            f'[[log.witnesses]]\nname = "tsa"\nkind = "timestamp"\nurl = "{url}"\nroots = "tsa-roots.pem"\n'
        )
        with (place.root / "babysitter.toml").open("a") as file:
            file.write(table)
        place.babysitter("witness", "update")

    kept = place.data / "log" / "checkpoints"
    (token,) = kept.glob("*.tsa.tsr")
    script = (
        f"sed '/^$/,$d' {kept}/{token.name.split('.')[0]} > {kept.parent}/torn-text && "
        f"openssl ts -verify -data {kept.parent}/torn-text -in {token} -CAfile {place.root}/tsa-roots.pem"
    )
    assert subprocess.run(["sh", "-c", script], check=False, capture_output=True).returncode == 0
    said = judged(place)
    assert (said.script_status, said.ours.ok) == (0, True), said.script + said.findings
