"""Time stamps of a local authority: what is believed, what is not, and that openssl says the same."""

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.log.witness.endpoint import Endpoint
from babysitter.log.witness.timestamp import TimestampWitness, stamped_at
from babysitter.model.errors import WitnessError
from tests.integration.witness.authority import Authority, made, serving
from tests.unit.log.witness.sample_log import SampleLog

pytestmark = pytest.mark.needs("openssl")
UPDATE = SampleLog().update(8)
TEXT = UPDATE.read()[0].text


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return made(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def token(authority: Authority) -> bytes:
    with serving(authority) as url:
        return witness(url, authority.roots).cosign(UPDATE).token


def witness(url: str, roots: bytes, digest: str = "sha256") -> TimestampWitness:
    endpoint = Endpoint(witness="tsa", url=url, timeout_s=20)
    return TimestampWitness(name="tsa", endpoint=endpoint, roots=roots, digest=digest)  # type: ignore[arg-type]


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_a_checkpoint_is_stamped_and_openssl_agrees(
    authority: Authority, tmp_path: Path, digest: str
) -> None:
    before = int(time.time())
    with serving(authority) as url:
        stamped = witness(url, authority.roots, digest).cosign(UPDATE)

    (tmp_path / "checkpoint").write_text(UPDATE.note)
    (tmp_path / "checkpoint.tsr").write_bytes(stamped.token)
    (tmp_path / "roots.pem").write_bytes(authority.roots)
    script = (
        "sed '/^$/,$d' checkpoint > text && "
        "openssl ts -verify -data text -in checkpoint.tsr -CAfile roots.pem"
    )
    checked = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert stamped.time_s is not None
    # The authority claims an accuracy of two and a half seconds: that late it may have been.
    assert before + 2 <= stamped.time_s <= time.time() + 4
    assert stamped_at(stamped.token, TEXT, authority.roots) == stamped.time_s
    assert stamped.signatures == ()


def test_an_authority_that_claims_no_accuracy_is_taken_at_its_word(tmp_path: Path) -> None:
    authority = made(tmp_path / "plain", accuracy="")

    with serving(authority) as url:
        stamped = witness(url, authority.roots).cosign(UPDATE)

    assert stamped.time_s is not None
    assert abs(stamped.time_s - time.time()) < 60


def test_a_token_over_another_text_proves_nothing(authority: Authority, token: bytes) -> None:
    for text in (TEXT.replace("\n8\n", "\n9\n"), TEXT + "\n", TEXT[:-1]):
        with pytest.raises(WitnessError, match="proves nothing"):
            stamped_at(token, text, authority.roots)


def test_a_token_of_another_authority_proves_nothing(other: Authority, token: bytes) -> None:
    with pytest.raises(WitnessError, match="proves nothing"):
        stamped_at(token, TEXT, other.roots)


def test_several_roots_may_vouch(authority: Authority, other: Authority, token: bytes) -> None:
    assert stamped_at(token, TEXT, other.roots + authority.roots + authority.roots) > 0


def test_an_old_token_is_no_answer_to_a_new_question(authority: Authority, token: bytes) -> None:
    """It stamps the right text and is signed well; only the nonce is another one."""
    with serving(authority, instead=token) as url, pytest.raises(WitnessError, match=r"[Nn]once") as caught:
        witness(url, authority.roots).cosign(UPDATE)

    assert caught.value.facts == {"witness": "tsa", "reason": "answer"}


@pytest.mark.parametrize(
    "roots", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"]
)
def test_without_usable_roots_nothing_is_believed(token: bytes, roots: bytes) -> None:
    with pytest.raises(WitnessError, match="root certificates"):
        stamped_at(token, TEXT, roots)


@pytest.mark.parametrize("instead", [b"", b"x", b"\x30\x03\x02\x01\x00", b"\x30" * 70_000])
def test_an_answer_that_is_no_token_is_refused(authority: Authority, instead: bytes) -> None:
    with serving(authority, instead=instead) as url, pytest.raises(WitnessError):
        witness(url, authority.roots).cosign(UPDATE)


def test_a_refusal_of_the_authority_is_said(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "text").write_text(TEXT)
    asked = ["openssl", "ts", "-query", "-data", str(tmp_path / "text"), "-sha1"]
    refused = authority.stamp(subprocess.run(asked, check=True, capture_output=True).stdout)

    with pytest.raises(WitnessError, match="status 2"):
        stamped_at(refused, TEXT, authority.roots)


@settings(max_examples=200)
@given(data=st.data())
def test_no_changed_byte_makes_another_time(authority: Authority, token: bytes, data: st.DataObject) -> None:
    """A byte that nothing depends on may change; then the time is still the same."""
    index = data.draw(st.integers(0, len(token) - 1))
    changed = token[:index] + bytes([token[index] ^ data.draw(st.integers(1, 255))]) + token[index + 1 :]

    try:
        time_s = stamped_at(changed, TEXT, authority.roots)
    except WitnessError:
        return

    assert time_s == stamped_at(token, TEXT, authority.roots)
