"""Assemble a worker: the stages and sources of a city that run in this process."""

# ruff: noqa: PLC0415 (a worker imports only what it runs: it restarts sooner)
from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from deploy.assembly.locks import role_of_source
from deploy.city.city import City
from deploy.city.rules_file import RulesWatch
from deploy.platform import Platform
from deploy.settings import home_folder
from streams.runtime.worker import Worker

if TYPE_CHECKING:
    pass

APART = ("match", "speed", "drones", "chargers", "energy", "hubs", "persons")
"""Stages that run in a worker of their own, so that no incident waits for them."""


CONSOLE = "console"
"""The name of a console among the replicas of its gateway, unless ``BONGSU_REPLICA`` gives another."""


def stages_apart(city: City, stages: tuple[str, ...]) -> tuple[str, ...]:
    """The *stages* that the city's file configures and that run in workers of their own."""
    file = city.file
    asked = {
        "match": file.match,
        "speed": file.speed,
        "drones": file.drones,
        "chargers": file.chargers,
        "energy": file.energy,
        "hubs": file.hubs,
        "persons": file.persons,
    }
    return tuple(one for one in APART if one in stages and asked[one] is not None) if len(stages) > 1 else ()


def has_all(stages: tuple[str, ...]) -> bool:
    """Whether *stages* are all of a city; then its gateway runs too."""
    return len(stages) > 1 and "ingest" in stages


def pushed_sources(city: City) -> list[str]:
    """The sources that agencies push, by name."""
    return [file.name for file in city.file.source if file.push]


def has_gateway(city: City) -> bool:
    """Whether the city has pushed sources, or ``[gateway]`` in its file."""
    return bool(pushed_sources(city)) or "gateway" in city.file.model_fields_set


def roles_of(city: City, stages: tuple[str, ...], replica: str | None = None) -> list[str]:
    """The roles that a process with *stages* holds. The match has none: workers share it. Stages apart hold their own.

    *replica*: the gateway's name among several. It holds that name alone: the pushed sources have a transactional id for
    each replica, so it fences nobody.
    """
    roles = [
        one
        for one in stages
        if one not in APART or stages in (("speed",), ("drones",), ("energy",), ("hubs",), ("persons",))
    ]
    if stages == ("chargers",):
        roles.append("chargers" if replica is None else f"chargers.{replica}")
    if has_all(stages) and has_gateway(city):
        roles.append("gateway")
    if "console" in roles:  # it writes its own chain of the access log, as a replica does
        roles[roles.index("console")] = f"gateway.{replica or CONSOLE}"
    if "gateway" in roles and replica is not None:
        roles[roles.index("gateway")] = f"gateway.{replica}"
    elif "gateway" in roles:
        roles += map(role_of_source, pushed_sources(city))
    if "ingest" in stages:
        heard = [file.name for file in city.file.source if file.live and not file.push]
        roles += map(role_of_source, (*heard, "clock"))
    return roles


def worker_of(
    city: City,
    platform: Platform,
    stages: tuple[str, ...],
    *,
    web_host: str = "127.0.0.1",
    web_port: int | None = None,
) -> Worker:
    """A worker of *stages*, not yet running. A stage of ``APART`` is included only if it is the only one."""
    name = stages[0] if len(stages) == 1 else "all" if "ingest" in stages else "stages"
    worker = Worker(
        name,
        city=city.name,
        bootstrap=platform.kafka,
        web_host=web_host,
        web_port=web_port or free_port(),
        data_dir=home_folder() / "workers" / f"{city.name}.{name}",
    )
    if len(stages) == 1 and stages[0] in APART:
        from deploy.assembly.stages_apart import add_apart

        add_apart(worker, stages[0], city, platform, web_host=web_host)
    if "situations" in stages:
        from streams.stages.situations import SituationsStage

        stage = SituationsStage(city.name, city.rules, bootstrap=platform.kafka, wire=platform.wire)
        worker.add_stage(stage)
        worker.add_service(RulesWatch(city, stage.use))
    if "deliver" in stages:
        from connectors.sinks.redis_view import RedisView
        from deploy.assembly.deliver import deliver_of
        from streams.stages.effects import EffectService
        from streams.stages.live_view import LiveViewService

        shows = city.file.live_view.identifying
        view = RedisView(platform.endpoints.redis, city.name, identifying=shows)
        worker.add_service(LiveViewService(city.name, view, bootstrap=platform.kafka, wire=platform.wire))
        worker.add_service(EffectService(city.name, bootstrap=platform.kafka, wire=platform.wire))
        worker.add_service(deliver_of(city, platform))
    if "ingest" in stages:
        from deploy.assembly.ingest import add_sources

        add_sources(worker, city, platform)
    return worker


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
