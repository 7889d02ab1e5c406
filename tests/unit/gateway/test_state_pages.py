"""The state without a key: whether, and never why. Reasons and metrics are for this machine and for those with a key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.gateway.connections import VISITOR
from tests.unit.gateway.a_reading_city import Reader, a_reading_city


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with a_reading_city(tmp_path) as made:
        yield made


def asked(reader: Reader, path: str, *, peer: str, client: str = "", **headers: str) -> httpx.Response:
    """The answer to a caller whose connection comes from *peer*; *client*: the address that a proxy names."""

    class Visitor:
        address = peer

        def know(self, _account_id: str) -> bool:
            return True

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {VISITOR: Visitor()}
        await reader.here.app(scope, receive, send)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(client or peer, 7))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            return await http.get(path, headers={name.replace("_", "-"): it for name, it in headers.items()})

    return asyncio.run(ask())


def test_from_elsewhere_readiness_has_a_status_and_no_reason(reader: Reader) -> None:
    for is_ready in (True, False):
        answer = asked(reader, "/readyz", peer="10.0.0.9")
        assert (answer.status_code, answer.json()) == (200 if is_ready else 503, {"ready": is_ready})
        reader.here.gateway.spool.trouble = "the disk is gone"
    assert asked(reader, "/metrics", peer="10.0.0.9").status_code == 401
    assert "the disk is gone" in asked(reader, "/readyz", peer="127.0.0.1").text


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_on_this_machine_reasons_and_metrics_are_told(reader: Reader, peer: str) -> None:
    assert "sources" in asked(reader, "/readyz", peer=peer).json()
    assert asked(reader, "/metrics", peer=peer).status_code == 200


def test_a_proxy_on_this_machine_makes_nobody_local(reader: Reader) -> None:
    """A caller behind it may name any address; the connection's own is the proxy's."""
    local = {"peer": "127.0.0.1", "client": "127.0.0.1"}
    assert asked(reader, "/metrics", peer="10.0.0.9", client="127.0.0.1").status_code == 401
    for header in ("x_forwarded_for", "forwarded", "x_real_ip", "via"):
        assert asked(reader, "/metrics", **local, **{header: "127.0.0.1"}).status_code == 401, header
    reader.here.gateway.is_proxy = lambda address: address == "127.0.0.1"
    assert asked(reader, "/metrics", **local).status_code == 401
    assert asked(reader, "/readyz", **local).json() == {"ready": True}


def test_with_any_valid_key_all_is_told(reader: Reader) -> None:
    for role, key in reader.keys.items():
        sent = {"authorization": f"Bearer {key}"}
        assert "sources" in asked(reader, "/readyz", peer="10.0.0.9", **sent).json(), role
        assert asked(reader, "/metrics", peer="10.0.0.9", **sent).status_code == 200, role
    wrong = {"authorization": "Bearer bongsu_0_x"}
    assert asked(reader, "/readyz", peer="10.0.0.9", **wrong).status_code == 401
