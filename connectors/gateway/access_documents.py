"""The description of the route of acts of access for OpenAPI, and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.gateway.parameters import CAMERA, CURSOR, FROM, LIMITED, SITUATION, TO, Parameter, one_of
from connectors.gateway.read_documents import extra, object_of, responses

ACTS: Mapping[str, str] = {
    "redeemed": "a ticket for video was given for a grant",
    "refused": "a grant, a ticket or a viewing was refused, for reason",
    "first_use": "a ticket was used: somebody looks",
    "ended": "a viewing was ended, for reason",
    "signed_in": "a link to sign in was used",
    "signed_out": "a session was ended",
    "case_opened": "a missing person's case was opened, by legal_ground; situation_id is the case",
    "case_refused": "a missing person's case was asked for and refused, for reason",
    "case_filed": "the request for a case's authorisation was filed; the reason is its number",
    "key_destroyed": "a case is over, for reason: nobody reads any more what it drew",
    "case_read": "somebody looked at a case, its candidates or its route, as the reason says; once a minute",
    "case_denied": "an account had no right to a case or to cases; the reason says to what, and what is missing;"
    " once a minute",
    "audited": "somebody read this list; the reason says by which filters",
}
ACCOUNT = replace(
    SITUATION,
    name="account_id",
    about="Of this account. It is compared only where you see accounts.",
    example="a1b2c3",
)
GRANT = replace(SITUATION, name="grant_id", about="By this grant.", example="g-1")
ACT = Parameter(
    "act",
    "Such acts; may come several times.",
    {"type": "string", "enum": list(ACTS)},
    one_of(tuple(ACTS)),
    is_several=True,
    example=["refused"],
)
SINCE = replace(FROM, about="ISO 8601 with offset: done at that time or after.", is_needed=False)
UNTIL = replace(TO, about="ISO 8601 with offset: done before that time.", is_needed=False)
PARAMETERS = (ACCOUNT, CAMERA, GRANT, SITUATION, ACT, SINCE, UNTIL, LIMITED, CURSOR)

_TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
_ACCESS = object_of(
    {
        "at": {"type": "string", "format": "date-time"},
        "act": {
            "type": "string",
            "description": "; ".join(f"{name}: {about}" for name, about in ACTS.items()) + ". More may come.",
        },
        "account_id": {**_TEXT, "description": "Identifying: null without a purpose of the law."},
        "account_name": {**_TEXT, "description": "The account's name now. Identifying."},
        "address": {**_TEXT, "description": "The network address that asked. Identifying."},
        "grant_id": _TEXT,
        "camera_id": _TEXT,
        "situation_id": _TEXT,
        "purpose": _TEXT,
        "legal_ground": _TEXT,
        "reason": {**_TEXT, "description": "Why it was refused or ended. Identifying."},
        "count": {
            "type": ["integer", "null"],
            "description": "So many like refusals; null: one.",
        },
        "writer": {"type": "string", "description": "The gateway that wrote it."},
        "sequence": {"type": "integer", "description": "Its number in the writer's chain."},
    }
)
_FAULT = object_of(
    {"writer": {"type": "string"}, "sequence": {"type": "integer"}, "what": {"type": "string"}}
)
_CHAIN = object_of(
    {
        "holds": {
            "type": "boolean",
            "description": "Whether each record follows on. What was cut off: `bongsu audit verify CITY --anchor FILE`.",
        },
        "records": {"type": "integer"},
        "writers": {"type": "integer"},
        "faulty": {"type": "integer", "description": "The number of records that do not follow on."},
        "faults": {"type": "array", "items": _FAULT, "description": "The first of them."},
    }
)


def described() -> dict[str, Any]:
    """The keyword arguments of the route."""
    schema = object_of(
        {
            "accesses": {"type": "array", "items": _ACCESS},
            "chain": _CHAIN,
            "kept_from": {
                **_TEXT,
                "description": "The time from which acts are listed; null: all of the log. Older ones: bongsu tail TOPIC.",
            },
            "next": {**_TEXT, "description": "The cursor of the next page; null on the last one."},
        }
    )
    example = {
        "accesses": [
            {
                "at": "2026-03-08T09:00:00.000+00:00",
                "act": "refused",
                "account_id": "a1b2c3",
                "account_name": "desk-1",
                "address": "203.0.113.9",
                "grant_id": "g-1",
                "camera_id": "C-17",
                "situation_id": "3f2a",
                "purpose": "fire-safety",
                "legal_ground": "kr-fire-act-15",
                "reason": "revoked",
                "count": None,
                "writer": "daejeon.gateway.access",
                "sequence": 7,
            }
        ],
        "chain": {"holds": True, "records": 7, "writers": 1, "faulty": 0, "faults": []},
        "kept_from": None,
        "next": None,
    }
    return {
        "summary": "List who looked at what, the newest first; for auditors and administrators. Reading it is recorded",
        "operation_id": "list_accesses",
        "tags": ["read"],
        "responses": responses(schema, example),
        "openapi_extra": extra(PARAMETERS),
    }
