"""TLS that the server ends itself: what it takes and refuses, and a certificate that is renewed under it."""

import datetime as dt
import ipaddress
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from babysitter.model.errors import RefusedError, SettingsError
from babysitter.server.listening import Certificate
from tests.integration.server.listening import listening


def certified(folder: Path, serial: int) -> tuple[Path, Path]:
    """Write a certificate of this machine and its key; return both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    alternative = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert, key_file = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    key_file.chmod(0o600)
    return cert, key_file


def seen_serial(port: int, **versions: ssl.TLSVersion) -> int:
    """Return the number of the certificate that the server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, version in versions.items():
        setattr(context, name, version)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain) as sock,
    ):
        data = sock.getpeercert(binary_form=True)
    assert data is not None
    return x509.load_der_x509_certificate(data).serial_number


@pytest.mark.promise("G20")
def test_a_renewed_certificate_is_taken_without_a_restart_and_a_broken_one_is_not(tmp_path: Path) -> None:
    certificate = Certificate(*certified(tmp_path, 1001))

    with listening(tmp_path / "server", tls=certificate.context) as (_, port):
        assert seen_serial(port) == 1001
        cert, _ = certified(tmp_path, 1002)
        assert certificate.look()
        assert seen_serial(port) == 1002
        cert.write_text("nonsense", encoding="utf-8")
        assert not certificate.look()
        assert seen_serial(port) == 1002


@pytest.mark.promise("G20")
@pytest.mark.parametrize("half", ["cert.pem", "key.pem"])
def test_a_renewal_that_is_half_done_leaves_the_one_before_at_work(tmp_path: Path, half: str) -> None:
    """Two files can't be replaced at once; between them, or with the wrong ones, people still get in."""
    other = tmp_path / "other"
    other.mkdir()
    certificate = Certificate(*certified(tmp_path, 1001))

    with listening(tmp_path / "server", tls=certificate.context) as (_, port):
        new = certified(other, 1002)
        (other / half).replace(tmp_path / half)
        assert not certificate.look()
        assert seen_serial(port) == 1001

        for file in new:
            if file.exists():
                file.replace(tmp_path / file.name)
        assert certificate.look()
        assert seen_serial(port) == 1002


@pytest.mark.promise("G20")
def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    certificate = Certificate(*certified(tmp_path, 7))

    assert certificate.context.minimum_version == ssl.TLSVersion.TLSv1_2
    with listening(tmp_path / "server", tls=certificate.context) as (_, port):
        with (
            pytest.raises((ssl.SSLError, ConnectionResetError)),
            pytest.warns(DeprecationWarning, match="TLSv1_1"),
        ):
            seen_serial(port, minimum_version=ssl.TLSVersion.TLSv1_1, maximum_version=ssl.TLSVersion.TLSv1_1)
        assert seen_serial(port, minimum_version=ssl.TLSVersion.TLSv1_2) == 7


@pytest.mark.promise("G20")
def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    cert, key = certified(tmp_path, 7)
    key.chmod(0o640)

    with pytest.raises(RefusedError, match="read by others"):
        Certificate(cert, key)


@pytest.mark.parametrize("missing", ["cert.pem", "key.pem"])
def test_a_file_that_is_missing_is_said(tmp_path: Path, missing: str) -> None:
    cert, key = certified(tmp_path, 7)
    (tmp_path / missing).unlink()

    with pytest.raises(SettingsError, match="no certificate and its key"):
        Certificate(cert, key)
