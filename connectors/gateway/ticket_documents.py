"""Descriptions of the tickets' paths, for OpenAPI."""

from __future__ import annotations

from typing import Any

_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
REDEEMED: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "The ticket, a JWT (ES256); `redeemed` stands in `core.access`.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": [
                        "ticket",
                        "camera_id",
                        "grant_id",
                        "expires_in_s",
                        "viewing_until_ms",
                        "replica",
                    ],
                    "properties": {
                        "ticket": {"type": "string"},
                        "camera_id": {"type": "string"},
                        "grant_id": {"type": "string"},
                        "expires_in_s": {
                            "type": "integer",
                            "description": "the ticket's first use, until then",
                        },
                        "viewing_until_ms": {
                            "type": "integer",
                            "description": "the grant's end: a viewing lasts until then at most",
                        },
                        "replica": {
                            "type": ["string", "null"],
                            "description": "the replica of the gateway that checks the ticket, for the proxy's choice; "
                            "null where there is one gateway",
                        },
                    },
                }
            }
        },
    },
    401: {"description": "No key, or none that is known.", **_PROBLEM},
    403: {"description": "The account may not read grants, or the grant is another agency's.", **_PROBLEM},
    404: {"description": "No such city or grant.", **_PROBLEM},
    410: {"description": "The grant was revoked or is over.", **_PROBLEM},
    422: {"description": "Not used by this path.", **_PROBLEM},
    429: {"description": "Too many requests; see Retry-After.", **_PROBLEM},
    503: {"description": "The log cannot be reached: there is no ticket without a record.", **_PROBLEM},
}
CHECKED: dict[int | str, dict[str, Any]] = {
    204: {"description": "It may pass. At the ticket's first use with the viewing's cookie (`Set-Cookie`)."},
    401: {"description": "Neither a ticket nor a cookie.", **_PROBLEM},
    403: {"description": "Refused; `reason` says why, and stands in `core.access`.", **_PROBLEM},
}
CHECK_PARAMETERS = [
    {
        "in": "header",
        "name": "X-Original-URI",
        "required": True,
        "schema": {"type": "string"},
        "description": "What the viewer asks the proxy for. The file's folder is the camera: /video/C-7/index.m3u8?ticket=…",
    }
]
