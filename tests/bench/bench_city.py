"""A city of a benchmark's own, with its topics, for one measurement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from confluent_kafka.admin import AdminClient

from deploy.platform import Platform
from deploy.topics import ensure_topics


@contextmanager
def bench_city(platform: Platform) -> Iterator[str]:
    """Yield the city's name; delete its topics at the end."""
    city = f"bench-{uuid4().hex[:8]}"
    ensure_topics(platform.kafka, [city])
    try:
        yield city
    finally:
        remove_topics(platform, city)


def remove_topics(platform: Platform, city: str) -> None:
    admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
    topics = [one for one in admin.list_topics(timeout=10).topics if one.startswith(f"{city}.")]
    for future in admin.delete_topics(topics).values():
        future.result()
