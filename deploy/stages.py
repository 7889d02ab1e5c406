"""Putting a worker together: which stages and sources of a city run in this process."""

# ruff: noqa: PLC0415 (a worker loads what it runs: one that is started again is back the sooner)
from __future__ import annotations

import socket

from deploy.city import City
from deploy.holding import role_of_source
from deploy.platform import Platform
from deploy.rules_file import RulesWatch
from deploy.settings import home_folder
from streams.runtime.worker import Worker

STAGES = ("ingest", "match", "speed", "situations", "deliver")
APART = ("match", "speed")
"""Each of these runs alone in a worker of its own: no incident shall wait for them."""


def stages_apart(city: City, stages: tuple[str, ...]) -> tuple[str, ...]:
    """Those of *stages* that the city's file asks for and that a worker with others leaves to one of their own."""
    asked = {"match": city.file.match, "speed": city.file.speed}
    return tuple(one for one in APART if one in stages and asked[one] is not None) if len(stages) > 1 else ()


def has_all(stages: tuple[str, ...]) -> bool:
    """Whether they are all that a city has, its gateway with it."""
    return len(stages) > 1 and "ingest" in stages


def pushed_sources(city: City) -> list[str]:
    """The sources that agencies push, by name."""
    return [file.name for file in city.file.source if file.push]


def has_gateway(city: City) -> bool:
    """Whether agencies push to it, or its file has ``[gateway]``."""
    return bool(pushed_sources(city)) or "gateway" in city.file.model_fields_set


def roles_of(city: City, stages: tuple[str, ...]) -> list[str]:
    """What a process that runs *stages* does alone in its home. The match is shared; what runs apart has its own lock."""
    roles = [one for one in stages if one not in APART or stages == ("speed",)]
    if has_all(stages) and has_gateway(city):
        roles.append("gateway")
    if "gateway" in roles:
        roles += map(role_of_source, pushed_sources(city))
    if "ingest" in stages:
        heard = [file.name for file in city.file.source if file.live and not file.push]
        roles += map(role_of_source, (*heard, "clock"))
    return roles


def worker_of(
    city: City, platform: Platform, stages: tuple[str, ...], *, web_port: int | None = None
) -> Worker:
    """A worker of *stages*, not yet running; of those ``APART`` only if it is the one."""
    name = stages[0] if len(stages) == 1 else "all" if "ingest" in stages else "stages"
    worker = Worker(
        name,
        city=city.name,
        bootstrap=platform.kafka,
        web_port=web_port or free_port(),
        data_dir=home_folder() / "workers" / f"{city.name}.{name}",
    )
    if stages == ("match",):
        from deploy.matching import match_of

        worker.add_service(match_of(city, platform))
    if stages == ("speed",):
        from streams.speed.minutes import SpeedConfig
        from streams.speed_stage import SpeedStage

        config = city.file.speed or SpeedConfig.model_validate({})
        worker.add_stage(SpeedStage(city.name, config, bootstrap=platform.kafka, wire=platform.wire))
    if "situations" in stages:
        from streams.situations_stage import SituationsStage

        stage = SituationsStage(city.name, city.rules, bootstrap=platform.kafka, wire=platform.wire)
        worker.add_stage(stage)
        worker.add_service(RulesWatch(city, stage.use))
    if "deliver" in stages:
        from connectors.sinks.redis_view import RedisView
        from streams.effect_telling import EffectService
        from streams.live_view import LiveViewService

        view = RedisView(platform.endpoints.redis, city.name)
        worker.add_service(LiveViewService(city.name, view, bootstrap=platform.kafka, wire=platform.wire))
        worker.add_service(EffectService(city.name, bootstrap=platform.kafka, wire=platform.wire))
    if "ingest" in stages:
        from deploy.hearing import add_sources

        add_sources(worker, city, platform)
    return worker


def free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
