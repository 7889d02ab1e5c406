"""An event that its contract refuses is set aside alone: the other events of the body are published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, Place, Reading, SourceContext
from schemas.catalogue import load_catalogue
from schemas.event import Event
from schemas.json_form import from_json_value
from schemas.registry import Registry
from schemas.wire import Encoded, Wire
from streams.ingest.ingest import Ingest
from tests.a_registry import a_registry

NOON = 1_772_971_200_000
CONTEXT = SourceContext("daejeon", "calls", ZoneInfo("Asia/Seoul"), Bounds(36.2, 127.2, 36.5, 127.6))
FIRE = load_catalogue()["fire.incident"]


class Told:
    """A reader that returns the same events for every body."""

    def __init__(self, *events: Event) -> None:
        self._events = events

    def read(self, heard: Heard, place: Place) -> Reading:
        return Reading(self._events, {"up to": 3})


@pytest.fixture
def wire() -> Iterator[Wire]:
    with a_registry() as shelf:
        yield Wire(Registry(shelf.url))


def a_fire(number: int, **more: Any) -> Event:
    shown = json.loads((FIRE.folder / "examples" / "typical.json").read_text(encoding="utf-8"))
    value = from_json_value(FIRE.newest, shown) | {"incident_id": f"i{number}", "event_id": f"{number:032x}"}
    return Event("fire.incident", f"i{number}", value | more)


def test_an_ingest_has_a_source_if_something_reads_for_it(wire: Wire) -> None:
    reading, ticking = (
        Ingest(CONTEXT, one, bootstrap="", wire=wire, now_ms=lambda: NOON) for one in (Told(), None)
    )
    assert reading.reader.has_source
    assert not ticking.reader.has_source


@pytest.mark.parametrize("misfit", [{"status": "asleep"}, {"units": 7}, {"event_time": "noon"}])
def test_one_misfit_between_two_good_ones_is_set_aside_and_they_are_published(
    wire: Wire, misfit: dict[str, Any]
) -> None:
    reader = Told(a_fire(1), a_fire(2, **misfit), a_fire(3))
    ingest = Ingest(CONTEXT, reader, bootstrap="", wire=wire, now_ms=lambda: NOON)
    (part,) = ingest.parts(Heard(b"body", NOON))
    assert [event.key for event in part.events] == ["i1", "i3"]
    assert all(isinstance(event, Encoded) and event.frame for event in part.events)
    (aside,) = part.asides
    assert aside.topic == "source.dlq"
    assert aside.value is not None
    assert orjson.loads(aside.value["original"])["incident_id"] == "i2", "all of it is kept"
    assert aside.value["field"].startswith(next(iter(misfit)))
    assert part.standing.place == {"up to": 3}
