"""``bongsu deploy``: what operators start a city from, rendered from its file and the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.group import Group
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.telling import tell

if TYPE_CHECKING:
    from deploy.city.city import City

TARGETS = ("systemd", "compose", "kubernetes")
PROGRAM = "/opt/bongsu/bin/bongsu"


@click.group(cls=Group)
def deploy() -> None:
    """Render units and manifests that start a city's processes.

    \b
    Example:  bongsu deploy render houston columbia --target systemd -o /tmp/rendered
    """


@deploy.command()
@click.argument("city_names", metavar="CITY…", nargs=-1, required=True, type=CITY)
@click.option("--target", type=click.Choice(TARGETS), required=True, help="what starts the processes")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="folder to write"
)
@click.option("--program", default=PROGRAM, show_default=True, help="systemd: the program on that machine")
@click.option(
    "--first-port",
    type=click.IntRange(1_024, 65_000),
    help="first of ten ports for each city (default: 9400)",
)
def render(
    city_names: tuple[str, ...], target: str, output: Path, program: str, first_port: int | None
) -> None:
    """Write what starts every process of CITY.

    The same cities give the same bytes. Name all cities of a machine at once: each gets its own ports, and one target
    starts and stops all; for Kubernetes they get one overlay. Secrets are named, never written.

    \b
    Example:  bongsu deploy render houston --target systemd -o /tmp/rendered
    """
    from deploy.city.city import load_city
    from deploy.manifests.compose import compose_of
    from deploy.manifests.plan import FIRST_PORT, own_connectors, plan_of
    from deploy.manifests.systemd import units_of

    if not program.startswith("/"):
        raise UsageFault(f"--program {program} is no absolute path", hint=f"write it whole, as {PROGRAM}")
    cities = [load_city(name) for name in city_names]
    _demand_whole(cities)
    plan = plan_of(cities, first_port=first_port or FIRST_PORT)
    match target:
        case "kubernetes":
            files = kubernetes_files(cities, first_port or FIRST_PORT)
        case "compose":
            files = compose_of(plan, image=image_name())
        case _:
            files = units_of(plan, program=program)
    for path, text in files.items():
        place = output / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    tell(f"{len(files)} files for {', '.join(plan.cities)} in {output}", err=True)
    for folder in own_connectors(cities):
        tell(f"copy the connectors in {folder} beside the city's file, too: they are not rendered", err=True)


def kubernetes_files(cities: list[City], first_port: int) -> dict[str, str]:
    """The folders for Kustomize. Each city has a plan of its own, so that its folder depends on no other city."""
    from deploy.manifests.kubernetes import kubernetes_of
    from deploy.manifests.plan import plan_of
    from deploy.sharing.gateway_agreements import usual_sharing
    from deploy.sharing.kafka_users import users_of

    ordered = sorted(cities, key=lambda city: city.name)
    sharing, now = usual_sharing(), datetime.now(UTC)
    return kubernetes_of(
        [plan_of([city], first_port=first_port) for city in ordered],
        image=image_name(),
        agencies={city.name: users_of(sharing, city.name, now) for city in ordered},
    )


def image_name() -> str:
    """The image of this version."""
    from importlib.metadata import version

    return f"bongsu:{version('bongsu')}"


def _demand_whole(cities: list[City]) -> None:
    """Refuse a city of which a source was left out: its process would be rendered without it."""
    for city in cities:
        for one in city.left_out:
            raise UsageFault(f"city {city.name}: {one.found.what}", hint=one.hint)
