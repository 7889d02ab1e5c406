"""A pushed event is checked against its contract once, though gateway, drain and transaction each take it in hand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from connectors.gateway.cloud_events import PushedMessage
from connectors.gateway.examination import PushedSource
from schemas.catalogue import load_catalogue
from schemas.registry import Registry
from schemas.rows import RowCodec
from schemas.wire import Wire
from streams.ingest.slices import Pushed
from streams.ingest.source_reader import SourceReader
from tests.a_registry import a_registry

NOON = 1_772_971_200_000
CONTEXT = SourceContext("springfield", "cameras", ZoneInfo("Asia/Seoul"), Bounds(36.0, 127.0, 37.0, 128.0))
DETECTION = {
    "camera_id": "C-1",
    "track_id": "7",
    "label": "person",
    "label_text": "Human",
    "confidence": 0.75,
}


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The values that were checked, in order."""
    found: list[Any] = []
    check = RowCodec.check

    def counted(codec: RowCodec, value: Mapping[str, Any]) -> None:
        found.append(value.get("track_id"))
        check(codec, value)

    monkeypatch.setattr(RowCodec, "check", counted)
    return found


@pytest.mark.parametrize("is_known", [True, False], ids=["schema known", "schema asked for by the drain"])
def test_a_pushed_event_is_checked_once_and_a_bad_one_is_named(checked: list[Any], is_known: bool) -> None:
    good = [{**DETECTION, "track_id": str(number), "event_time": NOON} for number in range(3)]
    bad = {**DETECTION, "track_id": "bad", "confidence": "high", "event_time": NOON}
    with a_registry() as shelf:
        wire = Wire(Registry(shelf.url))
        if is_known:
            wire.registry.id_of("springfield.cctv.detection", load_catalogue()["cctv.detection"])
        reader: Any = load_source("city_events", CONTEXT, {"contract": "cctv.detection"})
        pushed = PushedSource("cameras", reader, encoded=partial(wire.encoded_offline, CONTEXT.city))
        body = orjson.dumps([*good[:1], bad, *good[1:]])
        examined = pushed.examine([PushedMessage(body)], NOON)
        (reading,) = examined.readings
        published = SourceReader(CONTEXT, reader, wire).of_push(Pushed(1, Heard(body, NOON), reading), {})
        frames = [wire.encode(CONTEXT.city, event) for event in published.events]
    assert len(frames) == 3
    (refused,) = examined.refused
    assert (refused["record"], refused["field"]) == (1, "confidence")
    assert sorted(checked) == ["0", "1", "2", "bad"]
