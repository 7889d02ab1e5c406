"""Descriptions of the routes of hubs for OpenAPI, and their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connectors.gateway.parameters import CURSOR, LIMITED, NEAR, RADIUS, Parameter, one_of
from connectors.gateway.read_documents import example_of, extra, object_of, responses

HUB = "core.hub"
STALE = Parameter(
    "stale",
    "true: hubs of which something is stale; false: hubs of which nothing is.",
    {"type": "string", "enum": ["true", "false"]},
    lambda text: one_of(("true", "false"))(text) == "true",
    example="false",
)
NEAR_IT = replace(NEAR, is_needed=False, about="lat,lon in degrees: the hubs around it, the nearest first.")
HUBS: Sequence[Parameter] = (NEAR_IT, RADIUS, STALE, LIMITED, CURSOR)


def described_hubs() -> dict[str, Any]:
    """The keyword arguments of the route that lists hubs."""
    one = object_of(
        {
            "distance_m": {"type": ["number", "null"], "description": "Metres from near; null without it."},
            "hub": _REF,
        }
    )
    cursor = {"type": ["string", "null"], "description": "The cursor of the next page; null on the last one."}
    schema = object_of({"hubs": {"type": "array", "items": one}, "next": cursor})
    example = {"hubs": [{"distance_m": 12.5, "hub": example_of(HUB)}], "next": None}
    return {
        "summary": "List hubs with their boards: by id, or the nearest first",
        "operation_id": "list_hubs",
        "tags": ["read"],
        "responses": responses(schema, example),
        "openapi_extra": extra(HUBS),
    }


def described_hub() -> dict[str, Any]:
    """The keyword arguments of the route that shows one hub."""
    return {
        "summary": "Show the board of a hub: vehicles, docks, chargers, next arrivals and notices",
        "operation_id": "show_hub",
        "tags": ["read"],
        "responses": responses(object_of({"hub": _REF}), {"hub": example_of(HUB)}),
        "openapi_extra": extra(()),
    }


_REF = {"$ref": f"#/components/schemas/{HUB}"}
