"""``bongsu user password`` and ``bongsu user link``: how people sign in to the console without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deploy.account_rows import publish, user_of
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import reach
from deploy.telling import tell

if TYPE_CHECKING:
    from deploy.city.city import City
    from deploy.platform import Platform

OF_CITY = click.option("--city", "city_name", type=CITY, required=True, help="whose gateway")


@click.command()
@click.argument("name")
@OF_CITY
@click.option(
    "--from-stdin", is_flag=True, help="read the password from standard input, to the end of its line"
)
def password(name: str, city_name: str, from_stdin: bool) -> None:
    """Give NAME a password for the console, asked for twice.

    An older password is refused from now on, and whoever is signed in as NAME must sign in again. Their key stays.

    \b
    Example:  bongsu user password desk-3 --city demo
              pass show desk-3 | bongsu user password desk-3 --city demo --from-stdin
    """
    from connectors.gateway.passwords import LETTERS_MIN, spelt, with_password
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city

    city, platform = load_city(city_name), reach()
    row = user_of(platform, city, name, is_good=True)
    if from_stdin:
        given = click.get_text_stream("stdin").readline().rstrip("\r\n")
    else:
        given = click.prompt("password", hide_input=True, confirmation_prompt=True, err=True)
    try:
        known = spelt(given)
    except ValueError as error:
        raise UsageFault(
            f"this is no password: {error}", hint=f"{LETTERS_MIN} letters or more: four words, say"
        ) from None
    publish(platform, city, with_password(city.name, row, known, now_ms=wall_clock_ms()))
    tell(f"{name} signs in with this password from now on", err=True)


@click.command()
@click.argument("name")
@OF_CITY
def link(name: str, city_name: str) -> None:
    """Print a link that signs NAME in once.

    It opens the console and is good for ten minutes; an older link of theirs is refused. Whoever has it is NAME: send it
    over a way that only they read.

    \b
    Example:  bongsu user link desk-3 --city demo
    """
    from deploy.city.city import load_city

    city, platform = load_city(city_name), reach()
    tell(new_link(platform, city, name))
    tell("  good once, for ten minutes", fg="yellow", err=True)


def new_link(platform: Platform, city: City, name: str) -> str:
    """The address that signs the user *name* in once."""
    from connectors.gateway.sessions_link import with_link
    from connectors.transport.web_page import wall_clock_ms
    from deploy.assembly.gateway_sessions import link_url

    row = user_of(platform, city, name, is_good=True)
    token, event = with_link(city.name, row, now_ms=wall_clock_ms())
    publish(platform, city, event)
    return link_url(city, token)
