"""The network that a caller counts as: limits for strangers are kept by network."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request

IPV6_PREFIX = 64
"""One customer of an internet provider has all addresses of such a network."""


def network_of(address: str) -> str:
    """*address*, or the network of an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((int(found), IPV6_PREFIX), strict=False))
    return address


def caller_of(request: Request) -> str:
    """The network that *request* comes from; empty where the server does not know."""
    return network_of(request.client.host) if request.client else ""


def address_of(request: Request) -> str | None:
    """The address that asked, for the record of access; ``None`` where the server does not know."""
    return request.client.host if request.client else None
