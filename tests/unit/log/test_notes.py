"""Signed notes: what was signed by whom is believed; everything else is refused or believed by nobody."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from babysitter.log.notes import (
    LOG_KEY,
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    TIME_S_MAX,
    WITNESS_KEY,
    Note,
    NoteSignature,
    VerifierKey,
    cosign,
    cosigned_at,
    is_signed_by,
    parse_key,
    parse_note,
    sign_note,
    verifier_of,
)
from babysitter.model.errors import WitnessError

TEXT = "logs.example.com/ours\n3\nAAAA\n"
NAME, WITNESS = "logs.example.com/ours", "w.example.com"
KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2))
LOG = verifier_of(KEY, NAME, LOG_KEY)
WITNESSING = verifier_of(OTHER, WITNESS, WITNESS_KEY)
TIME_S = 1_769_854_530
# The example of C2SP's signed-note page: made by another implementation.
THEIR_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
THEIR_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6R"
    "yyBwJnAM=\n"
)


def signed(text: str = TEXT, *more: NoteSignature) -> Note:
    return Note(text=text, signatures=(sign_note(text, KEY, NAME), *more))


def test_a_note_comes_back_from_its_text_as_it_was() -> None:
    note = signed(TEXT, cosign(TEXT, OTHER, WITNESS, TIME_S))

    again = parse_note(str(note))

    assert again == note
    assert is_signed_by(again, LOG)
    assert cosigned_at(again, WITNESSING) == TIME_S


def test_a_note_that_another_implementation_signed_is_believed() -> None:
    assert is_signed_by(parse_note(THEIR_NOTE), parse_key(THEIR_KEY))


def test_a_key_comes_back_from_its_text_as_it_was() -> None:
    for key in (LOG, WITNESSING):
        assert parse_key(str(key)) == key
        assert parse_key(f"{key}\n") == key
    assert str(parse_key(THEIR_KEY)) == THEIR_KEY


@pytest.mark.parametrize(
    "key",
    [
        verifier_of(OTHER, NAME, LOG_KEY),
        verifier_of(KEY, "logs.example.com/theirs", LOG_KEY),
        VerifierKey(name=NAME, kind=LOG_KEY, public=bytes(32)),
    ],
    ids=["another key", "another name", "no point of the curve"],
)
def test_a_note_is_not_signed_by(key: VerifierKey) -> None:
    assert not is_signed_by(signed(), key)


def test_a_signature_under_our_key_id_by_another_key_does_not_hold() -> None:
    forged = sign_note(TEXT, OTHER, NAME)
    forged = NoteSignature(name=NAME, key_id=LOG.key_id, blob=forged.blob)

    assert not is_signed_by(Note(text=TEXT, signatures=(forged,)), LOG)


def test_one_signature_that_holds_is_enough_whatever_stands_beside_it() -> None:
    """Keys are told apart by four bytes, so another's signature may bear our id."""
    beside = NoteSignature(name=NAME, key_id=LOG.key_id, blob=bytes(64))

    assert is_signed_by(Note(text=TEXT, signatures=(beside, sign_note(TEXT, KEY, NAME))), LOG)


@given(st.integers(min_value=0, max_value=len(TEXT) - 1))
def test_a_changed_text_is_not_signed(place: int) -> None:
    changed = TEXT[:place] + ("x" if TEXT[place] != "x" else "y") + TEXT[place + 1 :]

    assert not is_signed_by(Note(text=changed, signatures=signed().signatures), LOG)


def test_a_witness_does_not_sign_for_the_log_nor_the_log_for_a_witness() -> None:
    as_witness = verifier_of(KEY, NAME, WITNESS_KEY)

    assert cosigned_at(signed(), as_witness) is None
    assert not is_signed_by(signed(TEXT, cosign(TEXT, KEY, NAME, TIME_S)), verifier_of(OTHER, NAME, LOG_KEY))
    with pytest.raises(AssertionError):
        is_signed_by(signed(), WITNESSING)


def test_a_cosignature_holds_for_its_own_time_only() -> None:
    given_one = cosign(TEXT, OTHER, WITNESS, TIME_S)
    moved = NoteSignature(
        name=WITNESS, key_id=given_one.key_id, blob=(TIME_S - 1).to_bytes(8, "big") + given_one.blob[8:]
    )

    assert cosigned_at(Note(text=TEXT, signatures=(moved,)), WITNESSING) is None


def test_of_several_cosignatures_the_earliest_counts() -> None:
    times = [cosign(TEXT, OTHER, WITNESS, TIME_S + later) for later in (9, 0, 5)]

    assert cosigned_at(Note(text=TEXT, signatures=tuple(times)), WITNESSING) == TIME_S


def test_a_witness_that_is_in_no_calendar_saw_nothing() -> None:
    late = cosign(TEXT, OTHER, WITNESS, TIME_S_MAX + 1)

    assert cosigned_at(Note(text=TEXT, signatures=(late,)), WITNESSING) is None


def test_signatures_of_unknown_keys_are_kept() -> None:
    unknown = NoteSignature(name="else.example.com", key_id=b"\x00\x01\x02\x03", blob=b"of another kind")

    again = parse_note(str(signed(TEXT, unknown)))

    assert unknown in again.signatures
    assert is_signed_by(again, LOG)


def test_a_signature_is_not_added_twice() -> None:
    once = cosign(TEXT, OTHER, WITNESS, TIME_S)

    assert signed().with_signatures(once, once).with_signatures(once) == signed(TEXT, once)


@given(st.integers(min_value=0, max_value=len(str(signed())) - 2))
def test_a_note_that_was_cut_off_is_not_believed(length: int) -> None:
    try:
        cut = parse_note(str(signed())[:length])
    except WitnessError:
        return
    assert not is_signed_by(cut, LOG)


@given(st.text(max_size=200))
def test_whatever_is_read_as_a_note_is_one(text: str) -> None:
    try:
        note = parse_note(text)
    except WitnessError:
        return
    assert str(note) == text


SIGNATURE = str(sign_note(TEXT, KEY, NAME))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        TEXT,
        TEXT + "\n",
        TEXT + SIGNATURE,
        "\n\n" + SIGNATURE,
        f"{TEXT}\n{SIGNATURE[:-1]}",
        f"{TEXT}\n{SIGNATURE}\n",
        f"{TEXT}\n{SIGNATURE}no signature\n",
        f"{TEXT}\n- {SIGNATURE[2:]}",
        f"{TEXT}\n\u2014 {NAME}\n",
        f"{TEXT}\n\u2014 {NAME} ????\n",
        f"{TEXT}\n\u2014 {NAME} {SIGNATURE.split()[2]} more\n",
        f"{TEXT}\n\u2014 two names {SIGNATURE.split()[2]}\n",
        f"{TEXT}\n\u2014 a+b {SIGNATURE.split()[2]}\n",
        f"{TEXT}\n\u2014 {NAME} {base64.b64encode(b'1234').decode()}\n",
        f"{TEXT}\n\u2014 {NAME} QUJDREV=\n",
        f"{TEXT}\r\n\n{SIGNATURE}",
        f"{TEXT}\x00\n\n{SIGNATURE}",
        f"{TEXT}\x1b[2J\n\n{SIGNATURE}",
        f"{TEXT}\ud800\n\n{SIGNATURE}",
        f"{TEXT}\n\u2014 \ud800 {SIGNATURE.split()[2]}\n",
        f"{TEXT}\n{SIGNATURE * (SIGNATURES_MAX + 1)}",
        "x" * NOTE_BYTES_MAX + f"\n\n{SIGNATURE}",
    ],
)
def test_a_hostile_note_is_refused(text: str) -> None:
    with pytest.raises(WitnessError):
        parse_note(text)


ENCODED = str(LOG).rpartition("+")[2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "++",
        NAME,
        f"{NAME}+00000000+{ENCODED}",
        f"{NAME}+{LOG.key_id.hex().upper()}+{ENCODED}",
        f"other+{LOG.key_id.hex()}+{ENCODED}",
        f"{NAME}+{LOG.key_id.hex()}+{ENCODED[:-4]}",
        f"{NAME}+{LOG.key_id.hex()}+{ENCODED}====",
        f"two words+{LOG.key_id.hex()}+{ENCODED}",
        f"\ud800+{LOG.key_id.hex()}+{ENCODED}",
        str(VerifierKey(name=NAME, kind=0x02, public=LOG.public)),
    ],
)
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WitnessError) as refusal:
        parse_key(text)

    assert refusal.value.hint
