"""Passkeys with a software authenticator: good answers become SSH signatures, all others are refused by name.

A real browser and stock ssh-keygen: tests/integration/passkeys.
"""

import base64
import contextlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import SignatureError
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.checks import CLIENT_DATA_BYTES_MAX
from babysitter.signing.keys import parse_public_line
from babysitter.signing.passkeys import (
    ATTESTATION_BYTES_MAX,
    Assertion,
    assertion_options,
    authenticator_data_of,
    challenge_of,
    public_key_line,
    registration_options,
    signature_from_assertion,
)
from babysitter.signing.sshsig import to_be_signed
from babysitter.signing.verify import Trust, Verified, verify_signature
from tests.unit.signing import software_keys as soft
from tests.unit.signing.software_authenticator import (
    ATTESTED,
    CREDENTIAL_ID,
    EXTENDED,
    HOST,
    ORIGIN,
    SYNCED,
    TOUCHED,
    TOUCHED_AND_VERIFIED,
    VERIFIED,
    Authenticator,
    cbor,
    client_data,
)

ALICE = "alice@example.com"
MESSAGE, NAMESPACE = soft.MESSAGE, soft.NAMESPACE
ORIGINS = frozenset({ORIGIN, "https://other.example.com"})
CHALLENGE = challenge_of(MESSAGE, NAMESPACE)
NONCE = b"never used before"
PASSKEY, OTHER = Authenticator(), Authenticator()
ASKED = client_data("webauthn.get", CHALLENGE)
EXTENSIONS = cbor({"credBlob": b"\1\2", "thirdPartyPayment": False})
POINT_BYTES = 32


def registered(attestation: bytes) -> tuple[str, bytes]:
    return public_key_line(authenticator_data_of(attestation), HOST)


LINE = registered(PASSKEY.attestation())[0]


def repacked(assertion: Assertion, **changes: Any) -> str:
    given = {"public_key_line": LINE, "message": MESSAGE, "namespace": NAMESPACE, "origins": ORIGINS}
    return signature_from_assertion(assertion, **{**given, **changes})


def verified(armored: str) -> Verified:
    trust = Trust(signers=AllowedSigners.parse(f"{ALICE} {LINE}"), origins=ORIGINS)
    return verify_signature(
        trust, message=MESSAGE, armored=armored, principal=ALICE, namespace=NAMESPACE, at_ns=1
    )


def with_data(flags: int, rest: bytes = b"") -> Assertion:
    return PASSKEY.answer(ASKED, PASSKEY.data(flags, rest))


def answering(text: bytes) -> Assertion:
    return PASSKEY.answer(text)


def saying(**fields: object) -> Assertion:
    return answering(client_data("webauthn.get", CHALLENGE, **fields))  # type: ignore[arg-type]


def signed_as(change: Callable[[bytes], bytes]) -> Assertion:
    good = answering(ASKED)
    return replace(good, signature_der=change(good.signature_der))


def bare_numbers(der: bytes) -> bytes:
    """Return a signature in the form that other programs than browsers use."""
    return b"".join(number.to_bytes(POINT_BYTES, "big") for number in utils.decode_dss_signature(der))


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ---------------------------------------------------------------- answers

GOOD = {
    "as browsers answer": answering(ASKED),
    "a passkey that is synced": with_data(TOUCHED_AND_VERIFIED | SYNCED),
    "with extensions": with_data(TOUCHED_AND_VERIFIED | EXTENDED, EXTENSIONS),
    "a counter that is not kept": PASSKEY.answer(ASKED, PASSKEY.data(counter=0)),
    "the last counter there is": PASSKEY.answer(ASKED, PASSKEY.data(counter=2**32 - 1)),
    "a field that browsers may add": saying(other_keys_can_be_added_here={"do not": ["compare"]}),
    "without the field about frames": answering(ASKED.replace(b',"crossOrigin":false', b"")),
    "another page of ours": saying(origin="https://other.example.com"),
}
BAD: dict[str, tuple[str, Assertion]] = {
    "another statement": (
        "bad-signature",
        answering(client_data("webauthn.get", challenge_of(b"{}", NAMESPACE))),
    ),
    "another namespace": (
        "bad-signature",
        answering(client_data("webauthn.get", challenge_of(MESSAGE, "file"))),
    ),
    "another hash": (
        "bad-signature",
        answering(client_data("webauthn.get", to_be_signed(MESSAGE, NAMESPACE, "sha256"))),
    ),
    "no challenge": ("bad-signature", answering(client_data("webauthn.get", b""))),
    "another passkey": ("bad-signature", OTHER.answer(ASKED)),
    "a signature over another text": (
        "bad-signature",
        replace(answering(ASKED + b" "), client_data_json=ASKED),
    ),
    "a changed counter": (
        "bad-signature",
        replace(answering(ASKED), authenticator_data=PASSKEY.data(counter=8)),
    ),
    "a flag that was added": (
        "bad-signature",
        replace(with_data(TOUCHED), authenticator_data=PASSKEY.data(TOUCHED_AND_VERIFIED)),
    ),
    "a new passkey's ceremony": ("bad-signature", answering(client_data("webauthn.create", CHALLENGE))),
    "a payment": ("bad-signature", answering(client_data("payment.get", CHALLENGE))),
    "a page of somebody else": ("origin", saying(origin="https://babysitter.example.com.evil.example")),
    "another port": ("origin", saying(origin=ORIGIN + ":8443")),
    "no encryption": ("origin", saying(origin=ORIGIN.replace("https", "http"))),
    "in a frame": ("origin", saying(crossOrigin=True)),
    "in a frame of a named page": ("origin", saying(topOrigin="https://evil.example")),
    "for another host": ("origin", PASSKEY.answer(ASKED, Authenticator("evil.example").data())),
    "nobody touched it": ("no-presence", with_data(VERIFIED)),
    "no flags at all": ("no-presence", with_data(0)),
    "it did not know its user": ("no-verification", with_data(TOUCHED)),
    "fields in another order": (
        "malformed",
        answering(ASKED.replace(b'"type":"webauthn.get",', b"").replace(b"}", b',"type":"webauthn.get"}')),
    ),
    "spaces between the fields": ("malformed", answering(ASKED.replace(b'","', b'", "'))),
    "a space before the text": ("malformed", answering(b" " + ASKED)),
    "an escaped letter": ("malformed", answering(ASKED.replace(b"webauthn", b"\\u0077ebauthn"))),
    "in a frame and not": ("malformed", answering(ASKED.replace(b'"cross', b'"crossOrigin":true,"cross'))),
    "two origins": ("malformed", answering(ASKED.replace(b'"origin"', b'"origin":"https://x","origin"'))),
    "a mark before the text": ("malformed", answering(b"\xef\xbb\xbf" + ASKED)),
    "a text behind the text": ("malformed", answering(ASKED + ASKED)),
    "a text that is no object": ("malformed", answering(b"[" + ASKED + b"]")),
    "a text of brackets": ("malformed", answering(b"[" * 3_000)),
    "deep in a field that is passed over": (
        "malformed",
        answering(ASKED.replace(b"}", b',"a":' + b"[" * 3_000)),
    ),
    "a number for an origin": ("origin", saying(origin=7)),
    "a text where a truth value stands": ("origin", saying(crossOrigin="false")),
    "no text": ("malformed", answering(b"")),
    "no origin": ("origin", answering(ASKED.replace(b'"origin"', b'"other"'))),
    "a text that is too long": ("malformed", saying(more="x" * CLIENT_DATA_BYTES_MAX)),
    "a padded challenge": ("bad-signature", answering(ASKED.replace(b'","origin', b'=","origin'))),
    "no data of the authenticator": ("malformed", PASSKEY.answer(ASKED, b"")),
    "data without their last byte": ("malformed", PASSKEY.answer(ASKED, PASSKEY.data()[:-1])),
    "data with a byte too many": ("malformed", PASSKEY.answer(ASKED, PASSKEY.data(rest=b"\0"))),
    "extensions without their flag": ("malformed", with_data(TOUCHED_AND_VERIFIED, EXTENSIONS)),
    "the flag without extensions": ("malformed", with_data(TOUCHED_AND_VERIFIED | EXTENDED)),
    "extensions that are no map": ("malformed", with_data(TOUCHED_AND_VERIFIED | EXTENDED, cbor([1]))),
    "a byte behind the extensions": (
        "malformed",
        with_data(TOUCHED_AND_VERIFIED | EXTENDED, EXTENSIONS + b"\0"),
    ),
    "the flag of a new key": ("malformed", with_data(TOUCHED_AND_VERIFIED | ATTESTED)),
    "a new key along with it": (
        "malformed",
        with_data(TOUCHED_AND_VERIFIED | ATTESTED, bytes(16) + b"\0\1k" + cbor(PASSKEY.cose)),
    ),
    "no signature": ("malformed", signed_as(lambda _: b"")),
    "a signature without its last byte": ("malformed", signed_as(lambda der: der[:-1])),
    "a byte behind the signature": ("malformed", signed_as(lambda der: der + b"\0")),
    "the two bare numbers": ("malformed", signed_as(bare_numbers)),
    "a negative number": ("malformed", signed_as(lambda _: bytes.fromhex("3006 0201ff 020101"))),
    "a signature of zeros": (
        "bad-signature",
        signed_as(lambda _: utils.encode_dss_signature(0, 0)),
    ),
    "a number larger than the curve's": (
        "bad-signature",
        signed_as(lambda _: utils.encode_dss_signature(2**300, 1)),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_answer_becomes_a_signature_that_our_verifier_accepts(name: str) -> None:
    armored = repacked(GOOD[name])

    answer = verified(armored)
    assert (answer.principal, answer.method, answer.user_verified) == (ALICE, "passkey", True)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_refused_by_name(name: str) -> None:
    reason, assertion = BAD[name]

    with pytest.raises(SignatureError) as refused:
        repacked(assertion)

    assert refused.value.facts["reason"] == reason
    assert refused.value.hint


@pytest.mark.parametrize("kind", ["ed25519_key", "ecdsa_key", "sk_ed25519_key"])
def test_a_key_of_another_kind_is_no_passkey(kind: str) -> None:
    line = getattr(soft, kind)().line

    with pytest.raises(SignatureError) as refused:
        repacked(answering(ASKED), public_key_line=line)

    assert refused.value.facts["reason"] == "unsupported"


@pytest.mark.parametrize(
    "changes", [{"message": b"{}"}, {"namespace": "file"}, {"origins": ()}, {"public_key_line": "no key"}]
)
def test_a_good_answer_is_good_for_one_statement_and_page_only(changes: dict[str, Any]) -> None:
    with pytest.raises(SignatureError):
        repacked(answering(ASKED), **changes)


# ---------------------------------------------------------------- new passkeys


def elsewhere() -> dict[object, object]:
    """Return a key whose point is not on its curve."""
    return {**PASSKEY.cose, -3: bytes(POINT_BYTES)}


def cut_elsewhere() -> dict[object, object]:
    """Return a key whose numbers are a good point only when they are put together."""
    first, second = PASSKEY.cose[-2], PASSKEY.cose[-3]
    assert isinstance(first, bytes) and isinstance(second, bytes)
    return {**PASSKEY.cose, -2: first[:-1], -3: first[-1:] + second}


def unflagged() -> bytes:
    data = bytearray(authenticator_data_of(PASSKEY.attestation()))
    data[32] &= ~ATTESTED
    return cbor({"fmt": "none", "attStmt": {}, "authData": bytes(data)})


def on_p384() -> dict[object, object]:
    numbers = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    return {**PASSKEY.cose, -1: 2, -2: numbers.x.to_bytes(48, "big"), -3: numbers.y.to_bytes(48, "big")}


NEW = TOUCHED_AND_VERIFIED | ATTESTED
BAD_KEYS: dict[str, tuple[str, bytes]] = {
    "nobody touched it": ("no-presence", PASSKEY.attestation(flags=VERIFIED | ATTESTED)),
    "it did not know its user": ("no-verification", PASSKEY.attestation(flags=TOUCHED | ATTESTED)),
    "for another host": ("origin", Authenticator("evil.example").attestation()),
    "no key": ("malformed", PASSKEY.attestation(flags=TOUCHED_AND_VERIFIED)),
    "an RSA key": ("unsupported", PASSKEY.attestation(cose={1: 3, 3: -257, -1: bytes(256), -2: b"\1\0\1"})),
    "an Ed25519 key": ("unsupported", PASSKEY.attestation(cose={1: 1, 3: -8, -1: 6, -2: bytes(32)})),
    "another curve": ("unsupported", PASSKEY.attestation(cose=on_p384())),
    "another algorithm": ("unsupported", PASSKEY.attestation(cose={**PASSKEY.cose, 3: -35})),
    "truth for a curve": ("unsupported", PASSKEY.attestation(cose={**PASSKEY.cose, -1: True})),
    "not on its curve": ("malformed", PASSKEY.attestation(cose=elsewhere())),
    "a short number": ("malformed", PASSKEY.attestation(cose={**PASSKEY.cose, -2: bytes(31)})),
    "a point of two odd halves": (
        "malformed",
        PASSKEY.attestation(cose={**PASSKEY.cose, -2: bytes(31), -3: bytes(33)}),
    ),
    "a point cut elsewhere": ("malformed", PASSKEY.attestation(cose=cut_elsewhere())),
    "a key without its flag": ("malformed", unflagged()),
    "a sign in place of a number": ("malformed", PASSKEY.attestation(cose={**PASSKEY.cose, -3: True})),
    "a part too many": ("malformed", PASSKEY.attestation(cose={**PASSKEY.cose, 2: b"id"})),
    "a key that is no map": ("malformed", PASSKEY.attestation(cose=[1])),
    "no id": ("malformed", PASSKEY.attestation(credential_id=b"")),
    "an id that is too long": ("malformed", PASSKEY.attestation(credential_id=bytes(1024))),
    "a byte behind the key": ("malformed", PASSKEY.attestation(rest=b"\0")),
    "a byte behind it all": ("malformed", PASSKEY.attestation() + b"\0"),
    "nothing": ("malformed", b""),
    "no map": ("malformed", cbor([PASSKEY.data()])),
    "no data of the authenticator": ("malformed", cbor({"fmt": "none", "attStmt": {}})),
    "data that are text": ("malformed", cbor({"authData": "x" * 37})),
    "too long": ("malformed", PASSKEY.attestation(statement={"x5c": [bytes(ATTESTATION_BYTES_MAX)]})),
}


@pytest.mark.parametrize(
    "attestation",
    [
        PASSKEY.attestation(),
        PASSKEY.attestation(flags=NEW | EXTENDED, rest=EXTENSIONS),
        PASSKEY.attestation(statement={"alg": -7, "sig": bytes(70), "x5c": [bytes(900), bytes(900)]}),
    ],
)
def test_a_new_passkey_becomes_a_line_of_signers(attestation: bytes) -> None:
    line, credential_id = registered(attestation)

    key = parse_public_line(line)
    assert (line, credential_id) == (LINE, CREDENTIAL_ID)
    assert (key.algorithm, key.application) == ("sk-ecdsa-sha2-nistp256@openssh.com", HOST)


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_new_passkey_that_is_not_one_is_refused_by_name(name: str) -> None:
    reason, attestation = BAD_KEYS[name]

    with pytest.raises(SignatureError) as refused:
        registered(attestation)

    assert refused.value.facts["reason"] == reason
    assert refused.value.hint


def with_raw_cbor(raw: bytes) -> bytes:
    """Return an attestation object that holds the bytes as a value beside what counts."""
    return b"\xa2" + cbor("authData") + cbor(PASSKEY.data()) + cbor("more") + raw


@pytest.mark.parametrize("raw", "f4 f5 f6 00 17 1818 20 3818 190100 81818101 a12001 8201f4 62c3a9".split())
def test_what_authenticators_write_is_read(raw: str) -> None:
    assert authenticator_data_of(with_raw_cbor(bytes.fromhex(raw))) == PASSKEY.data()


BAD_CBOR = {
    "a float": "f93c00",
    "undefined": "f7",
    "a tag": "c000",
    "an open list": "9fff",
    "open bytes": "5fff",
    "a number that could be shorter": "1817",
    "a longer one that could be shorter": "1900ff",
    "a length that could be shorter": "580101",
    "text that is not UTF-8": "62c328",
    "a name twice": "a201000100",
    "a name that is a list": "a18000",
    "a name that is nothing": "a1f600",
    "too deep": "8181818101",
    "as deep as there are bytes": "81" * 3000,
    "more values than bytes": "9bffffffffffffffff",
    "more pairs than bytes": "bbffffffffffffffff",
    "more bytes than there are": "5bffffffffffffffff",
    "no value": "",
}


@pytest.mark.parametrize("name", BAD_CBOR)
def test_what_no_authenticator_writes_is_refused(name: str) -> None:
    with pytest.raises(SignatureError) as refused:
        authenticator_data_of(with_raw_cbor(bytes.fromhex(BAD_CBOR[name])))

    assert refused.value.facts["reason"] == "malformed"


# ---------------------------------------------------------------- as a browser once answered

# Chromium 156 and its virtual authenticator, which adds extensions of its own to both.
THEIR_ORIGIN, THEIR_MESSAGE = "http://localhost:44889", b"m"
THEIR_KEY = (
    "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2PFAAAAAQECAwQFBgcIAQIDBAUGBwgAIGMzBDpmCYsp05dJrAaf86PHl4ACOPYN"
    "k2uktGSm_clxpQECAyYgASFYILPpE1Elw39AKfg7nzQPSkpmQEivgJODgsJWsZ-yStkJIlgg7kEsERwfksQzzUcwZU3-EC4Jhmh5ps2N"
    "EF1BbciGBP-ha2NyZWRQcm90ZWN0Ag"
)
THEIR_ANSWER = "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2OFAAAAA6FoY3JlZEJsb2JA"
THEIR_SIGNATURE = (
    "MEQCIFf9seXnHy2kHguiTijbeTAh41oc_XH1Yv-UN2pYiu6VAiB6HbgKRsVfVLyH6Ao4ycv0xwwoM_-_Ar0HIn7w9_K5xw"
)


def test_what_a_real_browser_answered_stays_good() -> None:
    line, _ = public_key_line(unpadded(THEIR_KEY), "localhost")
    assertion = Assertion(
        authenticator_data=unpadded(THEIR_ANSWER),
        client_data_json=client_data("webauthn.get", challenge_of(THEIR_MESSAGE, NAMESPACE), THEIR_ORIGIN),
        signature_der=unpadded(THEIR_SIGNATURE),
    )

    assert repacked(assertion, public_key_line=line, message=THEIR_MESSAGE, origins=[THEIR_ORIGIN])


# ---------------------------------------------------------------- whatever the browser sends


def changed(drawn: st.DataObject, data: bytes) -> bytes:
    """Return the data with one byte changed, or a part cut out or doubled."""
    first, last = sorted(drawn.draw(st.tuples(st.integers(0, len(data) - 1), st.integers(0, len(data) - 1))))
    other = data[:first] + bytes([data[first] ^ drawn.draw(st.integers(1, 255))]) + data[first + 1 :]
    return drawn.draw(
        st.sampled_from([other, data[:first] + data[last + 1 :], data[: last + 1] + data[first:]])
    )


@given(st.sampled_from(["authenticator_data", "client_data_json", "signature_der"]), st.data())
def test_no_byte_of_an_answer_can_be_changed(part: str, drawn: st.DataObject) -> None:
    good = GOOD["with extensions"]

    damaged = replace(good, **{part: changed(drawn, getattr(good, part))})

    with pytest.raises(SignatureError):
        repacked(damaged)


@given(st.binary(max_size=200), st.data())
def test_noise_raises_nothing_but_our_error(noise: bytes, drawn: st.DataObject) -> None:
    parts = ("authenticator_data", "client_data_json", "signature_der")
    for assertion in (replace(answering(ASKED), **{part: noise}) for part in parts):
        with pytest.raises(SignatureError):
            repacked(assertion)
    for data in (noise, cbor({"authData": noise}), changed(drawn, PASSKEY.attestation())):
        with contextlib.suppress(SignatureError):
            registered(data)


@given(
    st.integers(0, 255),
    st.sampled_from([b"", EXTENSIONS]),
    st.sampled_from([ORIGIN, "https://evil.example"]),
    st.booleans(),
)
def test_what_is_handed_on_is_what_our_verifier_accepts(
    flags: int, rest: bytes, origin: str, framed: bool
) -> None:
    text = client_data("webauthn.get", CHALLENGE, origin, crossOrigin=framed)
    assertion = PASSKEY.answer(text, PASSKEY.data(flags, rest))

    fits = bool(rest) == bool(flags & EXTENDED) and not flags & ATTESTED
    knew = flags & TOUCHED_AND_VERIFIED == TOUCHED_AND_VERIFIED
    if fits and knew and origin == ORIGIN and not framed:
        assert verified(repacked(assertion)).method == "passkey"
    else:
        with pytest.raises(SignatureError):
            repacked(assertion)


# ---------------------------------------------------------------- what the browser is asked


def test_the_browser_is_asked_for_the_bytes_that_an_ssh_key_would_sign() -> None:
    options = assertion_options(rp_id=HOST, challenge=CHALLENGE, known=[b"\xff\xfe"])

    assert to_be_signed(MESSAGE, NAMESPACE) == CHALLENGE
    assert options["challenge"].startswith("U1NIU0lH") and "=" not in options["challenge"]
    assert options["allowCredentials"] == [{"type": "public-key", "id": "__4"}]
    assert (options["rpId"], options["userVerification"]) == (HOST, "required")


def test_only_passkeys_that_ssh_knows_and_that_know_their_user_are_asked_for() -> None:
    options = registration_options(rp_id=HOST, user_id=b"7", person=ALICE, challenge=NONCE, known=[b"\xff"])

    assert options["pubKeyCredParams"] == [{"type": "public-key", "alg": -7}]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["rp"]["id"] == HOST
    assert options["user"] == {"id": "Nw", "name": ALICE, "displayName": ALICE}
    assert options["excludeCredentials"] == [{"type": "public-key", "id": "_w"}]


def test_reading_the_module_pays_for_no_cryptography() -> None:
    code = "import sys, babysitter.signing.passkeys; sys.exit('cryptography' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
