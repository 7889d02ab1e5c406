"""A small city whose agencies push. Each push is examined, encoded, decoded and folded by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from connectors.base import Bounds, SourceContext
from connectors.discovery import load_source
from connectors.gateway.cloud_events import PushedMessage
from connectors.gateway.examination import Examined, PushedSource
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.rows import RowCodec
from streams.situations.entry import Entry
from tests.unit.situations.a_city import City, a_tick, at, rules

NOON_MS = at("12:00")
BOUNDS = Bounds(36.0, 127.0, 37.0, 128.0)
SPEAKS_FOR = {"north": ("112-north",), "south": ("112-south",), "fire": ("119",)}
"""Pusher → the agencies for which its sources speak."""
KINDS = {"incident": "incident", "place": "place"}
OTHERS: list[dict[str, Any]] = [
    {"name": name, "numbers": {}} for name in ("disaster", "vulnerable", "wanted")
]


@cache
def a_pushed_source(who: str, contract: str) -> PushedSource:
    context = SourceContext("demo", f"{who}-{contract}", ZoneInfo("UTC"), BOUNDS, SPEAKS_FOR[who])
    source: Any = load_source("city_events", context, {"contract": contract})
    return PushedSource(context.source, source, agencies=SPEAKS_FOR[who])


@cache
def a_codec(contract: str) -> RowCodec:
    return RowCodec(load_catalogue()[contract].newest)


@dataclass(slots=True)
class PushedCity:
    """A city, and the number of its records; *set_aside* are those that its rules refused."""

    city: City = field(
        default_factory=lambda: City(rules(filing={"fire": "119", "police": "112-south"}, others=OTHERS))
    )
    number: int = 0
    set_aside: list[Invalid] = field(default_factory=list)

    def push(self, who: str, contract: str, record: Mapping[str, Any], clock: str) -> Examined:
        """Push *record* as *who*; return the gateway's examination."""
        body = orjson.dumps({"event_time": at(clock), **record})
        examined = a_pushed_source(who, contract).examine([PushedMessage(body)], at(clock))
        for reading in examined.readings:
            for event in () if reading is None else reading.events:
                codec = a_codec(contract)
                self.take(contract, codec.decode(codec.encode(event.value or {})))
        return examined

    def take(self, contract: str, value: Mapping[str, Any]) -> None:
        self.number += 1
        domain, _, noun = contract.partition(".")
        kind = KINDS.get(noun) or KINDS.get(domain, "notice")
        try:
            self.city.take(Entry(kind, f"demo.{contract}", 0, self.number, dict(value)))
        except Invalid as error:
            self.set_aside.append(error)

    def wait(self, clock: str) -> None:
        self.city.take(a_tick(clock))
