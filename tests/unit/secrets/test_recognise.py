"""Which variables look secret, and how they are read."""

import pytest

from babysitter.secrets.recognise import looks_secret, recognised_names
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.secrets.sources.interface import SecretSource


@pytest.mark.parametrize(
    "name",
    [
        "API_KEY",
        "GITHUB_TOKEN",
        "NPM_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "PGPASSWORD",
        "DB_PASSWORD",
        "MYSQL_PWD",
        "DATABASE_URL",
        "SENTRY_DSN",
        "TWINE_PASSWORD",
        "GOOGLE_CREDENTIALS",
        "client_secret",
        "apiKey",
        "STRIPE_SK_KEY",
        "GH_PAT",
        "SSH_PRIVATE_KEY_BASE64",
        "AZURE_STORAGE_CONNECTION_STRING",
        "GITHUBTOKEN",
        "SESSION_COOKIE",
        "KEY",
        "SLACK_WEBHOOK_URL",
        "JWT",
        "DB_PASS",
        "SIGNING_KEY_V2",
    ],
)
def test_names_that_look_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "PWD",
        "OLDPWD",
        "USER",
        "LANG",
        "TERM",
        "SHELL",
        "MONKEY_BUSINESS",
        "KEYBOARD_LAYOUT",
        "PASSENGER_COUNT",
        "TURKEY",
        "COMPASS",
        "SSH_AUTH_SOCK",
        "TOKEN_TTL",
        "API_KEY_FILE",
        "PASSWORD_MIN_LENGTH",
        "SECRET_NAME",
        "HOMEPAGE_URL",
        "PATTERN",
        "",
        "_",
        "1",
    ],
)
def test_names_that_do_not(name: str) -> None:
    assert not looks_secret(name)


def test_recognised_names_are_split_by_whether_they_can_be_masked() -> None:
    environ = {
        "Z_TOKEN": "long-enough-1",
        "A_TOKEN": "long-enough-2",
        "DB_PASSWORD": "short",
        "EMPTY_KEY": "",
        "HOME": "/home/somebody",
        "BYTES_KEY": "not-text-\udcff-at-all",
    }

    assert recognised_names(environ) == (("A_TOKEN", "Z_TOKEN"), ("BYTES_KEY", "DB_PASSWORD"))


def test_the_environment_is_a_source() -> None:
    source: SecretSource = EnvironmentSource({"K": "value", "EMPTY": ""})

    assert source.scheme == "env"
    assert source.get("K") == "value"
    assert source.get("MISSING") is None
    assert source.get("EMPTY") is None
    assert "value" not in repr(source)


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABYSITTER_TEST_KEY", "a-value-of-a-test")

    assert EnvironmentSource().get("BABYSITTER_TEST_KEY") == "a-value-of-a-test"
