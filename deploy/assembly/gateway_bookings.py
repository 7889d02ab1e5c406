"""Assemble the part of the gateway in which dispatchers see and assign rides on demand."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from connectors.gateway import booking_list, bookings
from connectors.gateway.service import Gateway
from connectors.transport.web_page import wall_clock_ms
from deploy.platform import Platform
from streams.operators.ride_desk import LogBookings
from streams.runtime.follower import Following


def bookings_of(city: str, platform: Platform, following: Following) -> Callable[[FastAPI, Gateway], object]:
    """The part with the rides of *city*, read by *following*."""
    desk = LogBookings(city, following, bootstrap=platform.kafka, wire=platform.wire, now_ms=wall_clock_ms)

    def add(app: FastAPI, gateway: Gateway) -> None:
        booking_list.add(app, gateway, desk)
        bookings.add(app, gateway, desk)

    return add
