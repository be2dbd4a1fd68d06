"""Undeclared credentials on the way to disk: marks in their place, nothing else changed, no way around."""

import base64
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.detections import Hit, print_of
from babysitter.model.errors import DetectionError
from babysitter.secrets.detection.detector import Detector
from babysitter.secrets.detection.marks import Sealer, stands_for
from babysitter.secrets.detection.rules import own_rules
from babysitter.secrets.detection.screening import Screen, ScreeningMasker
from tests.unit.secrets.detection.tokens import made
from tests.unit.secrets.fakes import masker_of

DICE = random.Random(4)
TOKEN = made("ghp" + "_{62:30}{crc62}", DICE)
OTHER = made("glpat" + "-{url:20}", DICE)
DECLARED = "correct-horse-9-battery"
SEALER = Sealer(lambda: b"k" * 32)
DETECTOR = Detector(own_rules())


def masker(*allowed: str, declared: str = DECLARED) -> ScreeningMasker:
    return ScreeningMasker(masker_of({"K": declared}), Screen(DETECTOR, SEALER, allowed))


class Broken:
    """A search that fails."""

    def may_hold(self, text: bytes) -> bool:
        raise DetectionError(f"the engine failed on {len(text)} bytes.")

    def find(self, text: bytes, path: str = "") -> list[Hit]:
        raise DetectionError(f"the engine failed on {len(text)} bytes of {path}.")


@pytest.mark.promise("G08")
def test_a_whole_string_becomes_a_mark_and_a_part_of_one_a_shorter_mark() -> None:
    value = {"a": TOKEN, "b": [f"Bearer {TOKEN}!"], "n": 1}

    masked = masker().mask(value)

    hmac8 = SEALER.hmac8(TOKEN.encode())
    assert masked == {
        "a": {"$masked": "github-pat", "hmac8": hmac8},
        "b": [f"Bearer [masked:github-pat:{hmac8}]!"],
        "n": 1,
    }
    assert masker().unmask(masked) == masked
    assert masker().mask_string(TOKEN) == f"[masked:github-pat:{hmac8}]"


def test_a_value_in_which_nothing_is_found_is_returned_itself() -> None:
    value = {"a": ["plain", {"b": 1.5}], "sha256": "0f" * 32}

    assert masker().mask(value) is value
    assert masker().mask_bytes(data := b"plain output\n") is data
    assert masker().take_detections() == []


@pytest.mark.parametrize(
    "value",
    [
        {"log": json.dumps({"inner": json.dumps({"token": TOKEN})})},
        {"log": base64.b64encode(f"the token is {TOKEN}, keep it".encode()).decode()},
        {"log": f"\0\0{TOKEN}\0"},
        {"log": f"x = '{TOKEN}'  # gitleaks:allow nosec"},
        {TOKEN: "a key"},
        {"a": {"b": [[{"c": f"first line\nexport X={TOKEN}\n"}]]}},
        [TOKEN, OTHER, TOKEN],
    ],
)
def test_nothing_of_it_is_left_however_it_is_packed(value: object) -> None:
    screening = masker()

    masked = screening.mask(value)

    written = json.dumps(masked)
    assert TOKEN not in written
    assert OTHER not in written
    assert base64.b64encode(TOKEN.encode()).decode()[4:-8] not in written
    assert screening.take_detections()
    assert not DETECTOR.find(written.encode())
    assert screening.mask(masked) is not None


def test_the_key_says_what_its_string_is() -> None:
    value = {"database": {"password": "tr0ub4dor&3x"}, "title": "tr0ub4dor&3x"}

    masked = masker().mask(value)

    assert masked["database"]["password"]["$masked"] == "named-credential"
    assert masked["title"] == "tr0ub4dor&3x"


def test_what_is_told_names_rule_and_place_and_never_the_value() -> None:
    screening = masker()
    screening.mask({"headers": [{"x-thing": TOKEN}]})

    told = screening.take_detections()

    assert [(each.rule, each.where) for each in told] == [("github-pat", ".headers[0].x-thing")]
    assert told[0].fingerprint == SEALER.fingerprint("github-pat", TOKEN.encode())
    assert TOKEN not in repr(told)
    assert screening.take_detections() == []


@pytest.mark.parametrize("of", ["workspace", "everywhere"])
def test_a_false_alarm_is_allowed_by_its_fingerprint(of: str) -> None:
    fingerprint = (
        SEALER.fingerprint("github-pat", TOKEN.encode())
        if of == "workspace"
        else print_of("github-pat", TOKEN.encode())
    )

    masked = masker(fingerprint).mask([TOKEN, OTHER])

    assert masked[0] == TOKEN
    assert masked[1]["$masked"] == "gitlab-pat"


def test_a_declared_secret_keeps_its_reference_beside_a_mark() -> None:
    screening = masker()
    value = {"a": f"{DECLARED} and {TOKEN}", "password": DECLARED, "url": f"https://u:{DECLARED}@h.test/"}

    masked = screening.mask(value)

    assert masked["a"].startswith("${secret:env:K} and [masked:github-pat:")
    assert masked["password"] == {"$secret": "env:K"}
    assert masked["url"] == "https://u:${secret:env:K}@h.test/"
    assert screening.unmask(masked)["password"] == DECLARED


def test_a_reference_inside_of_what_is_found_goes_with_it_whole() -> None:
    lines = "\n".join("A" + made("{b64:63}", DICE) for _ in range(4))
    begin, end = "-----BEGIN RSA PRIV" + "ATE KEY-----", "-----END RSA PRIV" + "ATE KEY-----"
    text = f"before\n{begin}\n{lines}\n{DECLARED}\n{lines}\n{end}\nafter"
    screening = masker()

    masked = screening.mask(text)

    assert lines[:40] not in masked
    assert screening.unmask(masked) is not None


def test_data_that_looks_like_a_mark_is_escaped_and_comes_back() -> None:
    value = {"$masked": "github-pat", "hmac8": "00000000"}

    masked = masker().mask(value)

    assert masked == {"$$masked": "github-pat", "hmac8": "00000000"}
    assert masker().unmask(masked) == value


def test_a_search_that_fails_lets_nothing_pass() -> None:
    screening = ScreeningMasker(masker_of({"K": DECLARED}), Screen(Broken(), SEALER))
    for step in (screening.mask, screening.mask_string, screening.mask_text, screening.mask_name):
        with pytest.raises(DetectionError):
            step("anything")
    with pytest.raises(DetectionError):
        screening.mask_bytes(b"anything")
    with pytest.raises(DetectionError):
        screening.changes(b'"anything"')


def test_a_file_name_shows_none() -> None:
    name = masker().mask_name(f"out-{TOKEN}.txt")

    assert TOKEN not in name
    assert name.endswith(".txt")
    assert not set(name) & set("${}:[]")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=12)
    | st.just(TOKEN)
    | st.just(f"a {OTHER}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON)
def test_what_is_stored_is_known_again_on_replay(value: Any) -> None:
    screening = masker()

    stored = screening.mask(value)

    assert TOKEN not in json.dumps(stored)
    assert stands_for(screening.unmask(stored), value, SEALER)


def test_another_value_is_not_taken_for_the_one_that_was_masked() -> None:
    another = made("ghp" + "_{62:30}{crc62}", DICE)
    for stored, value in (
        (masker().mask([TOKEN]), [another]),
        (masker().mask(f"a {TOKEN} b"), f"a {another} b"),
        (masker().mask(f"a {TOKEN} b"), f"a {TOKEN} c"),
        (masker().mask({"x": TOKEN}), {"y": TOKEN}),
    ):
        assert not stands_for(stored, value, SEALER)
