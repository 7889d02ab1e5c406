"""``bongsu tail``: a subscriber."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click
import orjson

from deploy.city.names import city_names
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import Platform, reach
from deploy.record_form import shown_record
from deploy.show import event_line
from schemas.printable import printable

if TYPE_CHECKING:
    from streams.runtime.records import Record

IDLE_S = 1.0


@click.command()
@click.argument("topics", nargs=-1, required=True)
@click.option(
    "--city", "city_name", type=CITY, help="put this city before topics that name none (fire.incident)"
)
@click.option("--from-beginning", is_flag=True, help="everything the topics still hold, not only what comes")
@click.option(
    "--until-idle", is_flag=True, help="end when the topics are read and nothing more comes for a second"
)
@click.option("--json", "as_json", is_flag=True, help="one record a line, as JSON")
def tail(
    topics: tuple[str, ...], city_name: str | None, from_beginning: bool, until_idle: bool, as_json: bool
) -> None:
    """Print events of TOPICS as they are committed.

    A topic is written in full or as a pattern.

    \b
    Example:  bongsu tail 'demo.core.*' --from-beginning --until-idle
    """
    platform = reach()
    out = sys.stdout
    try:
        for record in _records(
            platform, topics, city_name, from_beginning=from_beginning, until_idle=until_idle
        ):
            shown = shown_record(record, platform)
            text = (
                printable(orjson.dumps(shown).decode()) if as_json else event_line(shown, colour=out.isatty())
            )
            out.write(text + "\n")
            if not until_idle or out.isatty():
                out.flush()
        out.flush()
    except BrokenPipeError:  # the reader of our pipe has had enough
        sys.stderr.close()


def _records(
    platform: Platform, patterns: tuple[str, ...], city: str | None, *, from_beginning: bool, until_idle: bool
) -> Iterator[Record]:
    from confluent_kafka import KafkaError, TopicPartition

    from streams.runtime.kafka import METADATA_TIMEOUT_S, partitions_of, reader
    from streams.runtime.records import record_of

    consumer = reader(platform.kafka)
    try:
        known = sorted(consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics)
        names = matching(patterns, known, city)
        if not names:
            raise _no_topic(patterns, city)
        start = 0 if from_beginning else -1  # -1: librdkafka's end of the partition
        consumer.assign([TopicPartition(p.topic, p.partition, start) for p in partitions_of(consumer, names)])
        quiet_since = time.monotonic()
        left = {(p.topic, p.partition) for p in consumer.assignment()}
        while True:
            messages = consumer.consume(1_000, 0.05)
            for message in messages:
                place = (message.topic(), message.partition())
                if message.error() is None:
                    quiet_since = time.monotonic()
                    yield record_of(message)
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    left.discard(place)
            if until_idle and not left and time.monotonic() - quiet_since > IDLE_S:
                return
    finally:
        consumer.close()


def _no_topic(patterns: tuple[str, ...], city: str | None) -> UsageFault:
    """The error where nothing matches. A known city without a topic never ran."""
    meant = next(
        (one for one in (city, *(one.partition(".")[0] for one in patterns)) if one in city_names()), None
    )
    run = f"run it first: bongsu run {meant}; " if meant else ""
    return UsageFault(
        f"no topic matches {' '.join(patterns)}", hint=f"{run}'bongsu topics list' names them all"
    )


def matching(patterns: tuple[str, ...], known: list[str], city: str | None) -> list[str]:
    """The topics of *known* that a pattern means; with *city*, a pattern may leave the city out."""
    wanted = [*patterns, *(f"{city}.{pattern}" for pattern in patterns if city)]
    return [topic for topic in known if any(fnmatchcase(topic, pattern) for pattern in wanted)]
