"""A subscriber of a page: prints the events of topics as JSON lines, and goes on where it ended.

pip install 'confluent-kafka[schemaregistry]>=2.16' 'fastavro>=1.12'
python subscribe.py --kafka HOST:PORT --registry URL --group NAME demo.core.situation demo.core.alert
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import struct
import sys
from datetime import datetime
from functools import cache
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.schema_registry import SchemaRegistryClient

FRAME = struct.Struct(">bI")  # a byte 0, the schema's id; Avro binary follows


class Subscriber:
    """Reads committed events of *topics*, each with its key, headers and value."""

    def __init__(self, kafka: str, registry: str, group: str, topics: list[str]) -> None:
        self._registry = SchemaRegistryClient({"url": registry})
        self._schema = cache(self._fetched)
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": group,
                "isolation.level": "read_committed",  # else records of aborted transactions are read, too
                "auto.offset.reset": "earliest",  # a new group begins with the oldest that is kept
                "enable.auto.commit": False,  # done() says what was worked on
                "enable.partition.eof": True,
            }
        )
        self._consumer.subscribe(topics)
        self._at_end: set[tuple[str, int]] = set()

    def next(self) -> dict[str, Any] | None:
        """The next event; ``None`` when there is none for a second. A tombstone's value is ``None``."""
        message = self._consumer.poll(1.0)
        if message is None:
            return None
        place = (message.topic(), message.partition())
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            self._at_end.add(place)
            return None
        self._at_end.discard(place)
        return {
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "key": (message.key() or b"").decode(),
            "headers": {name: value.decode() for name, value in message.headers() or ()},
            "value": None if message.value() is None else self._value(message.value()),
        }

    def done(self) -> None:
        """Commit: a restart goes on after the last event that next() gave. What was not committed comes again."""
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._NO_OFFSET:
                raise

    def is_at_end(self) -> bool:
        """Whether everything that is there has been read."""
        mine = {(one.topic, one.partition) for one in self._consumer.assignment()}
        return bool(mine) and mine <= self._at_end

    def close(self) -> None:
        self._consumer.close()

    def _value(self, frame: bytes) -> Any:
        magic, schema_id = FRAME.unpack_from(frame)
        if magic != 0:
            raise ValueError(f"a record begins with 0, not with {magic}")
        return fastavro.schemaless_reader(io.BytesIO(frame[FRAME.size :]), self._schema(schema_id), None)

    def _fetched(self, schema_id: int) -> Any:
        return fastavro.parse_schema(json.loads(self._registry.get_schema(schema_id).schema_str or ""))


def as_json(value: Any) -> str:
    """Times as ISO 8601, bytes as base64."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return base64.b64encode(value).decode()


def main() -> None:
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--kafka", "--registry", "--group"):
        about.add_argument(name, required=True)
    about.add_argument("--until-end", action="store_true", help="end when everything that is there was read")
    about.add_argument("topics", nargs="+")
    said = about.parse_args()
    subscriber = Subscriber(said.kafka, said.registry, said.group, said.topics)
    try:
        while not (said.until_end and subscriber.is_at_end()):
            event = subscriber.next()
            if event is not None:
                sys.stdout.write(json.dumps(event, default=as_json, ensure_ascii=False) + "\n")
                sys.stdout.flush()
                subscriber.done()
    except KeyboardInterrupt:
        sys.exit(0)
    finally:
        subscriber.close()


if __name__ == "__main__":
    main()
