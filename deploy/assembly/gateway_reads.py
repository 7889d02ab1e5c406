"""Assemble the gateway's readings from the log: a city's newest situations, alerts, grants and cameras, and its figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from connectors.gateway import access_list, figures
from connectors.gateway.access_shelf import AccessShelf
from connectors.gateway.recorded import add as add_recorded
from connectors.gateway.service import Gateway
from connectors.gateway.sessions_signs import Signs
from connectors.transport.web_page import wall_clock_ms
from deploy.city.city import City
from deploy.city.rules_file import RulesFile
from deploy.platform import Platform
from streams.operators.access import LogAccess
from streams.operators.figures import LogFigures
from streams.operators.known_access import KnownAccess
from streams.operators.readings import LogReadings
from streams.operators.recorded_log import CityRecordedLog
from streams.runtime.follower import Following


def readings_of(city: str, platform: Platform, rules: RulesFile, following: Following) -> LogReadings:
    """The readings of *city*; they forget what is over when the law in force says so."""
    return LogReadings(
        city,
        following,
        wire=platform.wire,
        now_ms=wall_clock_ms,
        forget_after_days=lambda: rules.now(time.time()).law.forget_after_days,
    )


def figures_of(city: City, platform: Platform, following: Following) -> Callable[[FastAPI, Gateway], object]:
    """The part of the gateway that has the figures of *city*; its days begin at midnight there."""
    zone = ZoneInfo(city.file.timezone)
    return partial(figures.add, figures=LogFigures(city.name, following, wire=platform.wire, zone=zone))


def recorded_of(
    city: str, platform: Platform, before: Callable[[], object]
) -> Callable[[FastAPI, Gateway], object]:
    """The part of the gateway that reads a past time of *city* again."""
    log = CityRecordedLog(
        city, bootstrap=platform.kafka, wire=platform.wire, now_ms=wall_clock_ms, before=before
    )
    return partial(add_recorded, log=log)


def accesses_of(
    city: str, platform: Platform, following: Following, signs: Signs, log: LogAccess
) -> Callable[[FastAPI, Gateway], object]:
    """The part of the gateway that lists acts of access. What is read for it tells *signs* of the other replicas."""
    shelf = AccessShelf()
    KnownAccess(city, signs, shelf, following, wire=platform.wire, now_ms=wall_clock_ms)
    return partial(access_list.add, shelf=shelf, log=log)
