"""Descriptions of the reading routes for OpenAPI: parameters, responses, and schemas made from the contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from connectors.gateway.parameters import Parameter
from connectors.gateway.security_documents import BY_EITHER
from connectors.gateway.story import WHATS
from connectors.subscribers import DELIVERED
from schemas.catalogue import load_catalogue
from schemas.json_schema import json_schema

CONTRACTS = (
    "core.situation",
    "core.alert",
    "core.grant",
    "place.camera",
    "mobility.booking",
    "energy.surplus",
    "core.hub",
    "core.closure",
)
SECURITY = BY_EITHER
ABOUT = """Agencies publish here, operators act on situations, and subscribers read situations, alerts and grants.

**Keys.** Send `Authorization: Bearer …`. `bongsu key add AGENCY --city CITY --subscribe` makes a key, as
`bongsu user add NAME --city CITY --role viewer` does.
**Sessions.** A person signs in with `POST /console/api/session`; its cookie counts as a key does, with `X-Bongsu-CSRF`
beside it where something is changed.
**Masked fields.** A field that you may not see is null, also a list. Identifying fields need one of the law's purposes.
**Pages.** The newest changed comes first. `next` and the header `Link` hold the cursor of the next page; a page may have
fewer rows than `limit` and still a next one. To hear of changes, give `newest_change` as `since`: it is inclusive.
**Not changed since?** Send the `ETag` of an answer as `If-None-Match`: 304 says that it still holds.
**Errors** are problem documents (RFC 9457): `detail` says what and which; `field` and `expected` say how to mend a
parameter. A parameter that a route does not know is refused with 422.

**May change without notice:** new paths, new optional parameters, new fields in answers and in problem documents, new kinds,
the form of a cursor and of an ETag, the texts of `detail` and `words`, the limits of requests per second.
**Does not change within /v1:** paths, the meaning of parameters, names and types of fields, statuses, and what is masked.
"""


def components() -> dict[str, Any]:
    """The schemas that responses refer to."""
    catalogue = load_catalogue()
    return {
        **{name: json_schema(catalogue[name]) for name in CONTRACTS},
        "Problem": _PROBLEM_SCHEMA,
        "Story": _STORY,
    }


def described_list(name: str, contract: str, known: Sequence[Parameter]) -> dict[str, Any]:
    """The keyword arguments of the route that lists *contract* under *name*."""
    schema = object_of(
        {
            name: {"type": "array", "items": ref(contract)},
            "newest_change": {
                **_NULLABLE_TEXT,
                "description": "When the newest of these changed: for `since`.",
            },
            "next": _NEXT,
        }
    )
    example = {name: [example_of(contract)], "newest_change": "2026-03-08T09:00:00.000+00:00", "next": None}
    return {
        "summary": f"List {name}, the newest changed first",
        "operation_id": f"list_{name}",
        "tags": ["read"],
        "responses": responses(schema, example),
        "openapi_extra": extra(known),
    }


def described_one(known: Sequence[Parameter]) -> dict[str, Any]:
    schema = object_of(
        {
            "situation": ref("core.situation"),
            "revisions": {
                "type": "array",
                "items": ref("core.situation"),
                "description": "The oldest first.",
            },
            "alerts": {"type": "array", "items": ref("core.alert")},
            "grants": {"type": "array", "items": ref("core.grant")},
            "story": {"type": "array", "items": ref("Story"), "description": "In the order of time."},
        }
    )
    situation = example_of("core.situation")
    told = {
        "at": situation["event_time"],
        "what": "incident",
        "id": "text",
        "words": "119 26-1: crash, open",
        "facts": {"agency": "119", "agency_case_no": "26-1", "kind": "crash", "status": "open"},
    }
    example = {
        "situation": situation,
        "revisions": [situation],
        "alerts": [example_of("core.alert")],
        "grants": [example_of("core.grant")],
        "story": [told],
    }
    return {
        "summary": "Show one situation: its revisions, its alerts and grants, and its story",
        "operation_id": "show_situation",
        "tags": ["read"],
        "responses": responses(schema, example),
        "openapi_extra": extra(known),
    }


def described_recorded(known: Sequence[Parameter]) -> dict[str, Any]:
    event = object_of(
        {
            "at": {"type": "string", "format": "date-time", "description": "When it was written."},
            "contract": {"type": "string", "enum": list(DELIVERED)},
            "data": {"anyOf": [ref(contract) for contract in DELIVERED]},
        }
    )
    schema = object_of(
        {
            "standing": {
                "type": "array",
                "items": ref("core.situation"),
                "description": "The situations that were open at from; on the first page only.",
            },
            "events": {"type": "array", "items": event, "description": "In the order of at."},
            "next": _NEXT,
        }
    )
    situation = example_of("core.situation")
    event_example = {"at": "2026-03-08T09:00:00.000+00:00", "contract": "core.situation", "data": situation}
    example = {"standing": [situation], "events": [event_example], "next": None}
    return {
        "summary": "Read a past time again: what was open at its beginning, and every revision written in it",
        "operation_id": "read_recorded",
        "tags": ["read"],
        "responses": {
            **responses(schema, example),
            **problems({410: "`from` is older than what is kept: `expected` says since when all is."}),
        },
        "openapi_extra": extra(known),
    }


def described_cameras(known: Sequence[Parameter]) -> dict[str, Any]:
    one = object_of(
        {"distance_m": {"type": "number", "description": "Metres from near."}, "camera": ref("place.camera")}
    )
    schema = object_of({"cameras": {"type": "array", "items": one}, "next": _NEXT})
    example = {"cameras": [{"distance_m": 12.5, "camera": example_of("place.camera")}], "next": None}
    return {
        "summary": "List cameras near a place, the nearest first",
        "operation_id": "list_cameras",
        "tags": ["read"],
        "responses": responses(schema, example),
        "openapi_extra": extra(known),
    }


@cache
def _example_text(contract: str) -> bytes:
    return (load_catalogue()[contract].folder / "examples" / "typical.json").read_bytes()


def example_of(contract: str) -> dict[str, Any]:
    """The contract's typical example."""
    found: dict[str, Any] = orjson.loads(_example_text(contract))
    return found


def extra(known: Sequence[Parameter]) -> dict[str, Any]:
    return {"security": SECURITY, "parameters": [*(one.described() for one in known), _IF_NONE_MATCH]}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def problems(told: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """The responses of these statuses, each a problem document."""
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {status: {"description": words, "content": content} for status, words in told.items()}


def responses(schema: Mapping[str, Any], example: Any) -> dict[int | str, dict[str, Any]]:
    headers = {name: {"description": words, "schema": {"type": "string"}} for name, words in _HEADERS.items()}
    content = {"application/json": {"schema": dict(schema), "example": example}}
    return {
        200: {"description": "What you may read of it.", "headers": headers, "content": content},
        304: {"description": "Nothing of it changed since the answer with that ETag."},
        **problems(_PROBLEMS),
    }


_HEADERS = {
    "ETag": "A tag of this answer, for If-None-Match.",
    "Cache-Control": "Always private: no cache that others share may keep it.",
    "Link": "The next page, rel=next, where there is one.",
}
_NULLABLE_TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
_NEXT = {**_NULLABLE_TEXT, "description": "The cursor of the next page; null on the last one."}
_IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The ETag of an answer that the client has.",
    "schema": {"type": "string"},
}
_PROBLEMS = {
    401: "No key, or none that is known.",
    403: "The account may not read this.",
    404: "No such city, situation or ride, or none that the account may read.",
    422: "A parameter is wrong, unknown or missing: `field` names it.",
    429: "Too many requests; see Retry-After.",
    503: "The log is not read to its end, or no keys are known yet; see Retry-After.",
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457; other fields may stand beside these.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and with which."},
        "code": {
            "type": "string",
            "description": "A word for this refusal that stays the same, where it has one.",
        },
        "field": {"type": "string", "description": "The parameter or field that is wrong."},
        "expected": {"type": "string", "description": "What would be right."},
    },
}
_STORY = {
    "type": "object",
    "required": ["at", "what", "id", "words", "facts"],
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "what": {"type": "string", "enum": list(WHATS)},
        "id": {"type": "string", "description": "The event's, report's, action's, alert's or grant's id."},
        "words": {"type": "string", "description": "For people, in English."},
        "facts": {
            "type": "object",
            "description": "The fields that the words are made of, by `what`: for words in another language. More may come.",
            "additionalProperties": {"type": ["string", "number", "null"]},
        },
    },
}
