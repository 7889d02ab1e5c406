"""``bongsu key``: an agency's keys for the gateway. Shown once; what is kept is their hash."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from connectors.gateway.accounts import ALL_SOURCES, new_key, told
from connectors.web_page import wall_clock_ms
from deploy.city import City, load_city
from deploy.faults import UsageFault
from deploy.gateway import pushed_sources
from deploy.platform import Platform, reach
from deploy.topics import ensure_topics
from schemas.catalogue import topic_name
from schemas.event import Event
from streams.runtime.kafka import read_table, transactional_producer
from streams.runtime.transaction import transaction

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@click.group()
def key() -> None:
    """Keys with which agencies push to the gateway."""


@key.command()
@click.argument("agency")
@click.option("--city", "city_name", required=True, help="whose gateway")
@click.option(
    "--source",
    "sources",
    multiple=True,
    help="a source it may speak for (again for more; default: all pushed)",
)
@click.option("--days", type=click.IntRange(1), help="refused after so many days (default: never)")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="requests a second it may make for long"
)
def add(agency: str, city_name: str, sources: tuple[str, ...], days: int | None, rate: float | None) -> None:
    """Make a key for AGENCY. It is printed once and can be read nowhere afterwards.

    Example:  bongsu key add police --city demo --source reports-push
    """
    city = load_city(city_name)
    if not NAME.fullmatch(agency):
        raise UsageFault(
            f"'{agency[:64]}' is no name for an agency",
            hint="lower-case letters, digits, '.', '_' and '-': city-police",
        )
    _check(city, sources)
    now_ms = wall_clock_ms()
    ends = None if days is None else now_ms + int(timedelta(days=days).total_seconds() * 1000)
    shown, event = new_key(
        city.name, agency, sources or [ALL_SOURCES], now_ms=now_ms, requests_per_s=rate, expires_at=ends
    )
    _publish(reach(), city, event)
    click.echo(shown)
    click.secho("  keep it now: it is not shown again", fg="yellow", err=True)


def _check(city: City, sources: tuple[str, ...]) -> None:
    known = pushed_sources(city)
    for source in sources:
        if source not in known:
            raise UsageFault(
                f"no source '{source}' of {city.name} is pushed",
                hint=f"pushed are: {', '.join(known)}" if known else "write push = true in its [[source]]",
            )


@key.command("list")
@click.option("--city", "city_name", required=True, help="whose gateway")
def list_(city_name: str) -> None:
    """List the keys of a city: never the keys themselves.

    Example:  bongsu key list --city demo
    """
    city = load_city(city_name)
    rows = sorted(_rows(reach(), city).values(), key=lambda row: (row["name"], row["created_at"]))
    for row in rows:
        click.echo(
            f"{row['account_id']}  {row['name']}  {', '.join(row['sources'])}  {_state(row, wall_clock_ms())}"
            f"  made {_when(row['created_at'])}"
        )
    if not rows:
        click.echo("no keys", err=True)


@key.command()
@click.argument("key_id")
@click.option("--city", "city_name", required=True, help="whose gateway")
def revoke(key_id: str, city_name: str) -> None:
    """Refuse a key from now on. KEY_ID stands in 'bongsu key list', and in the key behind 'bongsu_'.

    Example:  bongsu key revoke 1f2e3d4c5b6a --city demo
    """
    city, platform = load_city(city_name), reach()
    row = _rows(platform, city).get(key_id)
    if row is None:
        raise UsageFault(
            f"{city.name} has no key '{key_id[:40]}'", hint=f"see bongsu key list --city {city.name}"
        )
    now_ms = wall_clock_ms()
    if row["revoked_at"] is None:
        _publish(platform, city, told(city.name, {**row, "revoked_at": now_ms}, now_ms=now_ms))
    click.echo(f"{key_id} of {row['name']} is refused from now on", err=True)


def _rows(platform: Platform, city: City) -> dict[str, dict[str, Any]]:
    ensure_topics(platform.kafka, [city.name])
    topic = topic_name(city.name, "core.account")
    table = read_table(platform.kafka, topic)
    rows = {key.decode(): platform.wire.decode(topic, value) for key, value in table.items()}
    return {account_id: row for account_id, row in rows.items() if row["kind"] == "key"}


def _publish(platform: Platform, city: City, event: Event) -> None:
    ensure_topics(platform.kafka, [city.name])
    producer = transactional_producer(platform.kafka, f"{city.name}.accounts")
    with transaction(producer, platform.wire, city.name) as outbox:
        outbox.put(event)


def _state(row: dict[str, Any], now_ms: int) -> str:
    if row["revoked_at"] is not None:
        return f"revoked {_when(row['revoked_at'])}"
    if row["expires_at"] is not None:
        return f"{'out of date' if row['expires_at'] <= now_ms else 'good until'} {_when(row['expires_at'])}"
    return "good"


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
