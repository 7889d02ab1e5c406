"""``bongsu user``: people who act on situations. Their keys are shown once; what is kept is their hash."""

from __future__ import annotations

import shlex

import click

from connectors.gateway.accounts import USER, new_user, told, with_new_secret
from connectors.gateway.roles import ROLES, role_of
from connectors.subscribers import ALL
from deploy.account_rows import (
    check_purposes,
    check_subject,
    end_of,
    moment,
    name_of,
    oidc_subject_of,
    publish,
    rows_of,
    standing,
    user_of,
)
from deploy.cli.group import Group
from deploy.cli.parameters import CITY, READS_AS, READS_FOR
from deploy.cli.user_sign_in import link, password
from deploy.faults import UsageFault
from deploy.platform import reach
from deploy.telling import tell

OF_CITY = click.option("--city", "city_name", type=CITY, required=True, help="whose gateway")


@click.group(cls=Group)
def user() -> None:
    """Give operators roles and keys.

    \b
    Example:  bongsu user list --city demo
    """


@user.command()
@click.argument("name")
@OF_CITY
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="what they may do")
@click.option("--days", type=click.IntRange(1), help="refused after so many days (default: never)")
@click.option("--wall", is_flag=True, help="a viewer of a wall, whose sign-in to the console does not expire")
@click.option(
    "--oidc",
    "subject",
    metavar="SUBJECT",
    help="who they are ('sub') at the city's issuer of OpenID Connect, by which they sign in",
)
@READS_AS
@READS_FOR
def add(
    name: str,
    city_name: str,
    role: str,
    days: int | None,
    wall: bool,
    subject: str | None,
    audience: str | None,
    purposes: tuple[str, ...],
) -> None:
    """Make an account for NAME. Its key is printed once and can be read nowhere afterwards.

    A viewer sees; an operator acts; a supervisor also does what the city's law leaves to supervisors; an auditor sees, reads
    who looked at what, and changes nothing. Without --audience they see every agency's rows; without --purpose no field that
    identifies somebody.

    \b
    Example:  bongsu user add desk-3 --role operator --city demo
              bongsu user add car-12 --role viewer --audience 112 --purpose crime-prevention --city demo
              bongsu user add wall --role viewer --wall --city demo
              bongsu user add minji --role operator --oidc 248289761001 --city daejeon
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city
    from schemas.names import is_same_name

    if wall and role != "viewer":
        raise UsageFault(
            f"--wall is of viewers: anybody in the room would be its {role}", hint="--role viewer"
        )
    city = load_city(city_name)
    name = name_of(name, "a user")
    check_purposes(city, purposes)
    oidc_subject = None if subject is None else oidc_subject_of(city, subject)
    platform, now_ms = reach(), wall_clock_ms()
    rows = list(rows_of(platform, city, USER).values())
    check_subject(oidc_subject, rows)
    names = (row["name"] for row in rows)
    if (known := next((one for one in names if is_same_name(one, name)), None)) is not None:
        raise UsageFault(
            f"{city.name} has a user '{known}' already",
            hint=f"another name; or a new key for them: bongsu user passwd {shlex.quote(known)} --city {city.name}",
        )
    shown, event = new_user(
        city.name,
        name,
        role,
        now_ms=now_ms,
        expires_at=end_of(days, now_ms),
        audience=audience or ALL,
        purposes=purposes,
        is_wall=wall,
        oidc_subject=oidc_subject,
    )
    publish(platform, city, event)
    _show_once(shown)


@user.command("list")
@OF_CITY
def list_(city_name: str) -> None:
    """List the users of a city with their roles, never their keys.

    \b
    Example:  bongsu user list --city demo
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city

    city = load_city(city_name)
    rows = sorted(rows_of(reach(), city, USER).values(), key=lambda row: str(row["name"]))
    for row in rows:
        tell(
            f"{row['account_id']}  {row['name']}  {role_of(row['roles'])}"
            f"  {standing(row, wall_clock_ms(), ended='disabled')}  made {moment(row['created_at'])}"
        )
    if not rows:
        tell("no users", err=True)


@user.command()
@click.argument("name")
@OF_CITY
def disable(name: str, city_name: str) -> None:
    """Refuse NAME from now on. What they did stays on record.

    \b
    Example:  bongsu user disable desk-3 --city demo
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city

    city, platform = load_city(city_name), reach()
    row, now_ms = user_of(platform, city, name), wall_clock_ms()
    if row["revoked_at"] is None:
        publish(platform, city, told(city.name, {**row, "revoked_at": now_ms}, now_ms=now_ms))
    tell(f"{name} is refused from now on", err=True)


@user.command()
@click.argument("name")
@OF_CITY
def passwd(name: str, city_name: str) -> None:
    """Give NAME a new key, printed once.

    The old one is refused from now on.

    \b
    Example:  bongsu user passwd desk-3 --city demo
    """
    from connectors.transport.web_page import wall_clock_ms
    from deploy.city.city import load_city

    city, platform = load_city(city_name), reach()
    row = user_of(platform, city, name, is_good=True)
    shown, event = with_new_secret(city.name, row, now_ms=wall_clock_ms())
    publish(platform, city, event)
    _show_once(shown)


user.add_command(password)
user.add_command(link)


def _show_once(key: str) -> None:
    tell(key)
    tell("  keep it now: it is not shown again", fg="yellow", err=True)
