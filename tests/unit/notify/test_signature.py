"""Signatures as Standard Webhooks has them, held against a documented example and openssl."""

import base64
import subprocess

import pytest

from babysitter.service.notify.signature import signed_headers, signing_key

OLD, NEW = b"o" * 32, b"n" * 24


def test_a_signature_is_the_one_of_the_documented_example() -> None:
    """The example with which Svix, who the specification came from, documents its own webhooks."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert key is not None

    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [key])

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.needs("openssl")
def test_openssl_makes_the_same_signature() -> None:
    headers = signed_headers("msg_1", 1700000000, b'{"a":1}', [OLD])

    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{OLD.hex()}", "-binary"],
        input=b'msg_1.1700000000.{"a":1}',
        capture_output=True,
        check=True,
    ).stdout
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(made).decode()}"


def test_while_keys_change_there_is_a_signature_for_each() -> None:
    both = signed_headers("msg_1", 1, b"{}", [NEW, OLD])["webhook-signature"].split(" ")

    assert both == [signed_headers("msg_1", 1, b"{}", [key])["webhook-signature"] for key in (NEW, OLD)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        base64.b64encode(OLD).decode(),
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
        "whsec_not base64 at all, though it is long enough",
        "whsec_" + "ä" * 44,
    ],
)
def test_what_is_no_key_is_none(text: str) -> None:
    assert signing_key(text) is None
