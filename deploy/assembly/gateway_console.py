"""Assemble the console: the city's file as the pages need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

from fastapi import FastAPI

from connectors.gateway.service import Gateway
from connectors.sinks.console.city import ConsoleCity
from connectors.sinks.console.console import add
from deploy.city.cap import usual_status
from deploy.city.city import City


def console_of(city: City, actions: Sequence[str]) -> Callable[[FastAPI, Gateway], object]:
    """The part of the gateway that serves the console."""
    file = city.file
    shown = ConsoleCity(
        name=city.name,
        title=file.title or city.name,
        timezone=file.timezone,
        bounds=(file.bounds.south, file.bounds.west, file.bounds.north, file.bounds.east),
        actions=actions,
        is_simulated=usual_status(file) == "Exercise",
        video=file.console.video,
        steps=file.console.steps,
    )
    return partial(_add, city=shown)


def _add(app: FastAPI, _gateway: Gateway, *, city: ConsoleCity) -> None:
    add(app, city, video=_host_of(city.video))


def _host_of(address: str | None) -> str:
    """The origin of the pictures' address, as a content security policy names it."""
    parts = urlsplit(address or "/")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
