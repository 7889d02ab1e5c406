"""The topic of closures in memory, and desks of gateways that follow it."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.event import Event
from schemas.rows import RowCodec
from streams.closures.closure_rows import closure_event
from streams.closures.closure_table import Closure
from streams.operators.closure_desk import LogClosures
from streams.runtime.follower import Following
from streams.runtime.records import Record
from tests.unit.gateway.an_app import NOON_MS
from tests.unit.gateway.test_ride_desk import JsonWire

TOPIC = "springfield.core.closure"
CODEC = RowCodec(load_catalogue()["core.closure"].newest)


@dataclass
class ClosureLog:
    """The topic of closures, and the desks that follow it. *fails*: nothing can be written."""

    records: list[Record] = field(default_factory=list)
    desks: list[LogClosures] = field(default_factory=list)
    fails: bool = False

    def publish(self, event: Event) -> None:
        if self.fails:
            raise Retriable("no broker")
        CODEC.encode(dict(event.value or {}))
        number = len(self.records)
        value = orjson.dumps(event.value)
        self.records.append(Record(TOPIC, 0, number, NOON_MS, event.key.encode(), value, {}))
        for desk in self.desks:
            desk._follower.pass_on([self.records[-1]], is_at_end=True)

    def desk(self) -> LogClosures:
        found = LogClosures(
            "springfield",
            Following("test", bootstrap="nowhere"),
            bootstrap="nowhere",
            wire=JsonWire(),
            now_ms=lambda: NOON_MS,
            publish=self.publish,
        )
        found._follower.begin()
        found._follower.pass_on(self.records, is_at_end=True)
        self.desks.append(found)
        return found

    def tell(self, closure: Closure) -> None:
        """Write a row of *closure*."""
        self.publish(closure_event("springfield", "gateway", closure, now_ms=NOON_MS))
