"""Reading whole topics: from their beginning to their end, every partition, and no fault taken for an end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.errors import Fatal, Retriable, Unreachable
from streams.runtime import kafka
from tests.unit.streams.a_log import AWAY, PASSING, REFUSED, Log


def rows(*keys: str) -> list[tuple[bytes | None, bytes | None]]:
    return [(key.encode(), f"{key}{number}".encode()) for number, key in enumerate(keys)]


def a_log(monkeypatch: pytest.MonkeyPatch, **about: Any) -> Log:
    records = {("t", 0): rows("a", "b", "a"), ("t", 1): rows("c"), ("u", 0): rows("d", "e"), ("v", 0): []}
    log = Log(records, **about)
    monkeypatch.setattr(kafka, "consumer_of", log.consumer_of)
    return log


def test_every_partition_is_read_from_its_first_record_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch, errors=[PASSING])
    found = [(one.topic, one.partition, one.offset) for one in kafka.read_whole("b:1", ["t", "u", "v"])]
    assert found == [("t", 0, 0), ("t", 0, 1), ("t", 0, 2), ("t", 1, 0), ("u", 0, 0), ("u", 0, 1)]
    (consumer,) = log.made
    assert consumer.assigned == [("t", 0, 0), ("t", 1, 0), ("u", 0, 0), ("v", 0, 0)]
    assert consumer.settings["bootstrap.servers"] == "b:1"
    assert consumer.settings["isolation.level"] == "read_committed"
    assert consumer.settings["fetch.wait.max.ms"] == 10
    assert consumer.is_closed


def test_a_reader_that_needs_more_waits_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch, more=[(("u", 0), (b"f", b"f")), (("u", 0), (b"g", b"g"))])
    ends: list[tuple[str, int, int]] = []

    def is_enough(*place: Any) -> bool:
        ends.append(place)
        return bool(place[2] >= 3)

    found = [one.key for one in kafka.read_whole("b:1", ["u"], is_enough=is_enough)]
    assert found == [b"d", b"e", b"f"], "the one behind the end that was wanted is not read"
    assert ends[0] == ("u", 0, 2) and ends[-1] == ("u", 0, 3)
    assert log.made[0].is_closed


@pytest.mark.parametrize(
    "read", [lambda: list(kafka.read_whole("b:1", ["t"])), lambda: kafka.newest_of("b:1", "t")]
)
def test_a_topic_that_kafka_refuses_is_no_empty_one(monkeypatch: pytest.MonkeyPatch, read: Any) -> None:
    log = a_log(monkeypatch, errors=[REFUSED])
    with pytest.raises(Fatal, match="reading t: Kafka denied access"):
        read()
    assert log.made[0].is_closed


def test_the_newest_record_of_each_key_counts_and_keys_keep_the_order_of_their_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = a_log(monkeypatch)
    log.records["t", 1].append((None, None))
    found = kafka.newest_of("b:1", "t")
    assert [(key, one.value) for key, one in found.items()] == [
        (b"a", b"a2"),
        (b"b", b"b1"),
        (b"c", b"c0"),
        (b"", None),
    ]


@pytest.mark.parametrize(
    ("is_committed", "isolation"), [(True, "read_committed"), (False, "read_uncommitted")]
)
def test_the_ends_of_topics_with_or_without_what_is_under_way(
    monkeypatch: pytest.MonkeyPatch, is_committed: bool, isolation: str
) -> None:
    log = a_log(monkeypatch)
    ends = kafka.ends_of("b:1", ["t", "u"], is_committed=is_committed)
    assert ends == {("t", 0): 3, ("t", 1): 1, ("u", 0): 2}
    assert log.made[0].settings["isolation.level"] == isolation
    assert log.made[0].is_closed


def test_ends_that_kafka_does_not_tell_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch, fails={"get_watermark_offsets": AWAY})
    with pytest.raises(Retriable, match="reading the offsets of t, u: _TRANSPORT"):
        kafka.ends_of("b:1", ["t", "u"], is_committed=True)
    with pytest.raises(Retriable, match="reading the offsets of u: _TRANSPORT"):
        kafka.read_tail("b:1", "u")
    assert all(one.is_closed for one in log.made)


def test_a_kafka_that_is_away_is_told_from_a_topic_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch)
    assert kafka.known_topics("b:1") == {"t", "u", "v"}
    consumer: Any = log.made[0]
    with pytest.raises(Fatal, match="no topic x, y;"):
        kafka.partitions_of(consumer, ["x", "t", "y"])
    log.fails["list_topics"] = AWAY
    for ask in (lambda: kafka.known_topics("b:1"), lambda: kafka.partitions_of(consumer, ["t"])):
        with pytest.raises(Unreachable, match="Kafka unavailable"):
            ask()
    assert all(one.is_closed for one in log.made)


def test_a_topic_of_one_partition_is_refused_once_it_has_more(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch)
    consumer: Consumer = log.consumer_of({})
    assert kafka.partition_of(consumer, "u") == TopicPartition("u", 0)
    with pytest.raises(Fatal, match="t has 2 partitions where 1 belongs"):
        kafka.partition_of(consumer, "t")


@pytest.mark.parametrize(
    ("count", "first", "offsets"),
    [(2, 0, [3, 4]), (9, 0, [0, 1, 2, 3, 4]), (4, 3, [3, 4])],
    ids=["the last", "all", "from the first that is left"],
)
def test_the_tail_of_a_topic_is_its_last_records(
    monkeypatch: pytest.MonkeyPatch, count: int, first: int, offsets: list[int]
) -> None:
    log = a_log(monkeypatch, first=first, errors=[PASSING])
    log.records["u", 0] = rows("d", "e", "f", "g", "h")
    assert [one.offset for one in kafka.read_tail("b:1", "u", count=count)] == offsets
    assert log.made[0].is_closed


class Admin:
    """Tells brokers and their settings, or fails."""

    def __init__(self, answer: Any, brokers: Any) -> None:
        self._answer, self._brokers = answer, brokers

    def list_topics(self, timeout: float) -> Any:
        assert timeout == 8
        return SimpleNamespace(brokers=self._brokers)

    def describe_configs(self, resources: Any, request_timeout: float) -> Any:
        assert (resources[0].name, request_timeout) == ("7", 8)
        return {resources[0]: SimpleNamespace(result=lambda: self._answer)}


def minimum(value: Any) -> dict[str, Any]:
    return {"group.min.session.timeout.ms": SimpleNamespace(value=value)}


class Away:
    """A setting that is not told."""

    def __getitem__(self, _name: str) -> Any:
        raise KafkaException(AWAY)


@pytest.mark.parametrize(
    ("answer", "brokers", "session_ms"),
    [
        (minimum("1000"), {7: None}, 3_000),
        (minimum("9000"), {7: None}, 9_000),
        (minimum("soon"), {7: None}, 6_000),
        (minimum(None), {7: None}, 6_000),
        ({}, {7: None}, 6_000),
        (minimum("1000"), {}, 6_000),
        (Away(), {7: None}, 6_000),
    ],
)
def test_a_session_is_as_short_as_the_brokers_allow_and_usual_where_they_do_not_tell(
    monkeypatch: pytest.MonkeyPatch, answer: Any, brokers: Any, session_ms: int
) -> None:
    asked: list[Any] = []

    def admin_of(bootstrap: str, **settings: Any) -> Admin:
        asked.append((bootstrap, settings))
        return Admin(answer, brokers)

    monkeypatch.setattr(kafka, "admin_of", admin_of)
    settings = kafka.group_settings("b:1", "town.match")
    assert settings["session.timeout.ms"] == session_ms
    assert settings["heartbeat.interval.ms"] == session_ms / 6
    assert asked == [("b:1", {"log_level": 0})]


class Opening:
    """A producer that Kafka accepts, or does not."""

    def __init__(self, settings: dict[str, Any], error: KafkaError | None) -> None:
        self.settings, self._error = settings, error

    def init_transactions(self, timeout_s: float) -> None:
        assert timeout_s == 30
        if self._error is not None:
            raise KafkaException(self._error)


def opened(error: KafkaError | None = None, **settings: Any) -> Any:
    def make(given: dict[str, Any]) -> Opening:
        return Opening(given, error)

    return kafka.transactional_producer("b:1", "town.ingest.fire", make=make, **settings)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError._FENCED, kafka.Fenced),
        (KafkaError.PRODUCER_FENCED, kafka.Fenced),
        (KafkaError.INVALID_PRODUCER_EPOCH, kafka.Fenced),
        (KafkaError._FATAL, kafka.Fenced),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, Fatal),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, Fatal),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, Fatal),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, Fatal),
        (KafkaError.SASL_AUTHENTICATION_FAILED, Fatal),
        (KafkaError._TIMED_OUT, Retriable),
        (KafkaError.NOT_ENOUGH_REPLICAS, Retriable),
    ],
)
def test_an_id_that_cannot_be_opened_says_whether_to_try_again(code: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"transactional id town\.ingest\.fire: ") as caught:
        opened(KafkaError(code))
    assert type(caught.value) is kind


def test_an_error_that_librdkafka_calls_fatal_means_another_took_over() -> None:
    with pytest.raises(kafka.Fenced):
        opened(KafkaError(KafkaError._STATE, "over", True, False, False))


def test_the_settings_on_which_order_and_latency_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written apart: a producer that waits, or a fetch that does, shows in no other unit test."""
    monkeypatch.setattr(kafka, "_session_min_ms", lambda _bootstrap: 1_000)
    assert opened(more=1).settings == {
        "bootstrap.servers": "b:1",
        "client.id": "town.ingest.fire",
        "transactional.id": "town.ingest.fire",
        "partitioner": "murmur2_random",
        "linger.ms": 20,
        "compression.type": "lz4",
        "message.max.bytes": 8_000_000,
        "log_level": 3,
        "more": 1,
    }
    read = {
        "bootstrap.servers": "b:1",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.queue.backoff.ms": 2,
        "log_level": 3,
    }
    assert kafka.group_settings("b:1", "town.match", more=1) == read | {
        "group.id": "town.match",
        "client.id": "town.match",
        "partition.assignment.strategy": "range",
        "session.timeout.ms": 3_000,
        "heartbeat.interval.ms": 500,
        "fetch.error.backoff.ms": 50,
        "topic.metadata.refresh.interval.ms": 5_000,
        "more": 1,
    }
    own = kafka.reader_settings("b:1", more=1)
    assert own == read | {"group.id": "bongsu.reader", "enable.partition.eof": True, "more": 1}
