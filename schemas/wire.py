"""Events to frames and back, by the catalogue, the registry and the row codecs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.catalogue import contract_of, load_catalogue, topic_name
from schemas.errors import Fatal
from schemas.event import CheckedEvent, Event
from schemas.framing import frame, unframe
from schemas.registry import Registry
from schemas.rows import RowCodec


@dataclass(frozen=True, slots=True)
class Encoded(Event):
    """An event with its frame, so that it is encoded only once."""

    kafka_topic: str = ""
    frame: bytes | None = None


class Wire:
    """Encodes and decodes events with each contract's codec and each topic's schema id."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._codecs: dict[str, RowCodec] = {}

    def encode(self, city: str, event: Event) -> tuple[str, bytes, bytes | None]:
        """(Kafka topic, key, frame); the frame of a tombstone is ``None``. ``Invalid`` names the field that does not fit."""
        if isinstance(event, Encoded):
            return event.kafka_topic, event.key.encode(), event.frame
        if event.topic not in load_catalogue():
            raise Fatal(
                f"topic {event.topic} is not in the catalogue", hint="add its folder under schemas/topics"
            )
        topic = topic_name(city, event.topic)
        key = event.key.encode()
        if event.value is None:
            return topic, key, None
        contract = load_catalogue()[event.topic]
        payload = self._payload(event, event.value)
        return topic, key, frame(self.registry.id_of(topic, contract), payload)

    def encoded(self, city: str, event: Event) -> Encoded:
        """*event* with its frame, as ``encode`` makes it."""
        if isinstance(event, Encoded):
            return event
        topic, _, made = self.encode(city, event)
        return Encoded(event.topic, event.key, event.value, topic, made)

    def encoded_offline(self, city: str, event: Event) -> Event:
        """*event* with its frame if that needs no request to the registry, else as it is. ``Invalid`` as for ``encode``."""
        if self.registry.knows(topic_name(city, event.topic), load_catalogue()[event.topic]):
            return self.encoded(city, event)
        if event.value is not None:
            self._payload(event, event.value)
        return event

    def decode(self, topic: str, value: bytes) -> dict[str, Any]:
        """A frame's value in the shape of its contract's newest version. ``Invalid`` for anything else."""
        contract = contract_of(topic)
        schema_id, payload = unframe(value)
        return self._codec(contract.name).decode(payload, writer=self.registry.schema_of(schema_id))

    def _payload(self, event: Event, value: Mapping[str, Any]) -> bytes:
        """The Avro payload of *event*'s *value*, which is checked unless its source has done so."""
        codec = self._codec(event.topic)
        is_checked = isinstance(event, CheckedEvent) and event.is_checked
        return codec.encode_checked(value) if is_checked else codec.encode(value)

    def _codec(self, name: str) -> RowCodec:
        if name not in self._codecs:
            contract = load_catalogue()[name]
            self._codecs[name] = RowCodec(contract.newest, max_bytes=contract.max_bytes)
        return self._codecs[name]
