"""Whatever comes in, nothing is accepted that was not signed, and nothing is raised but our own errors."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import SignatureError, SignersError
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.certificates import parse_signer
from babysitter.signing.checks import check
from babysitter.signing.keys import parse_key
from babysitter.signing.revocation import Revocations
from babysitter.signing.sshsig import armor, parse
from babysitter.signing.verify import Trust, verify_signature
from babysitter.signing.wire import put_mpint, put_string, put_u32
from tests.unit.signing import software_keys as soft

ALICE = "alice@example.com"
CA = soft.ecdsa_key("nistp384")
KEYS = {
    "ed25519": soft.ed25519_key(),
    "ecdsa": soft.ecdsa_key("nistp521"),
    "rsa": soft.rsa_key(),
    "sk-ed25519": soft.sk_ed25519_key(),
    "sk-ecdsa": soft.sk_ecdsa_key(),
    "passkey": soft.passkey(),
    "certificate": soft.certified(soft.ed25519_key(), CA),
    "certificate by rsa": soft.certified(soft.sk_ecdsa_key(), soft.rsa_key()),
}
# Every key is trusted in every place, so that only the signature stands between.
LINES = "".join(
    f"* {key.line}\n* cert-authority {key.line}\n" for key in (*KEYS.values(), CA, soft.rsa_key())
)
TRUST = Trust(signers=AllowedSigners.parse(LINES), origins=frozenset({soft.ORIGIN}))
SIGNATURES = {name: key.signature() for name, key in KEYS.items()}
BLOBS = {name: base64.b64decode("".join(text.splitlines()[1:-1])) for name, text in SIGNATURES.items()}
PRIME = 2**255 - 19
ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL = [0, 1, PRIME - 1, PRIME, PRIME + 1, ORDER_8, PRIME - ORDER_8]
NAMES = st.sampled_from(list(KEYS))


def accepted(armored: str | bytes, message: bytes = soft.MESSAGE) -> bool:
    try:
        verify_signature(
            TRUST, message=message, armored=armored, principal=ALICE, namespace=soft.NAMESPACE, at_ns=1
        )
    except SignatureError:
        return False
    return True


def other_byte(drawn: st.DataObject, data: bytes) -> bytes:
    at = drawn.draw(st.integers(0, len(data) - 1))
    value = drawn.draw(st.integers(0, 255).filter(lambda byte: byte != data[at]))
    return data[:at] + bytes([value]) + data[at + 1 :]


@pytest.mark.parametrize("name", KEYS)
def test_the_signatures_that_are_about_to_be_damaged_are_good(name: str) -> None:
    assert accepted(SIGNATURES[name])


@given(NAMES, st.data())
def test_no_byte_of_a_signature_can_be_changed(name: str, drawn: st.DataObject) -> None:
    assert not accepted(armor(other_byte(drawn, BLOBS[name])))


@given(NAMES, st.data())
def test_no_byte_of_the_armour_can_be_changed(name: str, drawn: st.DataObject) -> None:
    assert not accepted(other_byte(drawn, SIGNATURES[name].encode()))


@given(NAMES, st.data())
def test_no_byte_of_a_statement_can_be_changed(name: str, drawn: st.DataObject) -> None:
    assert not accepted(SIGNATURES[name], other_byte(drawn, soft.MESSAGE))


@given(NAMES, st.data())
def test_no_part_of_a_signature_can_be_cut_out_or_doubled(name: str, drawn: st.DataObject) -> None:
    blob = BLOBS[name]
    first, last = sorted((drawn.draw(st.integers(0, len(blob))), drawn.draw(st.integers(0, len(blob)))))

    for changed in (blob[:first] + blob[last:], blob[:last] + blob[first:]):
        assert changed == blob or not accepted(armor(changed))


@given(st.binary(max_size=200), NAMES, st.data())
def test_parsers_raise_nothing_but_our_errors(noise: bytes, name: str, drawn: st.DataObject) -> None:
    whole = KEYS[name].certificate or KEYS[name].blob

    for data in (noise, other_byte(drawn, whole), put_string(KEYS[name].algorithm) + noise):
        for read in (parse_signer, parse_key, parse):
            with contextlib.suppress(SignatureError):
                read(data)
        for reads in (AllowedSigners.parse, Revocations.parse):
            for text in (data, b"SSHKRL\n\0" + put_u32(1) + data):
                with contextlib.suppress(SignersError):
                    reads(text)


@given(st.text(), st.sampled_from(["{} {}", "a {} {}", 'a namespaces="{}" {}', "{}, cert-authority {}"]))
def test_lines_of_signers_raise_nothing_but_our_errors(noise: str, form: str) -> None:
    with contextlib.suppress(SignersError):
        AllowedSigners.parse(form.format(noise, KEYS["ed25519"].line))


@given(st.integers(0, 2**70), st.integers(2**2047, 2**2100), st.binary(max_size=300))
def test_a_number_that_is_no_rsa_key_verifies_nothing(exponent: int, modulus: int, signed: bytes) -> None:
    blob = put_string("ssh-rsa") + put_mpint(exponent) + put_mpint(modulus)

    with pytest.raises(SignatureError):
        check(parse_key(blob), put_string("rsa-sha2-512") + put_string(signed), b"text")


@given(st.binary(min_size=32, max_size=32), st.integers(0), st.integers(0))
def test_a_point_that_is_no_key_verifies_nothing(half: bytes, first: int, second: int) -> None:
    numbers = put_mpint(first) + put_mpint(second)
    curve = put_string("ecdsa-sha2-nistp256") + put_string("nistp256") + put_string(b"\4" + half + half)
    edwards = put_string("ssh-ed25519") + put_string(half)

    for blob, signature in ((curve, numbers), (edwards, half + half)):
        key = parse_key(blob)
        with pytest.raises(SignatureError):
            check(key, put_string(key.algorithm) + put_string(signature), b"text")


@pytest.mark.parametrize("sign_bit", [0, 0x80])
@pytest.mark.parametrize("height", SMALL)
def test_a_key_for_which_anybody_can_sign_proves_nothing(height: int, sign_bit: int) -> None:
    """With a public key of small order some signature of zeros is good for many texts."""
    point = bytearray(height.to_bytes(32, "little"))
    point[-1] |= sign_bit
    key = parse_key(put_string("ssh-ed25519") + put_string(bytes(point)))
    signature = put_string("ssh-ed25519") + put_string(b"\1" + bytes(63))

    for number in range(16):
        with pytest.raises(SignatureError) as refused:
            check(key, signature, b"text %d" % number)
        assert refused.value.facts["reason"] == "weak-key"
