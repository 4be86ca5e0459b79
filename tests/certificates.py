"""Authorities and certificates that are made for a test."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority(msgspec.Struct, frozen=True):
    """ca_file: what a client has to trust; server, server_file: what its server shows."""

    ca_file: Path
    server_file: Path
    server: ssl.SSLContext

    @property
    def trusted(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.load_verify_locations(self.ca_file)
        return context


def authority(folder: Path, *names: str) -> Authority:
    """Of its own; its server is called so."""
    key, issuer = ec.generate_private_key(ec.SECP256R1()), _name("An authority of a test")
    own = _certificate(issuer, issuer, key, key, x509.BasicConstraints(ca=True, path_length=0))
    server_key = ec.generate_private_key(ec.SECP256R1())
    shown = _certificate(
        _name(names[0]), issuer, server_key, key,
        x509.SubjectAlternativeName([x509.DNSName(name) for name in names]),
    )  # fmt: skip
    ca_file, server_file = folder / f"{names[0]}.ca.pem", folder / f"{names[0]}.pem"
    ca_file.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    private = server_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    server_file.write_bytes(private + shown.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server_file)
    return Authority(ca_file, server_file, context)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    today = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(by, hashes.SHA256())
    )
