"""The authority of one home: it signs the certificates of its broker and its administrator.

Keys are in PKCS#8 without a password, each file for its owner alone. A certificate is made anew at each start of Kafka.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connectors.transport.private_files import private_file

AUTHORITY_LIFE = timedelta(days=3_650)
CERTIFICATE_LIFE = timedelta(days=730)
EARLIER = timedelta(hours=1)
"""A certificate holds from a little before its making: clocks differ."""
NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1",)


def make_authority(certificate: Path, key: Path, *, now: datetime) -> None:
    """Make the authority's key and its certificate, signed by itself."""
    made = ec.generate_private_key(ec.SECP256R1())
    name = _name("bongsu-home")
    signed = (
        _begun(name, name, made.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(made.public_key()), critical=False)
        .sign(made, hashes.SHA256())
    )
    _write(key, _pem(made))
    _write(certificate, signed.public_bytes(Encoding.PEM))


def make_certificate(
    file: Path, name: str, *, authority: Path, key: Path, now: datetime, is_client: bool = True
) -> None:
    """Write to *file* a new key and its certificate for *name*, good on loopback, signed by the authority. Unless
    *is_client*, nobody gets in with it: it proves a server only."""
    signer = load_pem_private_key(key.read_bytes(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{key} is no key of ours")
    issuer = x509.load_pem_x509_certificate(authority.read_bytes())
    made = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(one) for one in NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(one)) for one in ADDRESSES]
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH] + [ExtendedKeyUsageOID.CLIENT_AUTH] * is_client
    signed = (
        _begun(_name(name), issuer.subject, made.public_key(), now, CERTIFICATE_LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    _write(file, _pem(made) + signed.public_bytes(Encoding.PEM))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + life)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(file: Path, content: bytes) -> None:
    half = file.with_name(file.name + ".half")
    private_file(half).write_bytes(content)
    half.replace(file)
