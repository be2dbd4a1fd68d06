"""Certificates of people: a key, for whom it stands, for how long, signed by an authority.

``parse_signer`` reads a plain key or a certificate, and a certificate is only
returned when its authority's signature over it is good. Whom the authority is trusted
for, the file of signers says; whether the certificate covers a person at a time,
``Certificate.check_covers`` says.

Rules beyond OpenSSH's, each because nobody here could enforce what it says:
    - a critical option other than ``verify-required`` refuses (``source-address``, ``force-command``);
    - no principals means nobody, not everybody.

Source: OpenSSH, PROTOCOL.certkeys.
"""

from dataclasses import dataclass

from babysitter.signing.checks import check
from babysitter.signing.keys import ALGORITHMS, PublicKey, parse_key, read_key
from babysitter.signing.refusals import refusal
from babysitter.signing.wire import Reader, WireError

PRINCIPALS_MAX = 256
_OPTIONS_MAX = 64
_SUFFIX = "-cert-v01@openssh.com"
_USER_TYPE = 1


def _certificate_name(algorithm: str) -> str:
    return algorithm.removesuffix("@openssh.com") + _SUFFIX


_PLAIN_OF = {_certificate_name(algorithm): algorithm for algorithm in ALGORITHMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate whose authority did sign it. Times are seconds since 1970.

    key: whom it is for. authority: who signed it; never itself a certificate.
    valid_before_s: the first second in which it no longer holds.
    """

    key: PublicKey
    authority: PublicKey
    serial: int
    user_type: int
    key_id: str
    principals: tuple[str, ...]
    valid_after_s: int
    valid_before_s: int
    critical_options: tuple[str, ...]

    @property
    def verification_required(self) -> bool:
        """True when the authority wants the security key to have known its user."""
        return "verify-required" in self.critical_options

    def check_covers(self, principal: str, at_s: int) -> None:
        """Refuse unless it makes its key the person's at that second.

        Raises:
            SignatureError: ``certificate-option``, ``certificate-not-yet-valid``, ``certificate-expired``
                or ``wrong-principal``.
        """
        self.check_holds(at_s)
        if principal not in self.principals:
            named = ", ".join(self.principals) or "nobody"
            raise refusal("wrong-principal", f"{self} is for {named}, not for {principal}.")

    def check_holds(self, at_s: int) -> None:
        """Refuse unless it is a person's and valid at that second, as ``check_covers``."""
        unknown = [option for option in self.critical_options if option != "verify-required"]
        if self.user_type != _USER_TYPE or unknown:
            restricted = f"restricts by {unknown[0]!r}" if unknown else "is not for a person"
            raise refusal("certificate-option", f"{self} {restricted}.")
        if at_s < self.valid_after_s:
            raise refusal("certificate-not-yet-valid", f"{self} was not yet valid.")
        if at_s >= self.valid_before_s:
            raise refusal("certificate-expired", f"{self} was no longer valid.")

    def __str__(self) -> str:
        return f"Certificate {self.key_id!r} (serial {self.serial})"


def parse_signer(blob: bytes) -> PublicKey | Certificate:
    """Return the plain key or the certificate of a blob; a certificate's signature has been checked.

    Raises:
        SignatureError: ``malformed``, ``unsupported``, or what ``check`` says of the authority's signature.
    """
    try:
        reader = Reader(blob)
        algorithm = _PLAIN_OF.get(reader.text())
        return parse_key(blob) if algorithm is None else _read_certificate(algorithm, blob, reader)
    except WireError as broken:
        raise refusal("malformed", f"The key or certificate {broken}.") from None


def plain_key(signer: PublicKey | Certificate) -> PublicKey:
    """Return the key itself, taken out of a certificate."""
    return signer.key if isinstance(signer, Certificate) else signer


def listed_key(signer: PublicKey | Certificate) -> PublicKey:
    """Return the key by which a file of signers names it: its own, or its authority's."""
    return signer.authority if isinstance(signer, Certificate) else signer


def _read_certificate(algorithm: str, blob: bytes, reader: Reader) -> Certificate:
    reader.string()  # the nonce
    key = read_key(algorithm, reader)
    serial, user_type, key_id = reader.u64(), reader.u32(), reader.text()
    principals = _principals(reader.string())
    valid_after_s, valid_before_s = reader.u64(), reader.u64()
    critical = _options(reader.string())
    _options(reader.string())  # extensions: none of them means anything here
    reader.string()  # reserved
    authority = parse_key(reader.string())
    signed = blob[: reader.at]
    signature = reader.string()
    reader.done()
    _check_authority(authority, signature, signed)
    return Certificate(
        key=key,
        authority=authority,
        serial=serial,
        user_type=user_type,
        key_id=key_id,
        principals=principals,
        valid_after_s=valid_after_s,
        valid_before_s=valid_before_s,
        critical_options=critical,
    )


def _check_authority(authority: PublicKey, signature: bytes, signed: bytes) -> None:
    presence = check(authority, signature, signed)
    if presence is None:
        return
    if presence.origin is not None:
        raise WireError("is signed through a browser, as no authority does")
    if not presence.user_present:
        raise refusal("no-presence", f"Nobody touched the authority's key {authority.fingerprint}.")


def _principals(data: bytes) -> tuple[str, ...]:
    reader = Reader(data)
    found: list[str] = []
    while reader.more():
        if len(found) == PRINCIPALS_MAX:
            raise WireError(f"names more than {PRINCIPALS_MAX} people")
        found.append(reader.text())
    return tuple(found)


def _options(data: bytes) -> tuple[str, ...]:
    reader = Reader(data)
    found: list[str] = []
    while reader.more():
        if len(found) == _OPTIONS_MAX:
            raise WireError(f"has more than {_OPTIONS_MAX} options")
        found.append(reader.text())
        reader.string()  # its value: none that we know has one
    return tuple(found)
