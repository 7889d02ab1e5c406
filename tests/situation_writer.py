"""Revisions of several situations, written to a city's log at even times by a thread of its own."""

from __future__ import annotations

import threading
import time
from random import Random

import orjson

from schemas.catalogue import load_catalogue
from schemas.event import Event, derived_id
from schemas.json_form import from_json_value
from schemas.wire import Wire
from streams.runtime.clients import idempotent_producer
from streams.runtime.records import headers_of

SITUATIONS = 8
EVERY_S = 0.05
"""The time from one event to the next: 20 a second."""


class SituationWriter:
    """Writes from its beginning to its end, without waiting for Kafka.

    *written*: (situation, revision, event's id) → the wall's time at which it was due. That of one that was written late is
    earlier, so that a delay counts from when it should have been there.
    """

    def __init__(self, city: str, bootstrap: str, wire: Wire, chance: Random) -> None:
        self.written: dict[tuple[str, int, str], float] = {}
        self._city, self._bootstrap, self._wire, self._chance = city, bootstrap, wire, chance
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="situation-writer")
        contract = load_catalogue()["core.situation"]
        shown = orjson.loads((contract.folder / "examples" / "typical.json").read_bytes())
        self._typical = from_json_value(contract.newest, shown)

    def __enter__(self) -> SituationWriter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        producer = idempotent_producer(self._bootstrap, **{"linger.ms": 0})
        revisions = dict.fromkeys((f"s-{number}" for number in range(SITUATIONS)), 0)
        producer.list_topics(timeout=30)  # connected, and
        self._wire.encode(
            self._city, self._revision("s-0", 1)
        )  # the schema known: neither is the deliveries' delay
        due_s = time.time()
        while not self._over.wait(max(0.0, due_s - time.time())):
            key = self._chance.choice(sorted(revisions))
            revisions[key] += 1
            event = self._revision(key, revisions[key])
            topic, its_key, value = self._wire.encode(self._city, event)
            assert event.value is not None
            self.written[key, revisions[key], event.value["event_id"]] = due_s
            producer.produce(topic, value, key=its_key, headers=headers_of(event, topic=topic))
            producer.poll(0)
            due_s += EVERY_S
        assert producer.flush(60) == 0, "Kafka did not take everything"

    def _revision(self, key: str, revision: int) -> Event:
        about = {"situation_id": key, "revision": revision, "city": self._city}
        its_id = derived_id(self._city, key, revision)
        return Event("core.situation", key, {**self._typical, **about, "event_id": its_id})
