"""The journal with the real masker: no form of a secret on disk, and every reader gets the true values."""

import base64
import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from babysitter.journal.masking import Masker as Masking
from babysitter.journal.reader import history, read_records
from babysitter.journal.writer import JournalWriter, create_journal
from babysitter.model.events import EffectResolved, ErrorInfo, Event, LogWritten, SignalReceived
from babysitter.secrets.detection.marks import Sealer
from babysitter.secrets.detection.screening import Screen, ScreeningMasker
from babysitter.secrets.masker import Masker
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.secrets.vault import Vault
from babysitter.service.detecting import NothingSought
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.sample_run import HOLDER, RUN_ID, created

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SECRETS = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=8, max_size=24)


def masker_of(secret: str) -> Masking:
    vault = Vault({"env": EnvironmentSource({"API_KEY": secret})}, ["env:API_KEY"])
    # What chance makes may look like a credential that nobody declared; here the declared one counts.
    return ScreeningMasker(Masker(vault), Screen(NothingSought(), Sealer(lambda: bytes(32))))


def kept(masker: Masking, events: list[Event]) -> tuple[bytes, list[Event], list[Event]]:
    """Return all bytes kept, the events as staging gave them back, and as a reader gets them."""
    store = MemoryStore()
    create_journal(store, RUN_ID, {"run.json": {}, "inputs.json": {}}, [created()], masker, FakeClock())
    writer, _ = JournalWriter.open(store, RUN_ID, HOLDER, masker, FakeClock())
    live = [writer.stage(event) for event in events]
    writer.commit()
    writer.close()
    read = list(history(read_records(store, RUN_ID), store, RUN_ID, masker))[1:]
    return b"".join(store.runs[RUN_ID].files.values()), live, read


@pytest.mark.promise("G08")
@pytest.mark.promise("G10")
@given(secret=SECRETS, value=VALUES, around=TEXT)
@example(secret="hunter2-longer", value=None, around="${secret:env:API_KEY}")
@example(secret='","labels":', value=None, around="")
@example(secret="12345678", value={"n": 12345678}, around="$")
def test_every_place_and_form_is_masked_and_read_back(secret: str, value: object, around: str) -> None:
    masker = masker_of(secret)
    coded = base64.b64encode(secret.encode()).decode()
    forms: list[object] = [
        secret,
        f"{around}{secret}{around}",
        coded,
        secret.encode().hex(),
        json.dumps(secret),
        value,
    ]
    texts = [f"{around}{secret}", secret, f"{coded}{around}"]
    events: list[Event] = [
        EffectResolved(effect_id="1-a", attempt=1, status="ok", result={"all": forms, secret: 1}),
        EffectResolved(
            effect_id="1-a",
            attempt=1,
            status="error",
            error=ErrorInfo(name="E", message=texts[0], data=forms),
        ),
        LogWritten(call_id="1", message=texts[1], fields={"value": value}),
        SignalReceived(name=texts[2], payload=forms, sender="bob"),
    ]
    # A secret that our own field names or digests spell cannot be kept out of them.
    empty = kept(masker, [LogWritten(call_id="1", message="m"), SignalReceived(name="n", sender="bob")])[0]
    assume(secret.encode() not in empty)

    data, live, read = kept(masker, events)

    # The machine receives, live too, exactly what a reader of the stored line gets.
    assert live == read
    assert read[0] == structs_with_digest(events[0], read[0])
    for form in (secret, coded, secret.encode().hex()):
        assert form.encode() not in data


def structs_with_digest(event: Event, read: Event) -> Event:
    """The event as it was given, with the digest that staging fills in."""
    assert isinstance(event, EffectResolved)
    assert isinstance(read, EffectResolved)
    return EffectResolved(
        effect_id=event.effect_id,
        attempt=event.attempt,
        status=event.status,
        result=event.result,
        result_sha256=read.result_sha256,
    )
