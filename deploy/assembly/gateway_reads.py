"""Assemble the gateway's readings: a city's newest situations, alerts, grants and cameras, from the log."""

from __future__ import annotations

import time

from connectors.transport.web_page import wall_clock_ms
from deploy.city.rules_file import RulesFile
from deploy.platform import Platform
from streams.operators.readings import LogReadings
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
