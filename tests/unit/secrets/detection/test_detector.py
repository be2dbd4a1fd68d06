"""The search as a whole: nothing switches it off or makes it endless, and what is found is found whole."""

import json
import random
from collections.abc import Callable

import pytest

from babysitter.model.errors import DetectionError
from babysitter.secrets.detection import detector as module
from babysitter.secrets.detection.detector import Detector, gate_expressions
from babysitter.secrets.detection.gate import SetGate
from babysitter.secrets.detection.judging import is_credential
from babysitter.secrets.detection.rules import Rule, RuleSet, own_rules
from tests.unit.secrets.detection.tokens import made, word

DETECTOR = Detector(own_rules())
DICE = random.Random(21)
TOKEN = made("glpat" + "-{url:20}", DICE)
PASSWORD = "tr0ub4" + "dor&3x"
BEGIN, END = "-----BEGIN " + "PRIVATE KEY-----", "-----END " + "PRIVATE KEY-----"
BODY = "\n".join(word(DICE, 64) for _ in range(6))


def values(text: str) -> list[str]:
    return [hit.value.decode() for hit in DETECTOR.find(text.encode("utf-8", "surrogatepass"))]


@pytest.mark.parametrize(
    "wrap",
    [
        "\0{}\0", "\ud800{}\udfff", "x = '{}'  # nosec gitleaks:allow pragma: allowlist secret\n",
        "// babysitter:allow\n{}\n", "\ufeff{}", "\x1b[31m{}\x1b[0m",
    ],
)  # fmt: skip
def test_nothing_in_the_data_switches_the_search_off(wrap: str) -> None:
    assert TOKEN in values(wrap.format(TOKEN))


@pytest.mark.parametrize(
    "text",
    [
        f"token={TOKEN}", f"password: '{PASSWORD}'", f"export const key =\n  '{TOKEN}'",
        f"{BEGIN}\n{BODY}\n{END}\n",
        f"curl https://host.test \\\n  --user me:{PASSWORD}", f"https://me:{PASSWORD}@host.test/",
        f'{{"kty":"RSA","n":"AQAB","d":"{word(DICE, 86)}"}}', f"CREATE ROLE me WITH PASSWORD '{PASSWORD}';",
    ],
)  # fmt: skip
def test_what_is_found_as_it_stands_is_found_as_json_in_json(text: str) -> None:
    twice = json.dumps({"log": json.dumps({"text": text})})

    assert DETECTOR.may_hold(text.encode())
    assert len(DETECTOR.find(text.encode())) == 1
    assert DETECTOR.may_hold(twice.encode())
    assert len(DETECTOR.find(twice.encode())) == 1


def test_an_engine_that_fails_is_an_error_and_no_empty_answer() -> None:
    class Dead:
        def ids(self, text: bytes) -> list[int]:
            raise DetectionError(f"failed on {len(text)} bytes.")

    dead = Detector(own_rules(), gate=Dead())

    with pytest.raises(DetectionError):
        dead.find(TOKEN.encode())
    with pytest.raises(DetectionError):
        dead.may_hold(TOKEN.encode())


@pytest.mark.parametrize(
    "piece",
    [
        f"{BEGIN}xxxxxxxx\n", "-fm" + "2_" + "a" * 100, "data: aaaaaaaa\n", "auth=", "password=", "key=a&",
        "'d':'aaaaaaaaaaaaaaaa'", "<secret>", "name=token value=",
    ],
)  # fmt: skip
def test_what_is_none_is_looked_at_no_more_often_than_there_are_such(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at again from every place inside of it, a text of 100 KB once took half a minute."""
    looked_at = 0

    def counted(rule: Rule, value: bytes, *rest: bytes) -> bool:
        nonlocal looked_at
        looked_at += len(value)
        return judge(rule, value, *rest)

    judge: Callable[..., bool] = is_credential
    monkeypatch.setattr(module, "is_credential", counted)
    count = 1200
    text = (piece * count).encode()

    assert DETECTOR.find(text) == []
    assert looked_at < 300 * len(text) // len(piece) + 4 * len(text)


def test_a_row_of_placeholders_in_a_key_does_not_hide_it() -> None:
    """Armour has room for comments, and who writes the data writes them."""
    text = f"{BEGIN}\nComment: xxxxxxxxxxxx ********\n{BODY}\n{END}\n"

    assert values(text) == [text.rstrip("\n")]


def test_a_key_behind_one_that_is_none_is_found() -> None:
    text = f"{BEGIN}\nxxxxxxxx\n{BEGIN}\n{BODY}\n{END}\n"

    assert BODY in values(text)[0]


def test_a_placeholder_beside_the_values_of_a_kubernetes_secret_does_not_hide_them() -> None:
    text = f"kind: Secret\ndata:\n  a: eHh4eHh4eHh4eHh4\n  b: {word(DICE, 24)}\n"

    assert [hit.rule for hit in DETECTOR.find(text.encode())] == ["kubernetes-secret"]


@pytest.mark.parametrize("length", [199, 200, 201, 350, 5000])
def test_a_long_value_beside_a_word_is_taken_to_its_end(length: int) -> None:
    value = word(DICE, length)

    assert values(f'api_key = "{value}"\nnext = 1\n') == [value]


def test_a_password_behind_a_long_value_that_is_none_is_found() -> None:
    text = "cookie=" + "x" * 700 + "&password=" + PASSWORD

    assert any(found.endswith(PASSWORD) for found in values(text))


@pytest.mark.parametrize("text", ["id: A-7351", "id: B-7351"])
def test_the_first_group_that_has_matched_something_is_the_credential(text: str) -> None:
    """Of an expression with alternatives only one group matches; gitleaks takes that one."""
    rule = Rule(id="team", regex="A-([0-9]{4})|B-([0-9]{4})")

    assert [hit.value for hit in Detector(RuleSet(rules=(rule,))).find(text.encode())] == [b"7351"]


def test_a_short_prefix_in_the_midst_of_base64_is_none() -> None:
    blob = word(DICE, 40) + "/EAA" + word(DICE, 120)

    assert values(f"x = '{blob}'") == []
    assert values(f"x = 'EAA{word(DICE, 120)}'") != []


def test_without_hyperscan_a_team_rule_is_asked_of_escaped_text_too() -> None:
    rules = RuleSet(rules=(Rule(id="team", regex='"acme": "([a-z]{8})"'),))
    detector = Detector(rules, gate=SetGate(gate_expressions(rules)))

    assert [hit.value for hit in detector.find(rb'{\"acme\":\ "abcdefgh\"}')] == []
    assert [hit.value for hit in detector.find(b'\\n "acme": "abcdefgh"')] == [b"abcdefgh"]
