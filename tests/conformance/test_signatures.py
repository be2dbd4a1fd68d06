"""Our verifier and ``ssh-keygen -Y verify`` say the same about good and bad signatures, or ours is stricter.

Each row names our answer (None: accepted, else the reason) and whether ``ssh-keygen`` agrees. It
never accepts less than we do: an auditor with the stock program accepts all that we accepted.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.signature_cases import ALICE, Case, Keygen
from tests.unit.signing import software_keys as soft

pytestmark = pytest.mark.needs("ssh-keygen")
BOB = "bob@example.com"
VALID = ("-V", "20260101:20270101")


@dataclass(frozen=True)
class Row:
    """``agree`` False: ``ssh-keygen`` accepts what we refuse."""

    name: str
    ours: str | None
    build: Callable[[Keygen], Case]
    agree: bool = True


def stricter(name: str, ours: str, build: Callable[[Keygen], Case]) -> Row:
    """Return the row of a case that ``ssh-keygen`` accepts and we refuse."""
    return Row(name, ours, build, agree=False)


def of(
    kind: str, bits: int | None = None, *, namespace: str = soft.NAMESPACE, hash_name: str = "sha512"
) -> Callable[[Keygen], Case]:
    """A signature by a key that ``ssh-keygen`` makes, and a file of signers that names it."""

    def build(keygen: Keygen) -> Case:
        name = f"{kind}{bits or ''}"
        line = keygen.key(name, kind, bits)
        signed = keygen.sign(name, namespace=namespace, hash_name=hash_name)
        return Case(signature=signed, signers=f"{ALICE} {line}\n")

    return build


def alice(**changes: object) -> Callable[[Keygen], Case]:
    """A good signature, verified otherwise than it was made."""
    return lambda keygen: Case(
        **{"signature": keygen.sign("alice"), "signers": f"{ALICE} {keygen.key('alice')}\n", **changes}  # type: ignore[arg-type]
    )


def signers(template: str, **changes: str) -> Callable[[Keygen], Case]:
    """A good signature of Alice's, and a file of signers with keys at {alice}, {bob} and {ca}."""

    def build(keygen: Keygen) -> Case:
        keys = {name: keygen.key(name) for name in ("alice", "bob", "ca")}
        return Case(signature=keygen.sign("alice"), signers=template.format(**keys), **changes)  # type: ignore[arg-type]

    return build


def damaged(change: Callable[[str], str | bytes]) -> Callable[[Keygen], Case]:
    """A good signature, changed as text."""
    return lambda keygen: Case(
        signature=change(keygen.sign("alice")), signers=f"{ALICE} {keygen.key('alice')}\n"
    )


def reblobbed(change: Callable[[bytes], bytes]) -> Callable[[Keygen], Case]:
    """A good signature, changed below its armour."""
    return damaged(lambda text: soft.rearmored(text, change))


def certified(*options: str, **case: str) -> Callable[[Keygen], Case]:
    """A signature with a certificate of Alice's key; ``people``, ``authority``: of the certificate."""
    made = {name: case.pop(name) for name in ("people", "authority") if name in case}
    line = case.pop("line", "{who} cert-authority {ca}\n")

    def build(keygen: Keygen) -> Case:
        ca = keygen.key("ca")
        keygen.key("other-ca")
        keygen.certificate("alice", *(options or VALID), **made)
        signed = keygen.sign("alice-cert.pub")
        return Case(signature=signed, signers=line.format(who=ALICE, ca=ca), **case)  # type: ignore[arg-type]

    return build


def revoked(
    *spec: str, authority: str | None = None, certificate: tuple[str, ...] = ()
) -> Callable[[Keygen], Case]:
    """A signature, with a certificate when its options are given, and a revocation list of these lines."""

    def build(keygen: Keygen) -> Case:
        keys = {name: keygen.key(name) for name in ("alice", "bob", "ca")}
        if certificate:
            keygen.certificate("alice", *VALID, *certificate)
        return Case(
            signature=keygen.sign("alice-cert.pub" if certificate else "alice"),
            signers=f"{ALICE} {'cert-authority ' + keys['ca'] if certificate else keys['alice']}\n",
            revoked=keygen.krl(*(line.format(**keys) for line in spec), authority=authority),
        )

    return build


def listed(*names: str) -> Callable[[Keygen], Case]:
    """A good signature, and a plain list of these people's keys as revoked."""
    return lambda keygen: Case(
        signature=keygen.sign("alice"),
        signers=f"{ALICE} {keygen.key('alice')}\n",
        revoked=("# gone\n\n" + "\n".join(keygen.key(name) for name in names) + "\n").encode(),
    )


def software(
    key: soft.SoftwareKey, *, always: bool = False, options: str = "", hash_name: str = "sha512"
) -> Callable[[Keygen], Case]:
    """A signature by a key that does whatever it is told."""
    return lambda _: Case(
        signature=key.signature(hash_name=hash_name), signers=f"{ALICE} {options}{key.line}\n", always=always
    )


def software_certified(
    key: soft.SoftwareKey, authority: soft.SoftwareKey, **options: object
) -> Callable[[Keygen], Case]:
    """A signature with a certificate that does whatever it is told."""
    whole = soft.certified(key, authority, **options)  # type: ignore[arg-type]
    return lambda _: Case(signature=whole.signature(), signers=f"{ALICE} cert-authority {authority.line}\n")


def hardware_certified(keygen: Keygen) -> Case:
    """A security key whose certificate the stock program made, for a key that must know its user."""
    key = soft.sk_ed25519_key(flags=soft.TOUCHED | soft.VERIFIED)
    keygen.given("token", key.line)
    ca = keygen.key("ca")
    line = keygen.certificate("token", *VALID, "-O", "verify-required")
    whole = soft.with_certificate(key, base64.b64decode(line.split()[1]))
    return Case(signature=whole.signature(), signers=f"{ALICE} cert-authority {ca}\n")


KINDS = [
    Row("ed25519", None, of("ed25519")),
    Row("ed25519 over sha256", None, of("ed25519", hash_name="sha256")),
    Row("ecdsa nistp256", None, of("ecdsa", 256)),
    Row("ecdsa nistp384", None, of("ecdsa", 384)),
    Row("ecdsa nistp521", None, of("ecdsa", 521)),
    Row("ecdsa nistp521 over sha256", None, of("ecdsa", 521, hash_name="sha256")),
    Row("rsa 2048, rsa-sha2-512", None, of("rsa", 2048)),
    Row("rsa 2048, rsa-sha2-256", None, of("rsa", 2048, hash_name="sha256")),
    Row("rsa 3072", None, of("rsa", 3072)),
    stricter("rsa 1024 is weak", "weak-key", of("rsa", 1024)),
    stricter("ed25519 key for which anybody signs", "weak-key", software(soft.forged_ed25519_key())),
    Row("rsa with SHA-1", "weak-key", software(soft.rsa_key(kind="ssh-rsa"))),
    Row("software ecdsa, another maker", None, software(soft.ecdsa_key())),
    Row("software rsa, another maker", None, software(soft.rsa_key(kind="rsa-sha2-256"), hash_name="sha256")),
]
CLAIMS = [
    Row("edited statement", "bad-signature", alice(message=b'{"decision":"reject"}')),
    Row("empty statement", "bad-signature", alice(message=b"")),
    Row("statement with a newline more", "bad-signature", alice(message=soft.MESSAGE + b"\n")),
    Row("other namespace asked", "namespace", alice(namespace="file")),
    Row("other namespace signed", "namespace", of("ed25519", namespace="git")),
    Row("other person, unknown", "wrong-principal", alice(principal=BOB)),
    Row("other person's key", "unknown-signer", signers(f"{ALICE} {{bob}}\n")),
    Row("known as somebody else", "wrong-principal", signers(f"{BOB} {{alice}}\n{ALICE} {{bob}}\n")),
    Row("nobody may sign", "unknown-signer", alice(signers="# nobody\n")),
    Row("two people share a file", None, signers(f"{BOB} {{bob}}\n\n# c\n{ALICE} {{alice}}\n")),
]
LINES = [
    Row("several names", None, signers(f"{BOB},{ALICE} {{alice}} a comment here\n")),
    Row("pattern *", None, signers("*@example.com {alice}\n")),
    Row("pattern ?", None, signers("alic?@example.com {alice}\n")),
    Row("pattern of another domain", "wrong-principal", signers("*@example.org {alice}\n")),
    Row("negated pattern", "wrong-principal", signers(f"*,!{ALICE} {{alice}}\n")),
    Row("case counts", "wrong-principal", signers("Alice@example.com {alice}\n")),
    Row("quoted principals", None, signers(f'"{ALICE}" {{alice}}\n')),
    Row("tabs and a carriage return", None, signers(f"{ALICE}\t{{alice}}\r\n")),
    Row("namespaces that fit", None, signers(f'{ALICE} namespaces="git,babysitter-*" {{alice}}\n')),
    Row("namespaces that don't", "namespace", signers(f'{ALICE} namespaces="git,file" {{alice}}\n')),
    Row("namespaces that forbid", "namespace", signers(f'{ALICE} namespaces="*,!baby*" {{alice}}\n')),
    Row("empty namespaces", "namespace", signers(f'{ALICE} namespaces="" {{alice}}\n')),
    Row("options in capitals", None, signers(f'{ALICE} Namespaces="*" {{alice}}\n')),
    Row("expired key", "expired-key", signers(f'{ALICE} valid-before="20260615115959Z" {{alice}}\n')),
    Row("last second of a key", None, signers(f'{ALICE} valid-before="20260615120000Z" {{alice}}\n')),
    Row("not yet valid", "not-yet-valid", signers(f'{ALICE} valid-after="20260615120001Z" {{alice}}\n')),
    Row("first second of a key", None, signers(f'{ALICE} valid-after="20260615120000Z" {{alice}}\n')),
    Row("times without a zone", None, signers(f'{ALICE} valid-before="202606151200" {{alice}}\n')),
    Row("a day without a zone", "expired-key", signers(f'{ALICE} valid-before="20260615" {{alice}}\n')),
    Row("both times", None, signers(f'{ALICE} valid-after="20260101Z",valid-before="20270101Z" {{alice}}\n')),
    Row("an expired line, then a good one", None, signers(
        f'{ALICE} valid-before="20260101Z" {{alice}}\n{ALICE} {{alice}}\n')),
    Row("authority's line for a plain key", "unknown-signer", signers(f"{ALICE} cert-authority {{alice}}\n")),
    Row("unknown option", "signers", signers(f"{ALICE} no-touch-required {{alice}}\n")),
    Row("open quote", "signers", signers(f'{ALICE} namespaces="git {{alice}}\n')),
    Row("no such date", "signers", signers(f'{ALICE} valid-before="20261399Z" {{alice}}\n')),
    stricter("a date carried over", "signers", signers(f'{ALICE} valid-before="20270230Z" {{alice}}\n')),
    Row("ends before it begins", "signers", signers(
        f'{ALICE} valid-after="20270101Z",valid-before="20260101Z" {{alice}}\n')),
    stricter("a broken line about somebody else", "signers", signers(
        f"{ALICE} {{alice}}\n{BOB} ssh-ed25519 AAAA\n")),
]  # fmt: skip
TEXTS = [
    Row("truncated", "malformed", damaged(lambda text: text[: len(text) // 2])),
    Row("without its last line", "malformed", damaged(lambda text: text.rpartition("-----END")[0])),
    Row("garbled", "malformed", damaged(lambda text: text.replace("U1NI", "!!!!"))),
    Row("empty", "malformed", damaged(lambda _: "")),
    Row("not ASCII", "malformed", damaged(lambda text: b"\xff" + text.encode())),
    Row("text before", "malformed", damaged(lambda text: "hello\n" + text)),
    stricter("text behind", "malformed", damaged(lambda text: text + "hello\n")),
    Row("other line ends", "malformed", damaged(lambda text: text.replace("\n", "\r\n"))),
    Row("other width", None, damaged(soft.rewrapped)),
    Row("bytes behind", "malformed", reblobbed(lambda blob: blob + b"\0")),
    Row("bytes missing", "malformed", reblobbed(lambda blob: blob[:-1])),
    Row("other magic", "malformed", reblobbed(lambda blob: b"SSHSIK" + blob[6:])),
    Row("version 2", "malformed", reblobbed(lambda blob: blob[:9] + b"\2" + blob[10:])),
    stricter("version 0", "malformed", reblobbed(lambda blob: blob[:9] + b"\0" + blob[10:])),
    Row("another hash's name", "bad-signature", reblobbed(lambda blob: blob.replace(b"sha512", b"sha256"))),
    Row("a hash that nobody knows", "malformed", reblobbed(lambda blob: blob.replace(b"sha512", b"sha999"))),
    Row("another key's type", "unsupported", reblobbed(
        lambda blob: blob.replace(b"ssh-ed25519", b"ssh-ed25518", 1))),
    Row("signature of zeros", "bad-signature", reblobbed(lambda blob: blob[:-64] + bytes(64))),
]  # fmt: skip
CERTIFICATES = [
    Row("certificate", None, certified()),
    Row("certificate for several", None, certified(*VALID, people=f"{BOB},{ALICE}")),
    Row("certificate, authority for a domain", None, certified(line="*@example.com cert-authority {ca}\n")),
    Row("certificate, others' line", "wrong-principal", certified(line=f"{BOB} cert-authority {{ca}}\n")),
    Row("certificate of somebody else", "wrong-principal", certified(*VALID, people=BOB)),
    Row("certificate of nobody", "wrong-principal", certified(*VALID, people="")),
    Row("certificate, expired", "certificate-expired", certified("-V", "20250101:20260101")),
    Row("certificate, last second gone", "certificate-expired", certified("-V", "20250101:20260615120000")),
    Row("certificate, not yet", "certificate-not-yet-valid", certified("-V", "20260701:20270101")),
    Row("certificate for a host", "certificate-option", certified("-h", *VALID)),
    Row("certificate of another authority", "unknown-signer", certified(*VALID, authority="other-ca")),
    Row("certificate, key without authority", "unknown-signer", certified(line="{who} {ca}\n")),
    Row("certificate, expired line", "expired-key", certified(
        line='{who} cert-authority,valid-before="20260101Z" {ca}\n')),
    Row("certificate, namespaces", None, certified(
        line='{who} namespaces="babysitter-*",cert-authority {ca}\n')),
    stricter("certificate with a source address", "certificate-option", certified(
        *VALID, "-O", "source-address=10.0.0.0/8")),
    stricter("certificate with a forced command", "certificate-option", certified(
        *VALID, "-O", "force-command=true")),
    stricter("certificate that wants a PIN, of a key in a file", "no-verification", certified(
        *VALID, "-O", "verify-required")),
    Row("certificate that wants a PIN", None, hardware_certified),
    Row("certificate by ecdsa", None, software_certified(
        soft.ecdsa_key("nistp384"), soft.ecdsa_key("nistp521"))),
    Row("certificate by rsa", None, software_certified(soft.rsa_key(), soft.rsa_key())),
    Row("certificate by a security key", None, software_certified(
        soft.sk_ecdsa_key(), soft.sk_ed25519_key())),
    Row("certificate of a passkey", None, software_certified(soft.passkey(), soft.ed25519_key())),
    stricter("certificate by an untouched key", "no-presence", software_certified(
        soft.ed25519_key(), soft.sk_ed25519_key(flags=0))),
    stricter("certificate by SHA-1", "weak-key", software_certified(
        soft.ed25519_key(), soft.rsa_key(kind="ssh-rsa"))),
    stricter("certificate, unknown restriction", "certificate-option", software_certified(
        soft.ed25519_key(), soft.ed25519_key(), critical=("new@example.com",))),
]  # fmt: skip
REVOCATIONS = [
    Row("list of others", None, revoked("key: {bob}")),
    Row("key", "revoked", revoked("key: {alice}")),
    Row("key by SHA-256", "revoked", revoked("sha256: {alice}")),
    Row("key by SHA-1", "revoked", revoked("sha1: {alice}")),
    Row("empty list", None, alice(revoked=b"")),
    Row("plain list", "revoked", listed("bob", "alice")),
    Row("plain list of others", None, listed("bob")),
    Row("broken list", "signers", alice(revoked=b"not a key\n")),
    Row("truncated KRL", "signers", lambda keygen: Case(
        signature=keygen.sign("alice"), signers=f"{ALICE} {keygen.key('alice')}\n",
        revoked=keygen.krl(f"key: {keygen.key('bob')}")[:-3])),
    Row("certificate, list of others", None, revoked("serial: 8", authority="ca", certificate=("-z", "7"))),
    Row("serial", "revoked", revoked("serial: 7", authority="ca", certificate=("-z", "7"))),
    Row("range", "revoked", revoked("serial: 5-9000", authority="ca", certificate=("-z", "7"))),
    Row("range before", None, revoked("serial: 5-9000", authority="ca", certificate=("-z", "9001"))),
    Row("bitmap", "revoked", revoked(*(f"serial: {n}" for n in range(1, 99, 2)), authority="ca",
                                     certificate=("-z", "7"))),
    Row("bitmap between", None, revoked(*(f"serial: {n}" for n in range(1, 99, 2)), authority="ca",
                                        certificate=("-z", "8"))),
    Row("huge serial", "revoked", revoked("serial: 18446744073709551615", authority="ca",
                                          certificate=("-z", "18446744073709551615"))),
    Row("key id", "revoked", revoked("id: alice's laptop", authority="ca", certificate=("-z", "7"))),
    Row("other key id", None, revoked("id: bob's laptop", authority="ca", certificate=("-z", "7"))),
    Row("serial of another authority", None, revoked("serial: 7", authority="bob", certificate=("-z", "7"))),
    Row("certificate's key", "revoked", revoked("key: {alice}", certificate=("-z", "7"))),
    Row("authority", "revoked", revoked("key: {ca}", certificate=("-z", "7"))),
]  # fmt: skip
HARDWARE = [
    Row("sk-ed25519, touched", None, software(soft.sk_ed25519_key())),
    Row("sk-ecdsa, touched", None, software(soft.sk_ecdsa_key(application="ssh:babysitter"))),
    stricter("sk-ed25519, nobody there", "no-presence", software(soft.sk_ed25519_key(flags=0))),
    stricter("sk-ecdsa, nobody there", "no-presence", software(soft.sk_ecdsa_key(flags=0))),
    stricter("sk-ecdsa, known but not touched", "no-presence", software(soft.sk_ecdsa_key(flags=4))),
    stricter("sk-ed25519, PIN wanted", "no-verification", software(soft.sk_ed25519_key(), always=True)),
    Row("sk-ed25519, PIN given", None, software(soft.sk_ed25519_key(flags=5), always=True)),
    Row("passkey", None, software(soft.passkey())),
    Row("passkey over sha256", None, software(soft.passkey(), hash_name="sha256")),
    Row("passkey with extensions", None, software(soft.passkey(flags=5 | soft.EXTENDED, extensions=b"\xa0"))),
    stricter("passkey, nobody there", "no-presence", software(soft.passkey(flags=0))),
    stricter("passkey, user not known", "no-verification", software(soft.passkey(flags=soft.TOUCHED))),
    stricter("passkey used elsewhere", "origin", software(soft.passkey(origin="https://evil.example"))),
    stricter("passkey in a frame", "origin", software(soft.passkey(frame='"crossOrigin":true'))),
    stricter("passkey in a named page", "origin", software(
        soft.passkey(frame='"crossOrigin":false,"topOrigin":"https://evil.example"'))),
    Row("passkey, origin not what it was", "bad-signature", software(
        soft.passkey(origin="https://evil.example", said_origin=soft.ORIGIN))),
    Row("passkey, origin longer", "bad-signature", software(
        soft.passkey(origin=soft.ORIGIN + ".evil.example", said_origin=soft.ORIGIN))),
    Row("passkey, quote in its origin", "malformed", software(
        soft.passkey(origin=soft.ORIGIN + '","a":"b'))),
    Row("passkey made, not used", "bad-signature", software(soft.passkey(kind="webauthn.create"))),
    Row("passkey asked something else", "bad-signature", software(soft.passkey(challenge=b"else"))),
    Row("passkey with attested data", "malformed", software(soft.passkey(flags=5 | soft.ATTESTED))),
    Row("passkey, extensions without their flag", "malformed", software(soft.passkey(extensions=b"\xa0"))),
    Row("passkey, flag without extensions", "malformed", software(soft.passkey(flags=5 | soft.EXTENDED))),
]  # fmt: skip
TABLE = [
    (group, row)
    for group, rows in (
        ("kinds", KINDS), ("claims", CLAIMS), ("lines", LINES), ("texts", TEXTS),
        ("certificates", CERTIFICATES), ("revocations", REVOCATIONS), ("hardware", HARDWARE),
    )
    for row in rows
]  # fmt: skip


@pytest.fixture(scope="module")
def keygen(tmp_path_factory: pytest.TempPathFactory) -> Keygen:
    made = Keygen(folder=tmp_path_factory.mktemp("keys"))
    for name in ("alice", "bob", "ca"):
        made.key(name)
    return made


@pytest.mark.promise("G24")
@pytest.mark.parametrize(
    "row", [row for _, row in TABLE], ids=[f"{group}: {row.name}" for group, row in TABLE]
)
def test_both_verifiers_say_what_the_table_says(row: Row, keygen: Keygen, tmp_path: Path) -> None:
    case = row.build(keygen)

    assert case.ours() == row.ours
    assert case.keygen_accepts(tmp_path) == (row.ours is None or not row.agree)


def test_where_the_verifiers_differ_it_is_ours_that_refuses() -> None:
    different = [row.name for _, row in TABLE if not row.agree]

    assert different
    assert not [row.name for _, row in TABLE if not row.agree and row.ours is None]
