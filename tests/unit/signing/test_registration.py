"""A new passkey is taken only where our page asked for it, with our challenge, in no frame of another's."""

import pytest

from babysitter.model.errors import SignatureError
from babysitter.signing.passkeys import check_registration
from tests.unit.signing.software_authenticator import ORIGIN, client_data

ORIGINS = frozenset({ORIGIN, "https://other.example.com"})
NONCE = b"never used before"


def test_a_passkey_made_on_a_page_of_ours_with_our_challenge_is_taken() -> None:
    check_registration(client_data("webauthn.create", NONCE), challenge=NONCE, origins=ORIGINS)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("bad-signature", client_data("webauthn.get", NONCE)),
        ("bad-signature", client_data("webauthn.create", b"another challenge")),
        ("origin", client_data("webauthn.create", NONCE, "https://evil.example")),
        ("origin", client_data("webauthn.create", NONCE, crossOrigin=True)),
        ("origin", client_data("webauthn.create", NONCE, topOrigin="https://evil.example")),
        ("malformed", b"[]"),
    ],
)
def test_a_passkey_made_for_anything_else_is_refused_and_the_reason_named(reason: str, said: bytes) -> None:
    with pytest.raises(SignatureError) as refused:
        check_registration(said, challenge=NONCE, origins=ORIGINS)

    assert refused.value.facts["reason"] == reason
