"""Signatures of webhooks, as Standard Webhooks has them, so that a receiver's library checks them.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
(symmetric signatures: HMAC-SHA256 over ``id.timestamp.body``, in base64, after ``v1,``).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

KEY_PREFIX = "whsec_"
_KEY_BYTES_MIN, _KEY_BYTES_MAX = 24, 64


def signing_key(text: str) -> bytes | None:
    """Return the bytes of a key written as ``whsec_`` and base64; None when it is none of 24 to 64 bytes."""
    if not text.startswith(KEY_PREFIX):
        return None
    try:
        key = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if _KEY_BYTES_MIN <= len(key) <= _KEY_BYTES_MAX else None


def signed_headers(letter_id: str, now_s: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the headers that prove who sent the body, and when: one signature a key, in their order."""
    content = f"{letter_id}.{now_s}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys]
    return {
        "webhook-id": letter_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
