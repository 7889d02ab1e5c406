"""Assemble the stages that run in workers of their own."""

# ruff: noqa: PLC0415 (a worker imports only what it runs: it restarts sooner)
from __future__ import annotations

from zoneinfo import ZoneInfo

from deploy.city.city import City
from deploy.platform import Platform
from streams.runtime.worker import Worker


def add_apart(worker: Worker, stage: str, city: City, platform: Platform, *, web_host: str) -> None:
    """Add *stage*, one of ``deploy.assembly.stages.APART``, to *worker*."""
    if stage == "match":
        from deploy.assembly.match import match_of

        worker.add_service(match_of(city, platform))
    if stage == "speed":
        from streams.speed.minutes import SpeedConfig
        from streams.stages.speed import SpeedStage

        config = city.file.speed or SpeedConfig.model_validate({})
        worker.add_stage(SpeedStage(city.name, config, bootstrap=platform.kafka, wire=platform.wire))
    if stage == "drones":
        from streams.drones.numbers import DroneNumbers
        from streams.stages.drones import DronesStage

        numbers = city.file.drones or DroneNumbers.model_validate({})
        zone = ZoneInfo(city.file.timezone)
        worker.add_stage(DronesStage(city.name, numbers, zone, bootstrap=platform.kafka, wire=platform.wire))
    if stage == "chargers":
        from deploy.assembly.central_system import chargers_of

        worker.add_service(chargers_of(city, platform, web_host=web_host))
    if stage == "energy":
        from streams.energy.energy_numbers import EnergyNumbers
        from streams.stages.energy import EnergyStage

        counted = city.file.energy or EnergyNumbers.model_validate({})
        worker.add_stage(EnergyStage(city.name, counted, bootstrap=platform.kafka, wire=platform.wire))
    if stage == "hubs":
        from streams.hubs.hub_numbers import HubNumbers
        from streams.stages.hubs import HubsStage

        figures = city.file.hubs or HubNumbers.model_validate({})
        worker.add_stage(HubsStage(city.name, figures, bootstrap=platform.kafka, wire=platform.wire))
    if stage == "persons":
        from connectors.transport.case_keys import CaseKeys
        from deploy.assembly.case_folder import case_keys_folder
        from deploy.laws import case_law_named
        from streams.persons.persons_numbers import PersonsNumbers
        from streams.stages.persons import PersonsStage

        worker.add_stage(
            PersonsStage(
                city.name,
                city.file.persons or PersonsNumbers.model_validate({}),
                case_law_named(city.file.law),
                CaseKeys(case_keys_folder(city)),
                bootstrap=platform.kafka,
                wire=platform.wire,
            )
        )
