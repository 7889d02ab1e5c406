"""Addresses to which a subscriber's settings may make Bongsu connect: public ones alone. Pure.

The ranges are those of IANA's special-purpose registries (RFC 6890 and its updates), written out: what ``ipaddress`` calls
global changes with Python's version, and counts multicast and tunnels among them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_V4 = {
    "this network": "0.0.0.0/8",
    "a private network": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
    "a carrier's private network": "100.64.0.0/10",
    "loopback": "127.0.0.0/8",
    "link-local": "169.254.0.0/16",
    "reserved": "192.0.0.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.175.48.0/24 198.18.0.0/15 240.0.0.0/4",
    "documentation": "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24",
    "multicast": "224.0.0.0/4",
    "a cloud's host": "168.63.129.16/32",
}
_V6 = {
    "reserved": "2001::/23 2620:4f:8000::/48",
    "documentation": "2001:db8::/32 3fff::/20",
    "a tunnel": "2002::/16",
}
_DENIED_V4 = tuple((IPv4Network(one), word) for word, all_ in _V4.items() for one in all_.split())
_DENIED_V6 = tuple((IPv6Network(one), word) for word, all_ in _V6.items() for one in all_.split())
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
"""Public IPv4 as an IPv6-only network writes it: the address inside is what counts."""


def why_not_public(text: str) -> str:
    """The reason why the address *text* is no public one, in a word; empty where it is. ``ValueError`` if it is none."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        inside = _inside(address)
        if inside is None:
            return _why_not_v6(address)
        address = inside
    return next((word for network, word in _DENIED_V4 if address in network), "")


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address in an IPv6 one that only wraps it."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def _why_not_v6(address: IPv6Address) -> str:
    if address.scope_id is not None or address.is_link_local:
        return "link-local"
    if address.is_loopback:
        return "loopback"
    if address not in _UNICAST:
        return "multicast" if address.is_multicast else "a private network"
    return next((word for network, word in _DENIED_V6 if address in network), "")
