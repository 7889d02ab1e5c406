"""``bongsu up``, ``down``, ``status``, ``logs``, ``fetch``, ``doctor``: the local cluster."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy.cli.parameters import PORT
from deploy.cli.progress import shown
from deploy.local.follow import follow, last_lines
from deploy.local.home import Home
from deploy.platform import LOG, reach
from deploy.settings import COMPONENTS, home_folder
from deploy.telling import tell
from schemas.errors import BongsuError
from schemas.hidden_secrets import place_shown
from schemas.printable import printable_value

if TYPE_CHECKING:
    from deploy.local import cluster

WORK_FAILED, UNREACHABLE = 1, 3
CITIES = "cities"
"""The folder of a user's own cities in a home. Nothing removes it."""


def in_home(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command ``--home``."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        callback=lambda _context, _option, value: value.expanduser().resolve() if value else home_folder(),
        help="Folder of its data, logs and ports [default: BONGSU_HOME, else the user's state folder].",
    )(command)


@click.command()
@in_home
@click.option(
    "--from",
    "from_dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Take what is needed from this folder (made by bongsu fetch), never from the network.",
)
@click.option(
    "--port",
    "ports",
    multiple=True,
    type=PORT,
    help="The port of kafka, registry or redis, kept from then on [default: a free one]; of kafka-metrics, the page that"
    " Prometheus reads of the broker [default: none].",
)
@click.option(
    "--secure",
    is_flag=True,
    help="Let nobody in without a principal or a password; a home that is so stays so until it is erased.",
)
def up(home: Path, from_dir: Path | None, ports: Sequence[tuple[str, int]], secure: bool) -> None:
    """Start Kafka, the schema registry and Redis here, and return when all answer.

    A second `up` does nothing; one that died is started again, with its data.

    \b
    Example:  bongsu up
    """
    from deploy.local import cluster

    begun = time.monotonic()
    with shown() as progress:
        places = cluster.up(home, from_dir=from_dir, progress=progress, ports=dict(ports), secure=secure)
    tell(f"up in {time.monotonic() - begun:.1f} s, in {home}; end it with: bongsu down", err=True)
    tell(
        f"kafka     {places.kafka}\nregistry  {place_shown(places.registry)}\n"
        f"redis     {place_shown(places.redis)}"
    )
    if metrics := cluster.metrics_of(home):
        tell(f"metrics   {metrics}")
    if Home(home).recall().secure:
        tell(f"secure    principals and passwords in {home / 'security'}; see deploy/SECURITY.md")


@click.command()
@in_home
@click.option(
    "--erase",
    is_flag=True,
    help="Remove data, logs and ports too, and what agencies pushed and nobody published.",
)
def down(home: Path, erase: bool) -> None:
    """End what `bongsu up` started here, and nothing else.

    \b
    Example:  bongsu down --erase
    """
    from deploy.local import cluster

    others = cluster.down(home, erase=erase)
    if CITIES in others:
        others.remove(CITIES)
        tell(f"your own cities stay, in {home / CITIES}", err=True)
    tell("down, and its data removed" if erase else "down; its data is kept", err=True)
    if others:
        tell(f"left in {home}, as it is not Bongsu's: {', '.join(others)}", err=True)


@click.command()
@in_home
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def status(home: Path, as_json: bool) -> None:
    """Say where Kafka, the registry and Redis are and whether they answer; ends with 3 unless all do.

    Names the sources too that are not read now, and your own cities that never ran or whose file is wrong, with the cure.

    \b
    Example:  bongsu status --json
    """
    from deploy.local import cluster

    states = cluster.status(home)
    is_ours = home == home_folder() and all(one.up for one in states if one.name in LOG)
    silent, idle = _not_running() if is_ours else ([], {})
    if as_json:
        shown: dict[str, Any] = {state.name: _as_value(state) for state in states}
        sources = {f"{one['city']}/{one['source']}": _as_state(one) for one in silent}
        shown |= {"sources": sources} if sources else {}
        tell(json.dumps(shown | ({"cities": idle} if idle else {})))
    else:
        for state in states:
            tell(f"{state.name:9} {_in_words(state)}")
            if state.metrics:
                tell(f"          its metrics: {state.metrics}")
        for one in silent:
            _tell_source(one)
        for name, told in idle.items():
            tell(f"city      {name} {told['state']}\n          {told['cure']}")
    if not all(state.up for state in states):
        tell("start it with: bongsu up", err=True)
        sys.exit(UNREACHABLE)


def _not_running() -> tuple[list[dict[str, Any]], dict[str, dict[str, str]]]:
    """Sources that fail, are refused or stopped, and own cities that do not run; none while Kafka does not answer."""
    from deploy.own_cities import idle_cities
    from deploy.source_states import unheard

    silent: list[dict[str, Any]] = []
    idle: dict[str, dict[str, str]] = {}
    with suppress(BongsuError):
        silent = unheard(reach())
    with suppress(BongsuError):
        idle = idle_cities(reach())
    return silent, idle


def _tell_source(told: dict[str, Any]) -> None:
    from deploy.source_states import cure

    one = printable_value(told)
    why = f": {one['state_reason']}" if one["state_reason"] else ""
    tell(f"source    {one['city']}/{one['source']} {one['state']}{why}\n          {cure(one)}")


def _as_state(told: dict[str, Any]) -> dict[str, Any]:
    from deploy.source_states import cure

    return {
        "state": told["state"],
        "since_ms": told["state_since_at"],
        "reason": told["state_reason"],
        "cure": cure(told),
    }


def _as_value(state: cluster.ComponentState) -> dict[str, Any]:
    where = "bootstrap" if state.name == "kafka" else "url"
    place = place_shown(state.place) if state.place else None
    shown = {where: place, "up": state.up, "pid": state.pid}
    return shown | ({"metrics": state.metrics} if state.metrics else {})


def _in_words(state: cluster.ComponentState) -> str:
    if not state.place:
        return "never started here"
    whose = "named by the environment" if state.is_given else f"pid {state.pid or '–'}"
    return f"{'up' if state.up else 'DOWN':5} {place_shown(state.place)}  ({whose})"


@click.command()
@click.argument("component", type=click.Choice(COMPONENTS), required=False)
@in_home
@click.option("-n", "count", type=click.IntRange(0), default=20, show_default=True, help="Lines of each log.")
@click.option(
    "-f", "--follow", "is_following", is_flag=True, help="Go on as lines are written; Ctrl-C ends it."
)
def logs(component: str | None, home: Path, count: int, is_following: bool) -> None:
    """Show what the cluster's components logged.

    \b
    Example:  bongsu logs kafka -n 50
    """
    names = [component] if component else list(COMPONENTS)
    files = {name: Home(home).log(name) for name in names}
    for name, file in files.items():
        for line in last_lines(file, count):
            tell(line if component else f"{name:9}{line}")
    if is_following:
        for name, line in follow(files):
            tell(line if component else f"{name:9}{line}")


@click.command()
@click.option(
    "-o", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where to."
)
def fetch(folder: Path) -> None:
    """Write all that `bongsu up` would fetch into a folder, for a machine without a network.

    \b
    Example:  bongsu fetch -o bongsu-parts

    On the other machine, with that folder copied: bongsu up --from bongsu-parts
    """
    from deploy.local import artefacts, cluster

    wanted = artefacts.load_lock()
    with shown() as progress:
        cluster.ensure_near(wanted, folder.resolve(), progress)
    size = sum(artefact.bytes for artefact in wanted) / 1e6
    tell(f"{len(wanted)} files, {size:.0f} MB, in {folder}; use it with: bongsu up --from {folder}", err=True)


@click.command()
@in_home
def doctor(home: Path) -> None:
    """Say what is wrong here and how to mend it; ends with 1 when something is.

    \b
    Example:  bongsu doctor
    """
    from deploy.local import doctor as doctoring

    findings = doctoring.examine(home)
    for finding in findings:
        tell("ok     " if finding.is_well else "WRONG  ", fg="green" if finding.is_well else "red", nl=False)
        tell(finding.what)
        if not finding.is_well:
            tell(f"       how to mend it: {finding.mend}")
    if not all(finding.is_well for finding in findings):
        sys.exit(WORK_FAILED)
