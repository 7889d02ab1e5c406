"""Every way on which something leaves a city, asked for a case by whoever may not have it; a way that is not known fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import click
from click.testing import CliRunner

from deploy.cli import COMMANDS, bongsu
from schemas.errors import BongsuError

OWN = "/v1/{city}/cases"
"""The paths that begin so are the cases' own: they show clear words to an officer of the case's agency."""
ASKED: Mapping[str, str] = {
    "/v1/{city}/recorded": "?from=2026-05-28T20:00:00Z&to=2026-05-28T21:00:00Z",
    "/v1/{city}/cameras": "?near=37.5,126.78",
    "/v1/{city}/figures": "?from=2026-03-08&to=2026-03-08",
    "/v1/{city}/situations": "?status=open&status=closed",
}
"""Path → the query that it asks for."""
LONG = "/v1/{city}/events"
"""The stream of events: it is read in a thread of its own."""
PLAIN = frozenset(
    (
        "/.well-known/jwks.json",
        "/console/api/session",
        "/v1/{city}/access",
        "/v1/{city}/alerts",
        "/v1/{city}/bookings",
        "/v1/{city}/bookings/{booking_id}",
        "/v1/{city}/bookings/{booking_id}/assign",
        "/v1/{city}/cap",
        "/v1/{city}/cap/{identifier}.xml",
        "/v1/{city}/closures",
        "/v1/{city}/closures/{closure_id}/end",
        "/v1/{city}/gbfs/gbfs.json",
        "/v1/{city}/gbfs/station_information.json",
        "/v1/{city}/gbfs/station_status.json",
        "/v1/{city}/gbfs/system_alerts.json",
        "/v1/{city}/gbfs/system_information.json",
        "/v1/{city}/gbfs/vehicle_status.json",
        "/v1/{city}/gbfs/vehicle_types.json",
        "/v1/{city}/grants",
        "/v1/{city}/grants/{grant_id}/access",
        "/v1/{city}/health",
        "/v1/{city}/hubs",
        "/v1/{city}/hubs/{hub_id}",
        "/v1/{city}/situations/{situation_id}",
        "/v1/{city}/situations/{situation_id}/actions",
        "/v1/{city}/situations/{situation_id}/deliveries",
        "/v1/{city}/sources/{source}",
        "/v1/{city}/subscriptions",
        "/v1/{city}/subscriptions/{name}",
        "/v1/{city}/subscriptions/{name}/pause",
        "/v1/{city}/subscriptions/{name}/resume",
        "/v1/{city}/subscriptions/{name}/retry",
        "/v1/{city}/subscriptions/{name}/rotate",
        "/v1/{city}/subscriptions/{name}/test",
        "/v1/{city}/surplus",
        "/v1/{city}/tickets/check",
    )
)
OF_CASES = frozenset(
    f"{OWN}{rest}"
    for rest in (
        "",
        "/{case_id}",
        "/{case_id}/candidates",
        "/{case_id}/candidates/{candidate_id}/answers",
        "/{case_id}/close",
        "/{case_id}/filing",
        "/{case_id}/route",
    )
)
KNOWN_PATHS = PLAIN | OF_CASES | {LONG, *ASKED}
UNDESCRIBED = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/console/",
    "/console/index.html",
)
"""Paths of the gateway that its OpenAPI document leaves out."""

TRIED: Mapping[str, tuple[str, ...]] = {
    "tail": (
        *(
            "{city}.cctv.*",
            "{city}.police.*",
            "{city}.core.[acdgr]*",
            "{city}.*.dlq",
        ),  # ticks never end: it would wait
        *("--from-beginning", "--until-idle", "--json"),
    ),
    "dlq list": ("--city", "{file}", "--json"),
    "dlq show": ("{aside}", "--city", "{file}"),
    "situation list": ("{file}",),
    "situation show": ("{case}", "--city", "{file}"),
    "replay": ("{file}",),
    "effects": ("{file}", "--json"),
    "audit verify": ("{file}",),
    "audit anchor": ("{file}",),
    "subscription list": ("{file}",),
    "user list": ("--city", "{file}"),
    "key list": ("--city", "{file}"),
    "topics list": ("--city", "{file}"),
}
"""Commands that print what the bus holds, with what each is asked."""
REFUSES = ("situation show", "effects")
"""Commands of those above that refuse where there is no such situation, and no alert."""
SHOW_NO_EVENT = frozenset(
    (
        "bench",
        "city check",
        "city erase",
        "city list",
        "city new",
        "city show",
        "completion install",
        "demo",
        "deploy render",
        "dlq retry",
        "doctor",
        "down",
        "fetch",
        "key add",
        "key charger",
        "key revoke",
        "key rotate",
        "kinds",
        "logs",
        "play",
        "record",
        "run",
        "schemas asyncapi",
        "schemas check",
        "schemas diff",
        "schemas register",
        "sharing apply",
        "sharing diff",
        "source check",
        "source list",
        "source new",
        "source report",
        "source resume",
        "source show",
        "source try",
        "status",
        "subscription add",
        "subscription pause",
        "subscription remove",
        "subscription retry",
        "subscription rotate",
        "subscription test",
        "topics apply",
        "up",
        "user add",
        "user disable",
        "user link",
        "user passwd",
        "user password",
    )
)
"""Commands that print no event of the bus: settings, sources before the bus, accounts, processes and their logs."""


def commands(group: click.Group | None = None, before: str = "") -> Iterator[str]:
    """Yield every command of ``bongsu`` by its words."""
    if group is None:
        context = click.Context(bongsu)
        for name in COMMANDS:
            one = bongsu.get_command(context, name)
            assert one is not None, name
            if isinstance(one, click.Group) and name != "bench":
                yield from commands(one, name)
            else:
                yield name
        return
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from commands(one, f"{before} {name}")
        else:
            yield f"{before} {name}"


def printed(name: str, words: Mapping[str, str]) -> str:
    """All that the command of that name prints, on both outputs."""
    given = [one.format(**words) for one in TRIED[name]]
    done = CliRunner().invoke(bongsu, [*name.split(), *given], standalone_mode=False)
    if done.exception is None or isinstance(done.exception, SystemExit):
        return done.output
    assert name in REFUSES and isinstance(done.exception, BongsuError), (name, done.exception)
    return f"{done.output} {done.exception.what} {done.exception.hint}"


def path_of(template: str, words: Mapping[str, str]) -> str:
    """A path of *template* where whatever it names is the case, or its candidate."""
    path = re.sub(r"{(\w+)}", lambda it: words.get(it[1], words["case_id"]), template)
    return path + ASKED.get(template, "")
