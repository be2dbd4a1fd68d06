"""What is taken for a credential by the words beside it, and what is not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.secrets.detection.detector import Detector
from babysitter.secrets.detection.judging import checksum_holds, crc62, is_by_chance
from babysitter.secrets.detection.rules import own_rules
from tests.unit.secrets.detection.tokens import made, word

DETECTOR = Detector(own_rules())
DICE = random.Random(6)
RANDOM = word(DICE, 24)
WORDS = (
    "secret account service manager default production password template connection example development "
    "customer database container application authority"
).split()
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
        "GET /v1/items?api_key={}", "X-Vendor: a\nAuthorization: Vendor-Api-Key {}",
        "docker login -u me --password {} host.test", '["tool", "--token", "{}"]', "mailer_key: {}",
        "const clientSecret: string = '{}';", "privateKey ?= {}", "API_KEY .= '{}'",
        '<add key="ApiToken" value="{}"/>', "<secret>{{mailer AQAAABAAA {}}}</secret>",
        "\x1b[31msecret={}\x1b[0m", 'variable "db_password" {{\n  default = "{}"\n}}',
        r"{{\"inner\": \"{{\\\"client_secret\\\":\\\"{}\\\"}}\"}}",
    ],
)  # fmt: skip
def test_a_random_value_beside_such_a_word_is_found(layout: str) -> None:
    text = layout.format(RANDOM)

    assert RANDOM.encode() in [hit.value for hit in DETECTOR.find(text.encode())], text


@pytest.mark.parametrize(
    "layout",
    [
        "password: {}",
        'password = "{}"',
        "PGPASSWORD={} psql",
        "pwd='{}'",
        "SMTP_PASS={}",
        "curl -u me:{} https://h.test",
        "https://me:{}@h.test/",
        "IDENTIFIED BY '{}'",
        "tool --password {}",
        "pass: {}",
        "machine h.test login me password {}",
    ],
)
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
        "the password must have 8 characters", "pass\n    def test_a2b(self): x = 1",
        "PASS: TestKeys_1 (0.00s)",
        "keys.pyi,sha256=" + "teIt8M6ZEMJrn4s3W0UnW0DZ" * 2, "private_key: x25519.X25519PrivateKey",
        "public: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxX'", "token = 'ops_eyJzaWduSW5BZGRy...'",
        "https://h.test/?key1=value1&key2=value2", "cache-key=9f86d081884c7d659f86d081884c7d65",
        "curl -u neo4j:[PASSWORD] http://h.test", "api_key = 'PasteYourApiTokenHere12'", "curl -u me:${PW} http://h.test",
        "-----BEGIN PRIV" + "ATE KEY-----\n...\n-----END PRIV" + "ATE KEY-----",
        "secret = 'correcthorsebatterystaple'", "GITHUB_TOKEN=MyServiceAccountToken",
        'secret = f"acme-{value1}-{value_2}"',
        "the secret again: ``[true,true]``", "token_count = 1234567890123", "postgres://user:password@localhost/db",
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


@pytest.mark.parametrize("name", ["hashicorp", "onesignal", "signalwire"])
def test_a_name_of_an_issuer_is_not_read_as_a_word_about_something_else(name: str) -> None:
    assert DETECTOR.find(f"{name} token: {RANDOM}".encode()) != []


def test_letters_by_chance_are_told_from_words() -> None:
    dice = random.Random(77)
    chance = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=32)).encode() for _ in range(1000)]
    words = ["".join(dice.choices(WORDS, k=4)).encode() for _ in range(1000)]

    assert sum(map(is_by_chance, chance)) > 900
    assert sum(map(is_by_chance, words)) == 0
