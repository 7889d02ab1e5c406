"""Tell a caller on this machine, or one with the key for metrics, from all others. They see why a process is not well.

The key is in the file that ``BONGSU_METRICS_KEY_FILE`` names, and is read for each request: it may come later, or change.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path

KEY_FILE = "BONGSU_METRICS_KEY_FILE"
KEY_BYTES_MAX = 1_000
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers of proxies: a request with one of them comes from elsewhere."""


def is_loopback(address: str) -> bool:
    """Whether *address* is this machine's own, in IPv4, IPv6, or IPv4 within IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def is_forwarded(headers: Iterable[str]) -> bool:
    """Whether any of these names of *headers* is a proxy's."""
    return any(name.lower() in FORWARDED for name in headers)


def may_see(peer: str, headers: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Whether a caller at *peer* may see reasons and figures. Names of *headers* are found in any case."""
    if is_loopback(peer) and not is_forwarded(headers):
        return True
    key = _key(environment.get(KEY_FILE, ""))
    given = {name.lower(): text for name, text in headers.items()}.get("authorization", "")
    scheme, _, shown = given.partition(" ")
    return bool(key) and scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), key)


def _key(file: str) -> bytes:
    """The key; empty, and then nobody has it, where no file holds one."""
    try:
        with Path(file).open("rb") as text:
            return text.read(KEY_BYTES_MAX).strip()
    except OSError:
        return b""
