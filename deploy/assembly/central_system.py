"""Assemble a city's central system of OCPP. A module of its own: it loads a WebSocket server."""

from __future__ import annotations

import os
from uuid import uuid4

from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.charger_settings import settings_of_chargers
from deploy.city.city import City
from deploy.platform import Platform
from deploy.replica import replica_from
from streams.chargers.charger_takeover import Neighbours
from streams.chargers.closures_now import ClosuresNow
from streams.chargers.ledger import ChargerLedger
from streams.chargers.surplus_power import SurplusPower
from streams.chargers.wishes import with_closures
from streams.energy.energy_numbers import EnergyNumbers
from streams.log import log
from streams.runtime.follower import Following
from streams.stages.chargers import ChargersStage


def chargers_of(city: City, platform: Platform, *, web_host: str) -> ChargersStage:
    """The stage. It listens on the host of ``[chargers]``, else on *web_host*; ``BONGSU_REPLICA`` names it among several."""
    settings = settings_of_chargers(city, os.environ, host=web_host, slot=replica_from(os.environ).name or "")
    if settings.is_in_the_open:
        log.warning(
            "chargers send their keys as plain text from any network",
            how_to_mend="let it listen on loopback or a private network, behind a proxy with TLS (wss://)",
        )
    ledger = ChargerLedger(
        city.name,
        settings.source,
        bootstrap=platform.kafka,
        wire=platform.wire,
        replica=settings.slot or None,
    )
    following = Following("circumstances of chargers", bootstrap=platform.kafka)
    surplus = SurplusPower(
        city.name,
        city.file.energy or EnergyNumbers.model_validate({}),
        settings.chargers,
        following,
        wire=platform.wire,
        now_ms=wall_clock_ms,
    )
    closures = ClosuresNow(city.name, settings.chargers, following, group=ledger.group, wire=platform.wire)
    neighbours = None
    if settings.slot:
        neighbours = Neighbours(
            city.name,
            settings.source,
            settings.slot,
            settings.chargers,
            following,
            wire=platform.wire,
            life=uuid4().hex,
            now_ms=wall_clock_ms,
        )
    return ChargersStage(
        settings,
        city.context(settings.source),
        ledger=ledger,
        group=ledger.group,
        circumstances=lambda: with_closures(surplus(), closures.known),
        following=following,
        neighbours=neighbours,
    )
