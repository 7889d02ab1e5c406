"""Signatures of XML documents (W3C XML Signature): enveloped, exclusive canonical form, SHA-256. An extra:
``pip install 'bongsu[sign]'``.

A signature by an RSA key is the same each time; one by a key of an elliptic curve is another each time, and as valid.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from connectors.formats.xml import document, parsed
from schemas.errors import Fatal

RSA_BITS_MIN = 2048
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


class XmlSigner:
    """Signs documents with one key. *certificate*: PEM of its certificate and the chain above it, sent along."""

    def __init__(self, key: bytes, certificate: bytes | None = None) -> None:
        """``Fatal`` for what is no key of RSA (2048 bits or more) or of an elliptic curve, for a certificate of another
        key, and where signxml is missing. No message quotes the key."""
        try:
            from signxml.algorithms import DigestAlgorithm, SignatureMethod  # noqa: PLC0415 - an extra that only a city with a key needs
            from signxml.signer import XMLSigner  # noqa: PLC0415 - as above
        except ImportError as error:
            raise Fatal("signing XML needs signxml", hint="pip install 'bongsu[sign]'") from error
        self._key = _key(key)
        self._chain = None if certificate is None else _chain(certificate, self._key)
        is_rsa = isinstance(self._key, rsa.RSAPrivateKey)
        self._signer = XMLSigner(
            signature_algorithm=SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=EXCLUSIVE,
        )

    def sign(self, body: bytes) -> bytes:
        """*body* with a signature of the whole as its last element."""
        signed = self._signer.sign(parsed(body), key=self._key, cert=self._chain)
        return document(signed)


def _key(pem: bytes) -> Any:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # its text may quote the file
        raise Fatal(
            "the key for signatures is no PEM of a private key", hint="write one without a passphrase"
        ) from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= RSA_BITS_MIN:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise Fatal(
        "the key for signatures is neither RSA of 2048 bits nor of an elliptic curve",
        hint="make one: openssl ecparam -name prime256v1 -genkey -noout -out key.pem",
    )


def _chain(pem: bytes, key: Any) -> list[Any]:
    try:
        chain = load_pem_x509_certificates(pem)
    except ValueError:
        raise Fatal("the certificate for signatures is no PEM", hint="write the key's own first") from None
    if chain[0].public_key() != key.public_key():
        raise Fatal(
            "the first certificate for signatures is of another key", hint="write the key's own first"
        )
    return chain
