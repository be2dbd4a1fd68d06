"""A time stamping authority as a witness: it says that a checkpoint existed at a time, and no more.

Two checkpoints that contradict each other are stamped alike, so this closes no fork; it dates what is there.
The token stamps the text of the note (what comes before the empty line), so that it stays
valid as signatures are added. It is checked without us:

    sed '/^$/,$d' checkpoint > text
    openssl ts -verify -data text -in checkpoint.tsr -CAfile roots.pem

Source: RFC 3161.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from babysitter.log.witness.endpoint import Endpoint
from babysitter.log.witness.interface import CheckpointUpdate, Cosigned, not_cosigned
from babysitter.model.errors import WitnessError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client.tsp import Accuracy

TOKEN_BYTES_MAX = 64 * 1024
ROOTS_BYTES_MAX = 1024 * 1024
_ROOTS_MAX = 32
_OIDS = {"sha256": "2.16.840.1.101.3.4.2.1", "sha512": "2.16.840.1.101.3.4.2.3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampWitness:
    """See interface.Witness. ``roots``: PEM of the certificates that may vouch for the authority."""

    name: str
    endpoint: Endpoint
    roots: bytes
    digest: Literal["sha256", "sha512"] = "sha256"

    def cosign(self, update: CheckpointUpdate) -> Cosigned:
        """See Witness."""
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder  # noqa: PLC0415 (40 ms to import)

        text = update.read()[0].text
        _certificates(self.roots, self.name)
        algorithm = HashAlgorithm[self.digest.upper()]
        request = TimestampRequestBuilder().data(text.encode()).hash_algorithm(algorithm).build()
        answer = self.endpoint.post("", request.as_bytes(), "application/timestamp-query")
        if answer.status != 200 or answer.content_type != "application/timestamp-reply":
            what = f"answered with status {answer.status} and no time stamp"
            raise not_cosigned(
                self.name, "away", what, "Look at its address in the settings; try again later."
            )
        assert request.nonce is not None, "asked for"
        time_s = _time_of(answer.body, text, _Expected(roots=self.roots, nonce=request.nonce), self.name)
        return Cosigned(token=answer.body, time_s=time_s)


def stamped_at(token: bytes, text: str, roots: bytes, *, witness: str = "timestamp") -> int:
    """Return when a note's text existed at the latest, in seconds since 1970, as a kept token says.

    Args:
        token: DER of the authority's response.
        text: of the note, up to and without its empty line.
        roots: PEM of the certificates that may vouch for the authority.
        witness: named in errors.

    Raises:
        WitnessError: the token is broken, over something else, or not vouched for.
    """
    return _time_of(token, text, _Expected(roots=roots, nonce=None), witness)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expected:
    """``nonce``: of the request that was just made; None for a token that was kept."""

    roots: bytes
    nonce: int | None


def _time_of(token: bytes, text: str, expected: _Expected, witness: str) -> int:
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response  # noqa: PLC0415

    certificates = _certificates(expected.roots, witness)
    if len(token) > TOKEN_BYTES_MAX:
        raise _proves_nothing(witness, f"a token of {len(token)} bytes")
    builder = VerifierBuilder()
    for each in certificates:
        builder = builder.add_root_certificate(each)
    if expected.nonce is not None:
        builder = builder.nonce(expected.nonce)
    try:
        response = decode_timestamp_response(token)
        if response.status != 0:
            raise _proves_nothing(witness, f"the authority refused, with status {response.status}")
        info = response.tst_info
        if info.message_imprint.hash_algorithm.dotted_string not in _OIDS.values():
            raise _proves_nothing(witness, "a weak digest")
        builder.build().verify_message(response, text.encode())
        return math.ceil(info.gen_time.timestamp() + _seconds_of(info.accuracy))
    except (VerificationError, ValueError, TypeError, OverflowError) as error:
        raise _proves_nothing(witness, str(error)) from error


def _seconds_of(accuracy: "Accuracy | None") -> float:
    """Return how far the time may be off. An authority may say nothing, or leave any part out."""
    if accuracy is None:
        return 0.0
    return (accuracy.seconds or 0) + (accuracy.millis or 0) / 1e3 + (accuracy.micros or 0) / 1e6


def _certificates(pem: bytes, witness: str) -> "list[Certificate]":
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 (30 ms to import)

    try:
        found = load_pem_x509_certificates(pem) if len(pem) <= ROOTS_BYTES_MAX else []
    except ValueError:
        found = []
    unique = list(dict.fromkeys(found))
    if not 0 < len(unique) <= _ROOTS_MAX:
        hint = f"Name a PEM file with the root certificates that may vouch for it, {_ROOTS_MAX} at most."
        raise not_cosigned(witness, "settings", "has no usable root certificates", hint)
    return unique


def _proves_nothing(witness: str, why: str) -> WitnessError:
    what = f"gave a time stamp that proves nothing: {why[:200]}"
    return not_cosigned(
        witness, "answer", what, "Look at its address and at the root certificates in the settings."
    )
