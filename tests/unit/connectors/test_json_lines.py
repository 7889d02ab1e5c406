"""The sink json_lines: what stands in the file, what is refused, and a file that a killed process left half written."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Delivery, RefusedEvent, Sink, SinkContext
from connectors.discovery import BadConfig, is_open_to_subscribers, load_sink, sink_types
from schemas.errors import Fatal, Retriable

CONTEXT = SinkContext("daejeon", "archive", lambda: 0)


def a_sink(path: Path) -> Sink:
    return load_sink("json-lines", {"path": str(path)}, CONTEXT)


def a_delivery(event_id: str, body: bytes = b'{"a": 1}', media_type: str = "application/json") -> Delivery:
    return Delivery(event_id, "core.situation", "Situation", "s-1", body, media_type, 7)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(one) for one in path.read_bytes().splitlines()]


def delivered(path: Path, *events: Delivery) -> None:
    async def run() -> None:
        sink = a_sink(path)
        try:
            await sink.deliver(events)
        finally:
            await sink.close()

    asyncio.run(run())


def test_a_line_holds_the_delivery(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    delivered(file, a_delivery("e-1", b'{"a":\n 1}', "application/cloudevents+json; charset=utf-8"))
    delivered(file, a_delivery("e-2", b"<alert>\n</alert>", "application/cap+xml"))
    first, second = lines(file)
    assert first == {
        "id": "e-1",
        "topic": "core.situation",
        "contract": "Situation",
        "key": "s-1",
        "time_ms": 7,
        "media_type": "application/cloudevents+json; charset=utf-8",
        "data": {"a": 1},
    }
    assert second["text"] == "<alert>\n</alert>"
    assert file.stat().st_mode & 0o077 == 0


def test_half_a_line_of_a_killed_process_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_bytes(b'{"id": "e-0", "to')
    delivered(file, a_delivery("e-1"))
    torn, whole = file.read_bytes().splitlines()
    assert torn == b'{"id": "e-0", "to'
    assert json.loads(whole)["id"] == "e-1"


def test_what_a_full_disk_took_half_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, write = tmp_path / "out.jsonl", os.write
    delivered(file, a_delivery("e-1"))
    before = file.read_bytes()

    def half(to: int, data: bytes) -> int:
        if len(data) <= 20:
            raise OSError(28, "No space left on device")
        return write(to, bytes(data)[:-20])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(Retriable, match="No space left"):
        delivered(file, a_delivery("e-2"))
    assert file.read_bytes() == before


def test_a_body_that_is_no_json_is_refused_alone(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    with pytest.raises(RefusedEvent) as refused:
        delivered(file, a_delivery("e-1"), a_delivery("e-2", b"{secret"), a_delivery("e-3"))
    assert refused.value.event_id == "e-2"
    assert "secret" not in str(refused.value)
    assert [one["id"] for one in lines(file)] == ["e-1"]


def test_a_path_that_cannot_be_written_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="cannot be written"):
        delivered(tmp_path / "no" / "out.jsonl", a_delivery("e-1"))


def test_only_the_citys_file_may_name_it() -> None:
    assert not is_open_to_subscribers("json_lines")


def test_the_live_view_is_no_sink_of_a_subscription() -> None:
    assert "redis_view" not in sink_types()
    with pytest.raises(BadConfig, match="no sink is of type 'redis_view'"):
        load_sink("redis_view", {}, CONTEXT)


def test_wrong_settings_are_named() -> None:
    with pytest.raises(BadConfig, match=r"subscription 'archive': path: is missing"):
        load_sink("json_lines", {}, CONTEXT)
