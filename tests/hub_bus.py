"""Rows of hubs on the real bus: published in one order, read back in it, and boards read from ``core.hub``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Message

from schemas.catalogue import load_catalogue
from schemas.event import Event
from schemas.wire import Wire
from streams.runtime.clients import idempotent_producer
from streams.runtime.kafka import read_whole
from streams.runtime.records import Record, headers_of
from tests.hub_day import SAME_AS, STOPS, Input, Row
from tests.hub_oracle import SLOW_TTL_S

SETTINGS = {"stops": STOPS, "same_as": SAME_AS, "ttl_s": {"slow": SLOW_TTL_S}, "on_demand": ["drt"]}
HUBS_TOML = """
[hubs]
on_demand = ["drt"]
ttl_s = { slow = 1200 }
[hubs.stops]
S-1 = "H-1"
S-2 = "H-2"
S-2b = "H-2"
S-9 = "H-9"
[hubs.same_as]
C-1 = "H-1"
B-1 = "H-1"
"""
"""The same in a city's file."""
Told = dict[str, list[Row | None]]


ZEROS = {"string": "", "boolean": False, "int": 0, "long": 0, "float": 0.0, "double": 0.0}


def whole(inputs: Iterable[Input]) -> list[Input]:
    """The same rows with every field that their contracts ask for."""
    found = []
    for topic, key, row in inputs:
        schema = load_catalogue()[topic].newest
        found.append((topic, key, None if row is None else _fitted(row, schema, {})))
    return found


def _fitted(value: Any, schema: Any, named: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return None if value is None else _fitted(value, next(one for one in schema if one != "null"), named)
    schema = named.get(schema, schema) if isinstance(schema, str) else schema
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "record":
        named |= {schema["name"]: schema, f"{schema.get('namespace', 'bongsu')}.{schema['name']}": schema}
        given = {one["name"]: value.get(one["name"], one.get("default")) for one in schema["fields"]}
        return {one["name"]: _fitted(given[one["name"]], one["type"], named) for one in schema["fields"]}
    if kind == "array":
        return [_fitted(one, schema["items"], named) for one in value or ()]
    if kind == "enum":
        return value or schema["symbols"][0]
    return ZEROS[kind] if value is None else value


class HubBus:
    """Publishes rows of *city* one after the other, and finds them again in that order."""

    def __init__(self, city: str, bootstrap: str, wire: Wire) -> None:
        self._city, self._bootstrap, self._wire = city, bootstrap, wire
        self._producer = idempotent_producer(bootstrap)
        self._put: list[tuple[str, bytes | None]] = []

    def put(self, inputs: Iterable[Input]) -> None:
        for topic, key, row in inputs:
            event = Event(topic, key, None if row is None else row | {"city": self._city})
            name, its_key, frame = self._wire.encode(self._city, event)
            self._put.append((name, its_key))
            self._producer.produce(
                name, frame, key=its_key, headers=headers_of(event, topic=name), on_delivery=_without_error
            )
            self._producer.poll(0)
        assert self._producer.flush(30) == 0

    def records(self) -> list[Record]:
        """All that was put, in that order. A key's records keep theirs."""
        found: dict[tuple[str, bytes | None], deque[Record]] = {}
        for one in read_whole(self._bootstrap, sorted({topic for topic, _ in self._put})):
            found.setdefault((one.topic, one.key), deque()).append(one)
        return [found[place].popleft() for place in self._put]

    def boards(self) -> Told:
        """The boards of each hub in the order of the log; ``None`` for one that is gone."""
        told: Told = {}
        for one in read_whole(self._bootstrap, [f"{self._city}.core.hub"]):
            value = None if one.value is None else self._wire.decode(one.topic, one.value)
            told.setdefault((one.key or b"").decode(), []).append(None if value is None else dict(value))
        return told


def _without_error(error: Any, _message: Message) -> None:
    assert error is None


def said(board: Row) -> Row:
    """A board as the oracle has it."""
    return {name: board[name] for name in ("hub_id", "name", "position", *PARTS)}


PARTS = ("vehicles", "docks", "chargers", "arrivals", "notices", "closed")
