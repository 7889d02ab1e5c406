"""``bongsu key``: an agency's keys for the gateway. Shown once; what is kept is their hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connectors.gateway.accounts import ALL_SOURCES, KEY, new_key, told, with_new_secret
from deploy.account_rows import (
    check_purposes,
    end_of,
    key_row,
    moment,
    name_of,
    old_end,
    publish,
    rows_of,
    standing,
)
from deploy.cli.group import Group
from deploy.cli.parameters import CITY, READS_AS, READS_FOR
from deploy.faults import UsageFault
from deploy.platform import reach
from deploy.spans import OLD_UNTIL
from deploy.telling import tell

if TYPE_CHECKING:
    from deploy.city.city import City


@click.group(cls=Group)
def key() -> None:
    """Give agencies keys with which they push to the gateway.

    \b
    Example:  bongsu key list --city demo
    """


@key.command()
@click.argument("agency")
@click.option("--city", "city_name", type=CITY, required=True, help="whose gateway")
@click.option(
    "--source",
    "sources",
    multiple=True,
    help="a source it may push to (again for more; default: those that speak for AGENCY, or for no agency)",
)
@click.option("--days", type=click.IntRange(1), help="refused after so many days (default: never)")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="requests a second it may make for long"
)
@click.option("--subscribe", is_flag=True, help="it may read situations, alerts and grants")
@READS_AS
@READS_FOR
def add(
    agency: str,
    city_name: str,
    sources: tuple[str, ...],
    days: int | None,
    rate: float | None,
    subscribe: bool,
    audience: str | None,
    purposes: tuple[str, ...],
) -> None:
    """Make a key for AGENCY. It is printed once and can be read nowhere afterwards.

    With --subscribe it reads; it pushes too where it names a --source.

    \b
    Example:  bongsu key add police --city demo --source reports-push
              bongsu key add 119 --city demo --subscribe --purpose fire-safety
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city
    from deploy.sharing.gateway_agreements import check_agreed

    city = load_city(city_name)
    agency = name_of(agency, "an agency")
    _check(city, agency, sources)
    if not subscribe and (audience or purposes):
        raise UsageFault("--audience and --purpose are of keys that read", hint="add --subscribe")
    check_purposes(city, purposes)
    publishes = bool(sources) or not subscribe
    check_agreed(
        city.name,
        agency,
        lambda agreed: agreed.lacks_for_key(subscribes=subscribe, publishes=publishes, purposes=purposes),
    )
    now_ms = wall_clock_ms()
    shown, event = new_key(
        city.name,
        agency,
        sources or ([] if subscribe else [ALL_SOURCES]),
        now_ms=now_ms,
        requests_per_s=rate,
        expires_at=end_of(days, now_ms),
        subscribes=subscribe,
        audience=(audience or agency) if subscribe else None,
        purposes=purposes,
    )
    publish(reach(), city, event)
    tell(shown)
    tell("  keep it now: it is not shown again", fg="yellow", err=True)


def _check(city: City, agency: str, sources: tuple[str, ...]) -> None:
    from deploy.assembly.stages import pushed_sources

    known = pushed_sources(city)
    for source in sources:
        if source not in known:
            raise UsageFault(
                f"no source '{source}' of {city.name} is pushed",
                hint=f"pushed are: {', '.join(known)}" if known else "write push = true in its [[source]]",
            )
        agencies = city.agencies_of(source)
        if agencies and agency not in agencies:
            told = f"  {source} speaks for {' and '.join(sorted(agencies))}: the key of {agency} may, too"
            tell(told, fg="yellow", err=True)


@key.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.argument("charger_ids", metavar="CHARGER...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="of all chargers in the city's list")
def charger(city_name: str, charger_ids: tuple[str, ...], is_all: bool) -> None:
    """Print the keys of chargers, one a line: id, tab, key.

    A key is derived from the city's secret: nothing is kept, and the same key is printed again. Raise the charger's number
    under [chargers] serial to renew it.

    \b
    Example:  bongsu key charger jeju JJ-001 JJ-002
    """
    import os

    from deploy.assembly.charger_settings import settings_of_chargers
    from deploy.city.city import load_city

    settings = settings_of_chargers(load_city(city_name), os.environ)
    if not charger_ids and not is_all:
        raise UsageFault("no charger is named", hint="name one or several, or say --all")
    for one in settings.chargers if is_all else charger_ids:
        if one not in settings.chargers:
            raise UsageFault(
                f"no charger '{one[:48]}' in the list of {city_name}", hint="see [chargers] list"
            )
        tell(f"{one}\t{settings.key_of(one)}")


@key.command("list")
@click.option("--city", "city_name", type=CITY, required=True, help="whose gateway")
def list_(city_name: str) -> None:
    """List the keys of a city: never the keys themselves.

    \b
    Example:  bongsu key list --city demo
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city

    city = load_city(city_name)
    rows = sorted(rows_of(reach(), city, KEY).values(), key=lambda row: (row["name"], row["created_at"]))
    for row in rows:
        tell(
            f"{row['account_id']}  {row['name']}  {', '.join(row['sources'])}  {standing(row, wall_clock_ms())}"
            f"  made {moment(row['secret_made_at'] or row['created_at'])}{old_end(row, wall_clock_ms())}"
        )
    if not rows:
        tell("no keys", err=True)


@key.command()
@click.argument("key_id")
@click.option("--city", "city_name", type=CITY, required=True, help="whose gateway")
def revoke(key_id: str, city_name: str) -> None:
    """Refuse a key from now on. KEY_ID stands in 'bongsu key list --city CITY', and in the key behind 'bongsu_'.

    \b
    Example:  bongsu key revoke 1f2e3d4c5b6a --city demo
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city

    city, platform = load_city(city_name), reach()
    row = rows_of(platform, city, KEY).get(key_id)
    if row is None:
        raise UsageFault(
            f"{city.name} has no key '{key_id[:40]}'", hint=f"see bongsu key list --city {city.name}"
        )
    now_ms = wall_clock_ms()
    if row["revoked_at"] is None:
        publish(platform, city, told(city.name, {**row, "revoked_at": now_ms}, now_ms=now_ms))
    tell(f"{key_id} of {row['name']} is refused from now on", err=True)


@key.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.argument("name")
@OLD_UNTIL
def rotate(city_name: str, name: str, old_ms: int) -> None:
    """Make an account's new key.

    NAME is its agency, or its key's id where the agency has several.

    The new key is printed once. The old one opens the same account until its end, and counts against the same limits; every
    gateway refuses it within 5 seconds after that. A key older than that is refused from now on.

    \b
    Example:  bongsu key rotate demo police --old-until 1h
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city

    city, platform, now_ms = load_city(city_name), reach(), wall_clock_ms()
    row = key_row(city.name, rows_of(platform, city, KEY), name, now_ms=now_ms)
    until = now_ms + old_ms if old_ms else None
    shown, event = with_new_secret(city.name, row, now_ms=now_ms, old_until=until)
    if (before := old_end(row, now_ms)) != "":
        tell(f"  refused from now on: the key before{before}", fg="yellow", err=True)
    publish(platform, city, event)
    tell(shown)
    tell("  keep it now: it is not shown again", fg="yellow", err=True)
    end = "from now on" if until is None else f"from {moment(until)}"
    tell(f"  the old key of {row['name']} is refused {end}", err=True)
