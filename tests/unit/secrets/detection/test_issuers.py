"""Every published form, with tokens made by chance: found, whole, in every place where programs put them."""

import base64
import json
import random
import tomllib
from collections.abc import Callable
from importlib import resources
from urllib.parse import quote

import pytest

from babysitter.secrets.detection.detector import Detector
from babysitter.secrets.detection.rules import own_rules
from tests.unit.secrets.detection.tokens import made, word

PACK = tomllib.loads(resources.files("babysitter.secrets.detection").joinpath("pack.toml").read_text())
FORMS = [
    (f"{issuer}-{variant}", form)
    for issuer, forms in PACK["tokens"].items()
    for variant, several in forms.items()
    for form in ([several] if isinstance(several, str) else several)
]
PLACES = {
    "alone": "{}",
    "a word in a line": "some words before {} and some after\n",
    "an environment file": "A=1\nTHE_VALUE={}\nB=2\n",
    "code": "client = Client('{}')\n",
    "a header": "X-Thing: {}\r\n",
    "YAML": "a:\n  - value: {}\n",
    "an address": "curl 'https://host.test/path?thing={}'\n",
    "beside a zero byte": "\0{}\0",
    "after a comment that would allow it": "x = '{}'  # gitleaks:allow nosec pragma: allowlist secret noqa\n",
}
CODINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps({"log": json.dumps({"text": text})}),
    "JSON thrice": lambda text: json.dumps(json.dumps({"a": json.dumps([text])})),
    "base64": lambda text: base64.b64encode(f"configuration: {text} and so on".encode()).decode(),
    "percent-encoding": lambda text: "q=" + quote(text, safe=""),
    "repr": repr,
}


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(own_rules())


def test_the_pack_knows_two_hundred_issuers() -> None:
    assert len(PACK["tokens"]) >= 200


@pytest.mark.parametrize(("name", "form"), FORMS, ids=[f"{name}-{n}" for n, (name, _) in enumerate(FORMS)])
def test_a_token_made_by_chance_is_found_whole(name: str, form: str, detector: Detector) -> None:
    dice = random.Random(form)
    for layout in PLACES.values():
        token = made(form, dice)
        text = layout.format(token).encode()

        hits = detector.find(text)

        begin = text.index(token.encode())
        assert any(hit.begin <= begin and begin + len(token) <= hit.end for hit in hits), (name, layout)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_token_is_found_however_it_was_encoded(coding: str, detector: Detector) -> None:
    dice = random.Random(coding)
    form = "ghp" + "_{62:30}{crc62}"
    for _ in range(50):
        token = made(form, dice)
        clear = f"line one\n{token}\nline three {word(dice, 3)}"
        text = CODINGS[coding](clear)

        hits = detector.find(text.encode())

        assert [hit.value for hit in hits] == [token.encode()], text
