"""``bongsu subscription``: who gets the situations, alerts and grants of a city, and how far each receiver is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from deploy.account_rows import moment
from deploy.cli.group import Group
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import reach
from deploy.telling import tell
from schemas.errors import BongsuError, Fatal

if TYPE_CHECKING:
    from deploy.city.city import City
    from deploy.subscription_rows import Standing
    from streams.deliver.subscriptions import State, Subscription


@click.group(cls=Group)
def subscription() -> None:
    """Deliver situations, alerts and grants to subscribers.

    \b
    Example:  bongsu subscription list demo
    """


@subscription.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.argument("name")
@click.option("--who", required=True, help="the agency or subscriber that it is for")
@click.option("--sink", default="webhook", show_default=True, help="the type of its sink")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="a setting of its sink (again for more)"
)
@click.option(
    "--secret-env", help="the environment variable with its secret (default: one is made, and shown once)"
)
@click.option("--audience", help="the rows it may have; '*' for all (default: public alerts only)")
@click.option("--purpose", "purposes", multiple=True, help="what the events are used for (again for more)")
@click.option(
    "--contract", "contracts", multiple=True, help="such as core.alert (again for more; default: all)"
)
@click.option(
    "--kind", "kinds", multiple=True, help="a kind with all below it (again for more; default: all)"
)
@click.option(
    "--corner", "corners", multiple=True, metavar="LAT,LON", help="a corner of its area (three or more)"
)
@click.option("--severity-from", help="the least severity (default: any)")
@click.option(
    "--format",
    type=click.Choice(["json", "cap"]),
    default="json",
    show_default=True,
    help="CloudEvents as JSON, or alerts alone as CAP 1.2",
)
@click.option("--from-beginning", is_flag=True, help="with all that the log has, not only what comes")
def add(city_name: str, name: str, secret_env: str | None, settings: tuple[str, ...], **about: Any) -> None:
    """Make the subscription NAME.

    A webhook's secret is made, kept in the home folder, and shown once.

    \b
    Example:  bongsu subscription add demo desk --who police --audience '*' --sink json_lines --set path=desk.jsonl
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city
    from deploy.sharing.gateway_agreements import check_agreed
    from deploy.subscription_rows import new_secret, publish, standing
    from streams.deliver.subscriptions import Subscription

    city, platform, now_ms = load_city(city_name), reach(), wall_clock_ms()
    corners = tuple(map(_corner, about.pop("corners")))
    asked = dict(map(_setting, settings))
    if secret_env is not None:
        asked["secrets"] = [f"${{{secret_env}}}"]
    one = Subscription(name, settings=asked, area=corners, created_at=now_ms, **about)
    _check(city, one)
    contracts = ("core.alert",) if one.format == "cap" else one.contracts
    check_agreed(city.name, one.who, lambda agreed: agreed.lacks_for_subscription(contracts, one.purposes))
    if name in standing(platform, city).all:
        raise UsageFault(
            f"{city.name} has a subscription '{name}' already",
            hint=f"choose another name, or first: bongsu subscription remove {city.spoken} {name}",
        )
    secret = None
    if one.sink == "webhook" and "secrets" not in asked:
        secret, setting = new_secret(city.name, name, number=now_ms)
        asked["secrets"] = [setting]
    publish(platform, city, one, now_ms=now_ms)
    tell(f"{name} is delivered to from now on", err=True)
    _tell_secret(secret)


def _tell_secret(secret: str | None) -> None:
    if secret is not None:
        tell(secret)
        tell("  give it to the receiver now: it is not shown again", fg="yellow", err=True)


def _corner(text: str) -> tuple[float, float]:
    try:
        lat, lon = map(float, text.split(","))
    except ValueError:
        raise UsageFault(
            f"{text[:40]!a} is no corner", hint="write LAT,LON in degrees: 36.35,127.38"
        ) from None
    return lat, lon


def _setting(text: str) -> tuple[str, Any]:
    """A setting; its value may be JSON."""
    import orjson

    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageFault("a setting without '='", hint="write --set NAME=VALUE")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


def _check(city: City, one: Subscription) -> None:
    """``UsageFault`` for the first thing that is wrong with *one*."""
    from deploy.city.subscriptions import of_sink
    from streams.deliver.subscriptions import faults_of

    for fault in faults_of(one):
        raise UsageFault(f"{fault.field}: {fault.what}", hint=fault.hint)
    asked = dict(one.settings)
    if one.sink == "webhook":
        asked.setdefault("secrets", ["${MADE}"])
    for found in of_sink((), one.sink, asked, city.folders):
        raise UsageFault(found.what, hint=found.hint)


@subscription.command("list")
@click.argument("city_name", metavar="CITY", type=CITY)
def list_(city_name: str) -> None:
    """List subscriptions: state, records behind, last error.

    \b
    Example:  bongsu subscription list demo
    """
    from deploy.city.city import load_city
    from deploy.subscription_rows import lags, standing

    city, platform = load_city(city_name), reach()
    found = standing(platform, city)
    behind = lags(platform, city, found)
    for name, one in sorted(found.all.items()):
        tell(_line(found, one, behind.get(name)))
    if not found.all:
        tell("no subscriptions", err=True)


def _line(found: Standing, one: Subscription, lag: int | None) -> str:
    where = "  (city's file)" if one.name in found.of_file else ""
    row = found.deliveries.get(one.name)
    if row is None:
        return f"{one.name}  {one.who}  {one.sink}  {one.state}, not delivered to yet{where}"
    told = [f"{one.name}  {one.who}  {one.sink}", "paused" if one.state == "paused" else row["state"]]
    told.append(f"{row['delivered']} delivered  {row['set_aside']} set aside  {lag} behind")
    if row["next_at"] is not None:
        told.append(f"next try {moment(row['next_at'])}")
    if row["state"] in ("waiting", "dead") and row["last_error"]:
        told.append(row["last_error"])
    return "  ".join(told) + where


@subscription.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.argument("name")
def test(city_name: str, name: str) -> None:
    """Send one test event now, and say how it was answered.

    \b
    Example:  bongsu subscription test demo desk
    """
    import asyncio
    from uuid import uuid4

    from connectors.transport.web_page import wall_clock_ms
    from deploy.assembly.deliver import sink_of
    from deploy.city.city import load_city
    from deploy.subscription_rows import named, standing
    from streams.deliver.bodies import probe_delivery

    city = load_city(city_name)
    one = named(standing(reach(), city), city, name)
    event = probe_delivery(city.name, name, event_id=uuid4().hex, now_ms=wall_clock_ms())

    async def send() -> None:
        sink = sink_of(city, one)
        try:
            await sink.deliver([event])
        finally:
            await sink.close()

    try:
        asyncio.run(send())
    except BongsuError as error:
        raise Fatal(f"{name}: {error.what}", hint=error.hint) from error
    tell(f"{name}: test event {event.event_id} delivered")


@subscription.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.argument("name")
def pause(city_name: str, name: str) -> None:
    """Deliver nothing until 'retry', which goes on from there.

    \b
    Example:  bongsu subscription pause demo desk
    """
    _change(city_name, name, state="paused")
    tell(f"{name} is paused", err=True)


@subscription.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.argument("name")
def retry(city_name: str, name: str) -> None:
    """Try a dead, waiting or paused receiver again now.

    \b
    Example:  bongsu subscription retry demo desk
    """
    _change(city_name, name, state="active", is_retried=True)
    tell(f"{name} is tried again", err=True)


@subscription.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.argument("name")
def remove(city_name: str, name: str) -> None:
    """End a subscription, and forget its receiver's place.

    \b
    Example:  bongsu subscription remove demo desk
    """
    _change(city_name, name, state="removed")
    tell(f"{name} is removed", err=True)


@subscription.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.argument("name")
def rotate(city_name: str, name: str) -> None:
    """Make a webhook's new secret.

    The one before signs too, until the next 'rotate'.

    \b
    Example:  bongsu subscription rotate demo hook
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city
    from deploy.subscription_rows import named, new_secret, publish, rotated, standing

    city, platform, now_ms = load_city(city_name), reach(), wall_clock_ms()
    found = standing(platform, city)
    one = named(found, city, name)
    if one.sink != "webhook" or name in found.of_file:
        raise UsageFault(
            f"the secret of '{name}' is not kept here", hint="exchange it where its settings say it stands"
        )
    secret, setting = new_secret(city.name, name, number=now_ms)
    publish(platform, city, rotated(one, setting), now_ms=now_ms)
    _tell_secret(secret)


def _change(city_name: str, name: str, *, state: State, is_retried: bool = False) -> None:
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city
    from deploy.subscription_rows import changed, named, publish, standing

    city, platform, now_ms = load_city(city_name), reach(), wall_clock_ms()
    found = standing(platform, city)
    one = named(found, city, name)
    if state == "removed" and name in found.of_file:
        raise UsageFault(
            f"'{name}' stands in the city's file", hint=f"take its [[subscription]] out of {city.path}"
        )
    publish(
        platform, city, changed(one, state=state, retried_at=now_ms if is_retried else None), now_ms=now_ms
    )
