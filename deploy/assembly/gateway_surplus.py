"""Assemble the part of the gateway in which windows of surplus energy are listed and announced."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from connectors.gateway import surplus, surplus_list
from connectors.gateway.service import Gateway
from connectors.transport.web_page import wall_clock_ms
from deploy.city.city import City
from deploy.platform import Platform
from streams.operators.surplus_log import LogSurplus
from streams.runtime.follower import Following


def surplus_of(city: City, platform: Platform, following: Following) -> Callable[[FastAPI, Gateway], object]:
    """The part with the windows of *city*, read by *following*."""
    energy = city.file.energy
    desk = LogSurplus(
        city.name,
        following,
        areas=() if energy is None else energy.areas,
        bootstrap=platform.kafka,
        wire=platform.wire,
        now_ms=wall_clock_ms,
    )

    def add(app: FastAPI, gateway: Gateway) -> None:
        surplus_list.add(app, gateway, desk)
        surplus.add(app, gateway, desk)

    return add
