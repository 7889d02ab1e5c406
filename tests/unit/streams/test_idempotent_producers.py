"""Producers outside transactions: one request under way, or Kafka acknowledges records that it never wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.runtime import clients

ROOT = Path(__file__).parents[3]
ROOMS = ("schemas", "connectors", "streams", "deploy")
MADE_IN = "streams/runtime/clients.py"


def test_one_request_is_under_way_whatever_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(clients, "Producer", made.append)
    clients.idempotent_producer("b:1", **{"linger.ms": 0})
    (settings,) = made
    assert settings["enable.idempotence"] is True
    assert settings["max.in.flight.requests.per.connection"] == 1
    assert (settings["bootstrap.servers"], settings["linger.ms"]) == ("b:1", 0)


def test_no_other_place_makes_one() -> None:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(paths) > 200
    found = [
        str(path.relative_to(ROOT)) for path in paths if '"enable.idempotence"' in path.read_text("utf-8")
    ]
    assert found == [MADE_IN]
