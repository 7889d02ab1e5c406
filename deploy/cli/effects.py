"""``bongsu effects``: what the platform did for a city, from its log: the load of alerts, and how soon help came."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
import orjson

from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import reach
from deploy.telling import tell
from deploy.times import epoch_ms, iso
from deploy.topic_values import demand_ran, values_of

if TYPE_CHECKING:
    from rich.table import Table

    from streams.effects import CoreEvents, Load

Values = list[dict[str, Any]]
UNREPORTED = "not reported"


@click.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.option(
    "--from", "from_text", metavar="TIME", help="from here on (ISO 8601) [default: the first alert]"
)
@click.option("--to", "to_text", metavar="TIME", help="up to here [default: the last alert]")
@click.option(
    "--against",
    metavar="FROM/TO",
    help="the control period [default with --from: as long a one, right before]",
)
@click.option("--json", "as_json", is_flag=True, help="one period a line, as JSON")
def effects(
    city_name: str, from_text: str | None, to_text: str | None, against: str | None, as_json: bool
) -> None:
    """Show how many alerts CITY's people got, against one for each incident, and how soon help came.

    Load is measured as ISA-18.2 and IEC 62682 do. What a city does not report is "not reported", never 0.

    \b
    Example:  bongsu effects demo
    """
    from rich.console import Console

    from deploy.city.city import load_city
    from streams.effects import CoreEvents

    city, platform = load_city(city_name), reach()
    demand_ran(platform, city)
    alerts, situations, grants, accesses = (
        values_of(platform, city.name, one)
        for one in ("core.alert", "core.situation", "core.grant", "core.access")
    )
    if not situations:
        raise UsageFault(
            f"{city.name} has no situations yet",
            hint=f"run its sources: bongsu run {city.name}; or play: bongsu play {city.name} --source NAME RECORDING",
        )
    times = [one["event_time"] for one in situations]
    told = CoreEvents(
        alerts,
        situations,
        [one for one in grants if one["revision"] == 1],
        min(times),
        [one for one in accesses if one["act"] == "first_use"],
    )
    start = epoch_ms(from_text) if from_text else min(times)
    end = epoch_ms(to_text) if to_text else max(times) + 1
    control = _control(against, start, end) if against or from_text else None
    periods = [(start, end), *([control] if control is not None and control[0] >= told.since else [])]
    for number, period in enumerate(periods):
        found = measured(told, *period)
        if as_json:
            tell(orjson.dumps({**found, "control": bool(number)}).decode())
        else:
            tell(("control: " if number else "") + f"{found['from']} to {found['to']}")
            Console(width=max(100, Console().width)).print(_table(found))
            for name, value in found["help"].items():
                tell(f" {name.replace('_', ' ')}: {_in_words(value)}")
    if control is not None and not as_json:
        show_change(told, (start, end), control)


def _control(against: str | None, start: int, end: int) -> tuple[int, int]:
    if against is None:
        return 2 * start - end, start
    first, slash, last = against.partition("/")
    if not slash:
        raise UsageFault(
            f"'{against[:60]}' is no period", hint="write FROM/TO: 2024-05-15T00:00:00Z/2024-05-16T00:00:00Z"
        )
    return epoch_ms(first), epoch_ms(last)


def show_change(told: CoreEvents, period: tuple[int, int], control: tuple[int, int]) -> None:
    """Each measure of the control and of the period, and the change between them."""
    from rich.console import Console
    from rich.table import Table

    from streams.effects import compared

    if control[0] >= control[1]:
        raise UsageFault("the control period is empty", hint="write --against FROM/TO with TO after FROM")
    if control[0] < told.since:
        tell(f"no control: the log begins at {iso(told.since)}, after {iso(control[0])}")
        return
    table = Table("measure", "control", "period", "change", box=None)
    for one in compared(
        told, from_ms=period[0], to_ms=period[1], control_from=control[0], control_to=control[1]
    ):
        change = UNREPORTED if one.change is None else f"{one.change:+.2f}"
        name = f"{one.name.replace('_', ' ')} ({one.unit})"
        table.add_row(name, _in_words(one.control), _in_words(one.value), change)
    Console(width=max(100, Console().width)).print(table)


def measured(told: CoreEvents, start: int, end: int) -> dict[str, Any]:
    """Everything of one period, as JSON carries it."""
    from streams.effects import first_heard, load_of, load_of_times

    if start >= end:
        raise UsageFault("the period is empty", hint="write a --to that comes after --from")
    each = load_of_times(first_heard(told.situations).values(), from_ms=start, to_ms=end)
    loads = {one: load_of(told.alerts, one, from_ms=start, to_ms=end) for one in told.audiences()}
    return {
        "from": iso(start),
        "to": iso(end),
        "one_alert_an_incident": _shown(each),
        "audiences": {audience: _shown(load) for audience, load in loads.items()},
        "help": asdict(told.help(start, end)),
    }


def _shown(load: Load) -> dict[str, Any]:
    return {**asdict(load), "per_10_min": load.per_10_min, "flood_share": load.flood_share}


def _table(found: dict[str, Any]) -> Table:
    from rich.table import Table

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
