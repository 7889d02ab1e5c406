"""List the records in the DLQs, and retry them: city by city, source by source."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from deploy.assembly.ingest import ingest_of
from deploy.city.city import City, load_city
from deploy.platform import Platform
from deploy.topic_values import tell_left_out
from schemas.catalogue import topic_name
from streams.dlq.fold import CHUNK, SOURCE_DLQ, Aside, RetryOutcome, fold
from streams.ingest.retry import retry_source, retry_topic
from streams.runtime.kafka import (
    METADATA_TIMEOUT_S,
    Fenced,
    read_whole,
    reader,
    transactional_producer,
)
from streams.runtime.row_reader import RowReader

TRIES_MAX = 20


def asides_in(platform: Platform, city: str | None = None, *, topic: str | None = None) -> list[Aside]:
    """Every record set aside, of one city, of one topic (by its name or its DLQ's); the last changed last."""
    wanted = None if topic is None else topic.removesuffix(".dlq") + ".dlq"
    consumer = reader(platform.kafka)
    known = sorted(consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics)
    consumer.close()
    topics = [
        one
        for one in known
        if one.endswith(".dlq")
        and (city is None or one.startswith(f"{city}."))
        and (wanted is None or wanted in (one, one.partition(".")[2]))
    ]
    return list(fold(_rows(platform, topics)).values())


def _rows(platform: Platform, topics: Sequence[str]) -> Iterator[Aside]:
    reader = RowReader(platform.wire, "dlq")
    for row in reader.rows(read_whole(platform.kafka, topics) if topics else ()):
        if row.value is not None:
            yield Aside(row.record.topic, row.record.key or b"", row.value)
    tell_left_out(reader)


def retry_all(platform: Platform, asides: Sequence[Aside], cities: Mapping[str, City]) -> RetryOutcome:
    """Retry *asides*, each by its source or into its topic. *cities*: cities that do not ship with the package."""
    outcome = RetryOutcome()
    sources: dict[tuple[str, str], list[Aside]] = {}
    for aside in asides:
        if aside.contract == SOURCE_DLQ:
            sources.setdefault((aside.value["city"], aside.value["source"]), []).append(aside)
    topics: dict[str, list[Aside]] = {}
    for aside in asides:
        if aside.contract != SOURCE_DLQ:
            topics.setdefault(aside.value["city"], []).append(aside)
    for city, those in topics.items():
        outcome += _through_topics(platform, city, those)
    for (name, source), those in sources.items():
        city_file = cities.get(name) or load_city(name)
        outcome += _through_source(platform, city_file, source, those)
    return outcome


def _through_topics(platform: Platform, city: str, asides: Sequence[Aside]) -> RetryOutcome:
    outcome = RetryOutcome()
    producer = transactional_producer(platform.kafka, f"{city}.dlq.retry")
    # the DLQ is read only now, after another retry is fenced: nothing is fed twice
    for chunk in _chunks(_still_waiting(platform, asides)):
        outcome += retry_topic(producer, platform.wire, city, chunk, now_ms=_now_ms())
    return outcome


def _through_source(platform: Platform, city: City, source: str, asides: Sequence[Aside]) -> RetryOutcome:
    """Retry by the source. This fences the source's worker. When that resumes, it may fence us: then start over."""
    outcome, tries = RetryOutcome(), 0
    while True:
        ingest = ingest_of(city, platform, source, city.load(source))
        ingest.open()
        try:
            # an empty commit tells the fenced worker that its place is only lent
            ingest.commit_for_retry([], ingest.standing)
            for chunk in _chunks(_still_waiting(platform, asides)):
                outcome += retry_source(ingest, chunk, _newest(platform, city.name), now_ms=_now_ms())
            return outcome
        except Fenced:
            tries += 1
            if tries == TRIES_MAX:
                raise


def _still_waiting(platform: Platform, asides: Sequence[Aside]) -> list[Aside]:
    """The *asides* that still wait: nobody retried them in the meantime."""
    topics = sorted({aside.topic for aside in asides})
    now = fold(_rows(platform, topics)) if topics else {}
    ours = [now.get((aside.topic, aside.event_id)) for aside in asides]
    return [aside for aside in ours if aside is not None and aside.is_waiting]


def _newest(platform: Platform, city: str) -> Callable[[str, str], int | None]:
    """A function (contract, key) → time last received. A topic is read once, on the first call for it."""
    known: dict[str, dict[str, int]] = {}

    def newest(contract: str, key: str) -> int | None:
        if contract not in known:
            known[contract] = _received(platform, topic_name(city, contract))
        return known[contract].get(key)

    return newest


def _received(platform: Platform, topic: str) -> dict[str, int]:
    received: dict[str, int] = {}
    reader = RowReader(platform.wire, "dlq")
    for row in reader.rows(read_whole(platform.kafka, [topic])):
        if row.record.key is not None and row.value is not None:
            received[row.key] = max(received.get(row.key, 0), row.value["received_time"])
    tell_left_out(reader)
    return received


def _chunks(asides: Sequence[Aside]) -> Iterator[Sequence[Aside]]:
    for start in range(0, len(asides), CHUNK):
        yield asides[start : start + CHUNK]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
