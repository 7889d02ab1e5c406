"""The end of the gateway's HTTP server: it is woken by it, and looks for it seldom otherwise."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic

import pytest
import uvicorn
from fastapi import FastAPI

from deploy.assembly import gateway_socket as module
from deploy.assembly.gateway_socket import GatewayServer, listen

LONG_S = 30.0


def a_server() -> GatewayServer:
    return GatewayServer(uvicorn.Config(FastAPI(), log_level="warning", lifespan="off"))


def test_a_server_that_is_asked_to_end_does_not_wait_for_its_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TICK_S", LONG_S)
    server = a_server()
    with listen("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        until = monotonic() + 10
        while not server.started and monotonic() < until:
            thread.join(0.01)
        begun = monotonic()
        server.should_exit = True
        thread.join(LONG_S)
    assert not thread.is_alive() and monotonic() - begun < LONG_S / 2
    server.should_exit = True  # its loop is gone: nothing to wake


def test_a_server_looks_once_in_each_tick_and_at_once_whether_its_end_came_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, looks = a_server(), 0

    async def on_tick(_counter: int) -> bool:
        nonlocal looks
        looks += 1
        return looks == 3 or server.should_exit

    monkeypatch.setattr(server, "on_tick", on_tick)
    monkeypatch.setattr(module, "TICK_S", 0.001)
    asyncio.run(server.main_loop())
    assert looks == 3
    looks, server.should_exit = 0, True
    asyncio.run(server.main_loop())
    assert looks == 1
