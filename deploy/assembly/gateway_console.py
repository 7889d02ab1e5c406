"""Assemble the console: the city's file as the pages need it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from fastapi import FastAPI

from connectors.gateway.service import Gateway
from connectors.sinks.console.city import LANGUAGES, CaseFacts, ConsoleCity
from connectors.sinks.console.console import add
from deploy.assembly.gateway_oidc import label_of
from deploy.city.cap import usual_status
from deploy.city.city import City
from deploy.laws import case_law_named
from schemas.errors import Fatal
from streams.situations.languages import kind_names

LAYER_BYTES_MAX = 20 << 20
KINDS = (
    "FeatureCollection",
    "Feature",
    "GeometryCollection",
    "MultiPolygon",
    "Polygon",
    "MultiLineString",
    "LineString",
)


def console_of(city: City) -> Callable[[FastAPI, Gateway], object]:
    """The part of the gateway that serves the console."""
    file = city.file
    shown = ConsoleCity(
        name=city.name,
        title=file.title or city.name,
        timezone=file.timezone,
        bounds=(file.bounds.south, file.bounds.west, file.bounds.north, file.bounds.east),
        is_simulated=usual_status(file) == "Exercise",
        video=file.console.video,
        hls=None if file.console.hls is None else _script(city.path.parent / file.console.hls),
        tiles=file.map.tiles,
        attribution=file.map.attribution,
        layers=[_layer(city.path.parent / name) for name in file.map.layers],
        steps=file.console.steps,
        filing=city.rules.filing,
        kind_names={code: kind_names(code) for code in LANGUAGES},
        cases=case_facts(city),
        issuer=label_of(city),
    )
    return partial(add, city=shown, video=_host_of(file.console.video), tiles=_host_of(file.map.tiles))


def case_facts(city: City) -> CaseFacts | None:
    """The facts for the page of missing persons' cases; ``None`` where no agency may open one."""
    file = city.file
    if not file.cases.agencies:
        return None
    law = case_law_named(file.law)
    return CaseFacts(
        agencies=file.cases.agencies,
        grounds={str(word): own for word, own in law.grounds.items()},
        other_grounds=law.other_grounds,
        filing_hours=None if law.biometric is None else law.biometric.filing_hours,
        crop=file.console.crop,
    )


def _script(path: Path) -> bytes:
    """The file of hls.js. ``Fatal`` where there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fatal(
            f"[console] hls: {path.name} cannot be read: {error}",
            hint="copy dist/hls.min.js of the package hls.js (npm) into the folder of the city's file",
        ) from error


def _layer(path: Path) -> bytes:
    """A file of GeoJSON. ``Fatal`` where it is none, or larger than browsers should draw."""
    try:
        body = path.read_bytes()
        found = orjson.loads(body)
    except (OSError, orjson.JSONDecodeError) as error:
        raise Fatal(
            f"[map] layers: {path.name} cannot be read: {error}", hint="name a file of GeoJSON"
        ) from error
    if not isinstance(found, dict) or found.get("type") not in KINDS:
        raise Fatal(f"[map] layers: {path.name} is no GeoJSON", hint=f"its type is one of {', '.join(KINDS)}")
    if len(body) > LAYER_BYTES_MAX:
        raise Fatal(
            f"[map] layers: {path.name} has {len(body) >> 20} MB, more than {LAYER_BYTES_MAX >> 20}",
            hint="simplify its lines, for example with ogr2ogr -simplify",
        )
    return body


def _host_of(address: str | None) -> str:
    """The origin of an address, as a content security policy names it."""
    parts = urlsplit(address or "/")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
