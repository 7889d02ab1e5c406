"""Assemble the part of the gateway in which operators close areas and open them again."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from connectors.gateway import closure_list, closures
from connectors.gateway.service import Gateway
from connectors.transport.web_page import wall_clock_ms
from deploy.platform import Platform
from streams.operators.closure_desk import LogClosures
from streams.runtime.follower import Following


def closures_of(city: str, platform: Platform, following: Following) -> LogClosures:
    """The closures of *city*, read by *following*."""
    return LogClosures(city, following, bootstrap=platform.kafka, wire=platform.wire, now_ms=wall_clock_ms)


def closure_part(desk: LogClosures) -> Callable[[FastAPI, Gateway], object]:
    """The part of the gateway with the routes of *desk*."""

    def add(app: FastAPI, gateway: Gateway) -> None:
        closure_list.add(app, gateway, desk)
        closures.add(app, gateway, desk)

    return add
