"""A fetcher with a real broker, and with one that closes connections, goes silent or sends malformed responses."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from prometheus_client import REGISTRY

from deploy.settings import Endpoints
from schemas.errors import Retriable
from streams.match.core.flow import Partition
from streams.match.native import connection
from streams.match.native.fetcher import Fetcher
from streams.match.native.secure_socket import Broker
from streams.match.native.unpack import Part, Unpacker
from streams.runtime.kafka import read_whole

pytestmark = pytest.mark.cluster

READ_S = 20.0
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def topic(cluster: Endpoints) -> Iterator[str]:
    """A topic of three partitions."""
    name, admin = f"fetching-{uuid4().hex[:8]}", AdminClient({"bootstrap.servers": cluster.kafka})
    for future in admin.create_topics([NewTopic(name, 3, 1)]).values():
        future.result()
    yield name
    for future in admin.delete_topics([name]).values():
        future.result()


class Between:
    """A proxy between a fetcher and the broker. *spoil* gets each response's bytes and returns those to pass on; ``None``
    closes the connection."""

    def __init__(self, broker: Broker) -> None:
        self.spoil: Callable[[bytes], bytes | None] = lambda held: held
        self._broker = broker
        self._door = socket.create_server(("127.0.0.1", 0))
        self.broker: Broker = self._door.getsockname()
        self._ends: list[socket.socket] = [self._door]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection(self._broker)
                self._ends += [near, far]
                threading.Thread(target=self._pass, args=(near, far, lambda held: held), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, self._spoilt), daemon=True).start()

    def _spoilt(self, held: bytes) -> bytes | None:
        return self.spoil(held)

    def _pass(self, of: socket.socket, to: socket.socket, spoil: Callable[[bytes], bytes | None]) -> None:
        with suppress(OSError):
            while (held := of.recv(1 << 16)) and (passed := spoil(held)) is not None:
                to.sendall(passed)
        for one in (of, to):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in self._ends:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def between(cluster: Endpoints) -> Iterator[Between]:
    host, port = cluster.kafka.split(":")
    stands = Between((host, int(port)))
    yield stands
    stands.close()


@pytest.fixture
def fetcher(cluster: Endpoints, between: Between) -> Iterator[Fetcher]:
    consumer = Consumer({"bootstrap.servers": cluster.kafka, "group.id": "fetching"})

    def begin_of(place: Partition) -> int:
        return int(consumer.get_watermark_offsets(TopicPartition(*place))[0])

    made = Fetcher(lambda places: dict.fromkeys(places, between.broker), begin_of, wait_ms=20)
    yield made
    made.close()
    consumer.close()


def publish(cluster: Endpoints, topic: str, count: int, codec: str = "lz4", **settings: object) -> None:
    producer = Producer({"bootstrap.servers": cluster.kafka, "compression.type": codec, **settings})
    for number in range(count):
        producer.produce(topic, b"%s %d" % (codec.encode(), number), b"%d" % number, headers=[("h", b"1")])
        if number % 50 == 0:
            producer.poll(0)
    producer.flush(30)


def given_up(cluster: Endpoints, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": cluster.kafka, "transactional.id": f"{topic}-off"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(count):
        producer.produce(topic, b"never", b"%d" % number)
    producer.flush(30)
    producer.abort_transaction(30)


def places(topic: str) -> list[Partition]:
    return [(topic, number) for number in range(3)]


def told(parts: list[Part], unpacking: Unpacker) -> list[tuple[int, int, bytes | None, bytes | None]]:
    found = []
    while (taken := unpacking.take(parts)) is not None:
        for row in range(len(taken.payload)):
            record = taken.record_of(row)
            found.append((record.partition, record.offset, record.key, record.value))
    return found


def read(
    fetcher: Fetcher, count: int, unpacking: Unpacker | None = None
) -> list[tuple[int, int, bytes | None, bytes | None]]:
    found: list[tuple[int, int, bytes | None, bytes | None]] = []
    until = monotonic() + READ_S
    while len(found) < count:
        assert monotonic() < until, f"{len(found)} of {count} came"
        found += told(fetcher.fetched(0.1), unpacking or Unpacker())
    found += told(fetcher.fetched(0.1), unpacking or Unpacker())  # and no more than these
    return found


def wanted(cluster: Endpoints, topic: str) -> list[tuple[int, int, bytes | None, bytes | None]]:
    """The topic's records as confluent-kafka's consumer reads them."""
    return sorted(
        (one.partition, one.offset, one.key, one.value) for one in read_whole(cluster.kafka, [topic])
    )


def test_every_codec_is_read_and_what_was_given_up_is_not(
    cluster: Endpoints, topic: str, fetcher: Fetcher
) -> None:
    for codec in CODECS:
        publish(cluster, topic, 300, codec)
        given_up(cluster, topic, 20)
    fetcher.begin(dict.fromkeys(places(topic), 0))
    found = read(fetcher, 300 * len(CODECS))
    assert sorted(found) == wanted(cluster, topic)
    for number in range(3):
        its = [offset for partition, offset, *_ in found if partition == number]
        assert its == sorted(its)
    assert set(fetcher.ends) == set(places(topic))


def test_of_what_was_given_up_alone_it_is_told_how_far_it_goes(
    cluster: Endpoints, topic: str, fetcher: Fetcher
) -> None:
    given_up(cluster, topic, 60)
    fetcher.begin({(topic, 0): 0})
    parts = fetcher.fetched(READ_S)
    taken = Unpacker().take(parts)
    assert taken is not None
    assert taken.ends == fetcher.ends
    assert not len(taken.payload)


def test_it_reads_from_where_it_is_told_and_what_was_under_way_before_is_forgotten(
    cluster: Endpoints, topic: str, fetcher: Fetcher
) -> None:
    publish(cluster, topic, 600)
    fetcher.begin(dict.fromkeys(places(topic), 0))
    assert fetcher.fetched(5.0)  # and the next request is under way
    fetcher.begin({(topic, 1): 50})
    there = [one for one in wanted(cluster, topic) if one[0] == 1 and one[1] >= 50]
    assert read(fetcher, len(there)) == there
    assert set(fetcher.ends) == {(topic, 1)}
    fetcher.begin({})
    assert fetcher.fetched(0.05) == []


def test_what_was_deleted_is_said_and_the_rest_is_read(
    cluster: Endpoints, topic: str, fetcher: Fetcher, caplog: pytest.LogCaptureFixture
) -> None:
    publish(cluster, topic, 600)
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    for future in admin.delete_records([TopicPartition(topic, 2, 30)]).values():
        future.result()
    fetcher.begin({(topic, 2): 0})
    there = [one for one in wanted(cluster, topic) if one[0] == 2]
    assert there[0][1] == 30
    assert read(fetcher, len(there)) == there
    assert "offset out of range" in caplog.text
    assert REGISTRY.get_sample_value("bongsu_records_gone_total", {"topic": topic}) == 30


@pytest.mark.parametrize("how", ["hangs up", "hangs up midway", "talks nonsense", "goes silent"])
def test_a_broker_that_fails_is_asked_again_and_nothing_is_lost_or_read_twice(
    cluster: Endpoints,
    topic: str,
    fetcher: Fetcher,
    between: Between,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(connection, "SILENT_S", 0.5)
    monkeypatch.setattr(connection, "PLACE_BYTES", 2_000)
    monkeypatch.setattr(connection, "RESPONSE_BYTES", 4_000)
    publish(cluster, topic, 2_000, "none", **{"batch.size": 1_000})
    asked = Counter[str]()

    def spoil(held: bytes) -> bytes | None:
        asked["answers"] += 1
        if asked["answers"] % 5:
            return held
        asked["spoilt"] += 1
        if how == "hangs up":
            return None
        if how == "hangs up midway":
            with suppress(OSError):
                return held[: len(held) // 2] if asked["spoilt"] % 2 else None
        if how == "talks nonsense":
            return b"\0\0\0\x08HTTP/1.1 400 Bad Request"
        return b"" if asked["spoilt"] < 4 else held

    between.spoil = spoil
    fetcher.begin(dict.fromkeys(places(topic), 0))
    assert sorted(read(fetcher, 2_000)) == wanted(cluster, topic)
    assert asked["spoilt"] >= 3
    assert "broker unavailable" in caplog.text


def test_no_partition_starves_behind_another(
    cluster: Endpoints, topic: str, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PLACE_BYTES", 3_000)
    monkeypatch.setattr(connection, "RESPONSE_BYTES", 3_000)
    publish(cluster, topic, 3_000, "none", **{"batch.size": 2_500})
    fetcher.begin(dict.fromkeys(places(topic), 0))
    first = Counter[int]()
    while sum(first.values()) < 600:
        for partition, *_ in told(fetcher.fetched(1.0), Unpacker()):
            first[partition] += 1
    assert len(first) == 3
    assert min(first.values()) > 100


def test_a_broker_that_leads_no_longer_is_left_for_who_does(
    cluster: Endpoints, topic: str, between: Between
) -> None:
    publish(cluster, topic, 30)
    asked = list[int]()

    def leaders(missing: object) -> dict[Partition, Broker]:
        asked.append(1)
        if len(asked) == 1:
            return {(topic, number): between.broker for number in range(3)} | {
                ("no-such-topic", 0): between.broker
            }
        return {(topic, number): between.broker for number in range(3)}

    fetcher = Fetcher(leaders, lambda _: 0, wait_ms=20)
    fetcher.begin({**dict.fromkeys(places(topic), 0), ("no-such-topic", 0): 0})
    assert sorted(read(fetcher, 30)) == wanted(cluster, topic)
    until = monotonic() + READ_S
    while len(asked) < 2 and monotonic() < until:
        assert fetcher.fetched(0.1) == []
    assert len(asked) >= 2
    fetcher.close()


def test_damage_is_said_with_its_place(
    cluster: Endpoints, topic: str, fetcher: Fetcher, between: Between
) -> None:
    publish(cluster, topic, 300, "none")
    fetcher.begin({(topic, 0): 0})
    between.spoil = lambda held: held.replace(b"none 1", b"\xff\xff\xff\xff\xff\xff").replace(
        b"\0\0\0\0\2", b"\0\0\0\0\1"
    )
    with pytest.raises(Retriable, match=topic):
        read(fetcher, 300)
