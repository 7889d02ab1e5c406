"""``bongsu dlq``: what was set aside, why, and its original bytes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click
import orjson

from deploy.faults import UsageFault
from deploy.platform import Platform, reach
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value
from streams.runtime.kafka import METADATA_TIMEOUT_S, read_whole, reader


@click.group()
def dlq() -> None:
    """Records set aside: bytes, reason, origin."""


@dlq.command("list")
@click.option("--city", "city_name", help="of one city only")
@click.option("--json", "as_json", is_flag=True, help="one record a line, as JSON")
def list_(city_name: str | None, as_json: bool) -> None:
    """List what was set aside, by topic and reason.

    Example:  bongsu dlq list --city houston
    """
    reasons: Counter[tuple[str, str, str]] = Counter()
    schema = load_catalogue()["source.dlq"].newest
    for topic, value in _set_aside(reach(), city_name):
        reasons[topic, value["reason"], value["field"]] += 1
        if as_json:
            click.echo(orjson.dumps({"topic": topic, "value": to_json_value(schema, value)}).decode())
    if as_json:
        return
    for (topic, reason, field), count in reasons.most_common():
        click.echo(f"{count:7}  {topic}  {reason}{f'  (field {field})' if field else ''}")
    if not reasons:
        click.echo("nothing was set aside", err=True)


@dlq.command()
@click.argument("event_id")
@click.option("--city", "city_name", help="of one city only")
@click.option("--bytes", "raw", is_flag=True, help="the original bytes alone, to standard output")
def show(event_id: str, city_name: str | None, raw: bool) -> None:
    """Show one record that was set aside: why, where from, and its bytes as they came.

    EVENT_ID may be cut short.

    Example:  bongsu dlq show 3f2a --bytes > record.json
    """
    schema = load_catalogue()["source.dlq"].newest
    for _topic, value in _set_aside(reach(), city_name):
        if not value["event_id"].startswith(event_id):
            continue
        if raw:
            sys.stdout.buffer.write(value["original"])
            return
        shown = to_json_value(schema, value) | {
            "original": value["original"].decode(errors="backslashreplace")
        }
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
        return
    raise UsageFault(
        f"nothing set aside has the id {event_id}", hint="'bongsu dlq list --json' names them all"
    )


def _set_aside(platform: Platform, city: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    consumer = reader(platform.kafka)
    known = sorted(consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics)
    consumer.close()
    topics = [one for one in known if one.endswith(".dlq") and (city is None or one.startswith(f"{city}."))]
    for record in read_whole(platform.kafka, topics) if topics else ():
        if record.value is not None:
            yield record.topic, platform.wire.decode(record.topic, record.value)
