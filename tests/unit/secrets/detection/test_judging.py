"""What is taken for a credential by the words beside it, and what is not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.secrets.detection.detector import Detector
from babysitter.secrets.detection.judging import checksum_holds, crc62
from babysitter.secrets.detection.rules import own_rules
from tests.unit.secrets.detection.tokens import made, word

DETECTOR = Detector(own_rules())
DICE = random.Random(6)
RANDOM = word(DICE, 24)
PASSWORD = "tr0ub4" + "dor&3x"


@pytest.mark.parametrize(
    "layout",
    [
        "api_key = '{}'", 'API_KEY="{}"', "export CLIENT_SECRET={}", '{{"accessToken": "{}"}}',
        "access-token: {}",
        "Authorization: Bearer {}", "x-api-key: {}", "<clientSecret>{}</clientSecret>", "'secret' => '{}'",
        'System.setProperty("SERVICE_TOKEN", "{}")', 'var apiKey string = "{}"', "secret_key := `{}`",
        "--token {}", "token {}", '- name: DB_SECRET\n  value: "{}"', "grafana: {}",
        "curl -u admin:{} https://h.test", "postgres://app:{}@db.test:5432/x",
        r"{{\"inner\": \"{{\\\"client_secret\\\":\\\"{}\\\"}}\"}}",
    ],
)  # fmt: skip
def test_a_random_value_beside_such_a_word_is_found(layout: str) -> None:
    text = layout.format(RANDOM)

    assert RANDOM.encode() in [hit.value for hit in DETECTOR.find(text.encode())], text


@pytest.mark.parametrize("layout", ["password: {}", 'password = "{}"', "PGPASSWORD={} psql", "pwd='{}'"])
def test_a_password_of_a_person_is_found(layout: str) -> None:
    assert [hit.value for hit in DETECTOR.find(layout.format(PASSWORD).encode())] == [PASSWORD.encode()]


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['DB_PASSWORD']", "password: ${DB_PASSWORD}", "token = {{ secrets.TOKEN }}",
        "api_key = 'YOUR_API_KEY_HERE_1234'", "secret = 'xxxxxxxxxxxxxxxxxxxx'",
        "token: <your-token-1234567>",
        "api_key = 'AKIAIOSFODNN7EXAMPLE'", "password = 'changeme123'", "token = parser.next_token2()",
        "commit 3f2a9c1b4d5e6f708192a3b4c5d6e7f809a1b2c3", "sha256: " + "9f86d081884c7d65" * 4,
        "cache_key = '3f2a9c1b4d5e6f708192a3b4c5d6e7f8'", "id: 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        '"integrity": "sha512-' + "9oiKRZ5eU2" * 8 + '=="', "public_key = '3f2a9c1b4d5e6f708192'",
        "released 2024-01-15T10:20:30Z token", "def password_hash_of(user1, user2):",
        "key = sorted(values)[0]",
        "from module import secret_token_v2_factory", "author: token2vec-model-large", "https://user@host.test/path",
        "the password must have 8 characters", "token_count = 1234567890123", "postgres://user:password@localhost/db",
    ],
)  # fmt: skip
def test_what_is_no_credential_is_left_alone(text: str) -> None:
    assert DETECTOR.find(text.encode()) == []


@given(seed=st.integers(0, 10**9))
def test_a_checksum_is_known_and_one_that_is_wrong_is_not(seed: int) -> None:
    token = made("ghp" + "_{62:30}{crc62}", random.Random(seed)).encode()

    assert checksum_holds(token)
    assert not checksum_holds(token[:-1] + (b"a" if token[-1:] != b"a" else b"b"))
    assert len(crc62(token)) == 6


@pytest.mark.parametrize("size", [0, 1, 700, 65_536, 3_000_000])
def test_a_credential_is_found_wherever_it_stands_in_a_large_text(size: int) -> None:
    token = made("glpat" + "-{url:20}", random.Random(size)).encode()

    hits = DETECTOR.find(b"ab \n" * (size // 4) + token + b" cd" * 9)

    assert [hit.value for hit in hits] == [token]


@pytest.mark.parametrize("before", [0, 1000, 4090, 8190, 20_000])
@pytest.mark.parametrize("length", [40, 5000, 30_000])
def test_what_reaches_over_parts_of_a_long_text_is_found_whole(before: int, length: int) -> None:
    """A long text is searched in parts; a token may be longer than a part."""
    token = (
        b"pypi-AgEIcHlwaS5vcmc" + made(f"{{url:{max(60, length)}}}", random.Random(before)).encode() + b"a1"
    )
    text = b"plain words\n" * (before // 12) + token + b"\n" + b"more words\n" * 3000

    hits = DETECTOR.find(text)

    assert [hit.value for hit in hits if hit.rule == "pypi-upload"] == [token]
