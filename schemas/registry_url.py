"""The registry's URL, which may name the file of an authority, as Redis's does: ``https://host/path?ssl_ca_certs=ca.crt``."""

from __future__ import annotations

from urllib.parse import parse_qs

AUTHORITY = "ssl_ca_certs"


def split_authority(url: str) -> tuple[str, str]:
    """The registry's URL as its requests begin, and the file of the authority that signed its certificate; empty where the
    machine's own authorities are meant."""
    place, _, query = url.partition("?")
    return place, parse_qs(query).get(AUTHORITY, [""])[0]
