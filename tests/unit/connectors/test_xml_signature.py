"""Signatures of CAP messages, checked by xmlsec1 and by signxml: what was changed after signing is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from lxml import etree

from connectors.formats.cap_feed import atom_feed
from connectors.formats.xml_signature import XmlSigner
from schemas.errors import Fatal
from tests.unit.connectors.test_cap_out import ADDRESS, CITY, NOON, an_alert, told

XMLSEC = shutil.which("xmlsec1")
KINDS = ("rsa", "ec")


@cache
def a_key(kind: str) -> Any:
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@cache
def a_certificate(kind: str) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "springfield.example")])
    builder = x509.CertificateBuilder(name, name, a_key(kind).public_key(), 1)
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(
        datetime(2099, 1, 1, tzinfo=UTC)
    )
    return builder.sign(a_key(kind), hashes.SHA256()).public_bytes(Encoding.PEM)


def is_valid(body: bytes, kind: str, folder: Path) -> bool:
    """Whether xmlsec1 finds the signature right, by the public key alone: it trusts nothing that the document brings."""
    if XMLSEC is None:
        pytest.skip("no xmlsec1: apt install xmlsec1")
    public, document = folder / "public.pem", folder / "alert.xml"
    public.write_bytes(a_key(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    document.write_bytes(body)
    done = subprocess.run(
        [
            XMLSEC,
            "--verify",
            "--pubkey-pem",
            str(public),
            "--enabled-key-data",
            "key-name,rsa,ec",
            str(document),
        ],
        check=False,
        capture_output=True,
        timeout=20,
    )
    return done.returncode == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_certificate", [False, True])
def test_a_signed_message_is_checked_by_xmlsec1(kind: str, has_certificate: bool, tmp_path: Path) -> None:
    signer = XmlSigner(pem(a_key(kind)), a_certificate(kind) if has_certificate else None)
    signed = signer.sign(told(an_alert(headline="<b> & 화재"))[0].body)
    assert is_valid(signed, kind, tmp_path)
    assert b"xml-exc-c14n#" in signed
    assert b"sha1" not in signed
    assert (b"X509Certificate" in signed) == has_certificate


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_message_is_found(kind: str, tmp_path: Path) -> None:
    signed = XmlSigner(pem(a_key(kind))).sign(told(an_alert())[0].body)
    assert not is_valid(signed.replace(b"Severe", b"Minor"), kind, tmp_path)
    assert not is_valid(signed.replace(b"36.35,127.38 0.5", b"36.35,127.38 9.5"), kind, tmp_path)
    assert not is_valid(told(an_alert())[0].body, kind, tmp_path)


def test_a_signature_of_another_key_is_found(tmp_path: Path) -> None:
    other = rsa.generate_private_key(65537, 2048)
    assert not is_valid(XmlSigner(pem(other)).sign(told(an_alert())[0].body), "rsa", tmp_path)


def test_a_signed_message_is_still_valid_by_the_schema(data_dir: Path) -> None:
    schema = etree.XMLSchema(etree.parse(data_dir / "alerts/cap/schema/cap12_extended.xsd"))
    signer = XmlSigner(pem(a_key("rsa")))
    (message,) = told(an_alert())
    assert schema.validate(etree.fromstring(signer.sign(message.body)))
    assert signer.sign(message.body) == signer.sign(message.body)


def test_a_feed_holds_a_signed_message_without_its_signature() -> None:
    (message,) = told(an_alert())
    signed = replace(message, body=XmlSigner(pem(a_key("rsa"))).sign(message.body))
    feeds = [atom_feed([one], CITY, address=ADDRESS, now_ms=NOON) for one in (message, signed)]
    assert feeds[0] == feeds[1]


@pytest.mark.parametrize(
    "wrong",
    [b"", b"SECRET", pem(ed25519.Ed25519PrivateKey.generate()), pem(rsa.generate_private_key(65537, 1024))],  # noqa: S505 - meant
    ids=["nothing", "no key", "Ed25519", "RSA of 1024 bits"],
)
def test_a_wrong_key_is_refused_and_not_quoted(wrong: bytes) -> None:
    with pytest.raises(Fatal) as error:
        XmlSigner(wrong)
    assert "SECRET" not in str(error.value)


def test_a_certificate_of_another_key_is_refused() -> None:
    for wrong in (a_certificate("ec"), b"SECRET"):
        with pytest.raises(Fatal) as error:
            XmlSigner(pem(a_key("rsa")), wrong)
        assert "SECRET" not in str(error.value)


def test_without_signxml_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "signxml.algorithms", None)
    with pytest.raises(Fatal, match="signxml") as error:
        XmlSigner(pem(a_key("rsa")))
    assert "bongsu[sign]" in str(error.value.hint)
