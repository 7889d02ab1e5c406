"""``[gateway]`` in a city's file: whose X-Forwarded-For is trusted, and the warning about keys sent as plain text."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from deploy.city.gateway_file import GatewayFile


@pytest.mark.parametrize(
    ("host", "proxies", "is_open"),
    [
        ("127.0.0.1", [], False),
        ("localhost", [], False),
        ("::1", [], False),
        ("0.0.0.0", [], True),  # noqa: S104 (the warning is about it)
        ("::", [], True),
        ("10.0.0.4", [], True),
        ("0.0.0.0", ["10.0.0.7"], False),  # noqa: S104 (as above)
    ],
)
def test_a_gateway_that_listens_beyond_its_machine_names_its_proxy(
    host: str, proxies: list[str], is_open: bool
) -> None:
    assert GatewayFile.model_validate({"host": host, "trusted_proxies": proxies}).is_in_the_open is is_open


def test_a_proxy_is_an_address_or_in_a_network() -> None:
    about = GatewayFile.model_validate({"trusted_proxies": ["10.0.0.7", "192.168.1.0/24", "fd00::/8"]})
    known = ("10.0.0.7", "192.168.1.200", "fd00::1")
    assert [about.is_proxy(one) for one in (*known, "10.0.0.8", "192.168.2.1", "", "x")] == [True] * 3 + [
        False
    ] * 4


@pytest.mark.parametrize("wrong", ["proxy.example", "*", "10.0.0.1/8", ""])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="no address or network"):
        GatewayFile.model_validate({"trusted_proxies": [wrong]})
