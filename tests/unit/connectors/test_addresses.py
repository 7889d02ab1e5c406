"""Addresses that a subscriber may name: public ones alone, however they are written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.transport.addresses import why_not_public

PUBLIC = (
    "8.8.8.8",
    "1.1.1.1",
    "211.252.85.1",
    "2001:4860:4860::8888",
    "2a00:1450:4001:80e::200e",
    "64:ff9b::808:808",
)
PRIVATE = (
    "0.0.0.1", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.9", "169.254.169.254",
    "168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "224.0.0.251", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "2a00::1%eth0", "fec0::1", "ff02::1", "4000::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_sent_to(address: str) -> None:
    assert why_not_public(address) == ""


@pytest.mark.parametrize("address", PRIVATE)
def test_no_other_may(address: str) -> None:
    assert why_not_public(address)


@given(
    st.integers(0, 2**32 - 1).map(IPv4Address)
    | st.integers(0, 2**128 - 1).map(IPv6Address)
    | st.integers(0x20010000 << 96, 0x20030000 << 96).map(IPv6Address)
    | st.integers(0, 2**32 - 1).map(lambda one: IPv6Address((0xFFFF << 32) | one))
)
def test_what_python_holds_to_be_no_global_address_is_refused(address: IPv4Address | IPv6Address) -> None:
    inside = getattr(address, "ipv4_mapped", None) or address
    if not inside.is_global or inside.is_multicast or inside.is_reserved:
        assert why_not_public(str(address))


def test_what_is_no_address_is_no_public_one() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        why_not_public("localhost")
