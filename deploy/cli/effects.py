"""``bongsu effects``: what the platform did for a city, from its log: the load of alerts, and how soon help came."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from deploy.city import load_city
from deploy.faults import UsageFault
from deploy.platform import Platform, reach
from deploy.times import epoch_ms, iso
from schemas.catalogue import topic_name
from streams.effects import Load, first_heard, help_of, load_of, load_of_times
from streams.runtime.kafka import read_whole

Values = list[dict[str, Any]]
UNREPORTED = "not reported"


@click.command()
@click.argument("city_name", metavar="CITY")
@click.option(
    "--from", "from_text", metavar="TIME", help="from here on (ISO 8601) [default: the first alert]"
)
@click.option("--to", "to_text", metavar="TIME", help="up to here [default: the last alert]")
@click.option("--against", metavar="FROM/TO", help="a control period, shown beside")
@click.option("--json", "as_json", is_flag=True, help="one period a line, as JSON")
def effects(
    city_name: str, from_text: str | None, to_text: str | None, against: str | None, as_json: bool
) -> None:
    """Show how many alerts CITY's people got, against one for each incident, and how soon help came.

    Load is measured as ISA-18.2 and IEC 62682 do. What a city does not report is "not reported", never 0.

    Example:  bongsu effects houston --from 2024-05-16T23:00:00Z --to 2024-05-17T18:00:00Z
    """
    city, platform = load_city(city_name), reach()
    alerts, situations = (_values(platform, city.name, one) for one in ("core.alert", "core.situation"))
    if not situations:
        raise UsageFault(f"{city.name} has no situations yet", hint=f"bongsu play {city.name} … or run it")
    times = [one["event_time"] for one in situations]
    start = epoch_ms(from_text) if from_text else min(times)
    end = epoch_ms(to_text) if to_text else max(times) + 1
    periods = [(start, end)]
    if against is not None:
        first, _, last = against.partition("/")
        periods.append((epoch_ms(first), epoch_ms(last)))
    for number, period in enumerate(periods):
        found = measured(alerts, situations, *period)
        if as_json:
            click.echo(orjson.dumps(found).decode())
        else:
            click.echo(("control: " if number else "") + f"{found['from']} to {found['to']}")
            Console(width=max(100, Console().width)).print(_table(found))
            for name, value in found["help"].items():
                click.echo(f" {name.replace('_', ' ')}: {_in_words(value)}")


def measured(alerts: Values, situations: Values, start: int, end: int) -> dict[str, Any]:
    """Everything of one period, as JSON carries it."""
    if start >= end:
        raise UsageFault("the period is empty", hint="write a --to that comes after --from")
    audiences = sorted({one["audience"] for one in alerts})
    each = load_of_times(first_heard(situations).values(), from_ms=start, to_ms=end)
    loads = {one: load_of(alerts, one, from_ms=start, to_ms=end) for one in audiences}
    return {
        "from": iso(start),
        "to": iso(end),
        "one_alert_an_incident": _shown(each),
        "audiences": {audience: _shown(load) for audience, load in loads.items()},
        "help": asdict(help_of(situations, from_ms=start, to_ms=end)),
    }


def _shown(load: Load) -> dict[str, Any]:
    return {**asdict(load), "per_10_min": load.per_10_min, "flood_share": load.flood_share}


def _table(found: dict[str, Any]) -> Table:
    names = (
        ("alerts", "alerts", "{:d}"),
        ("per 10 min", "per_10_min", "{:.1f}"),
        ("most in 10 min", "most_in_10_min", "{:d}"),
        ("floods", "floods", "{:d}"),
        ("time in flood", "flood_share", "{:.0%}"),
        ("chattering", "chattering", "{:d}"),
        ("stale", "stale", "{:d}"),
    )
    table = Table("who", *(title for title, _, _ in names), box=None)
    rows = {"one alert an incident": found["one_alert_an_incident"], **found["audiences"]}
    for who, load in rows.items():
        table.add_row(who, *(form.format(load[name]) for _, name, form in names))
    return table


def _in_words(value: float | None) -> str:
    if value is None:
        return UNREPORTED
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _values(platform: Platform, city: str, contract: str) -> Values:
    records = read_whole(platform.kafka, [topic_name(city, contract)])
    return [platform.wire.decode(one.topic, one.value) for one in records if one.value is not None]
