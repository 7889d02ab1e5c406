"""The description of the deliveries of alerts for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.gateway.read_documents import extra, object_of, responses

_TEXT: Mapping[str, Any] = {"type": "string"}
_COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_TEXT_OR_NULL: Mapping[str, Any] = {"type": ["string", "null"]}
_TIME_OR_NULL: Mapping[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_RECEIVER = object_of(
    {
        "receiver": {**_TEXT_OR_NULL, "description": "The subscription's name; null: not shown to you."},
        "sink": {**_TEXT, "description": "The type of its sink, such as webhook."},
        "state": {
            **_TEXT,
            "enum": ["received", "waiting", "failed", "paused"],
            "description": "received: it is done with the newest revision that it is to get. waiting: that comes next."
            " failed: the last try failed, or it was given up. paused: nothing is sent now.",
        },
        "revision": {**_COUNT, "description": "The newest revision of the alert that it is to get."},
        "received_revision": {
            "type": ["integer", "null"],
            "description": "The newest revision that it is done with; null: none.",
        },
        "set_aside": {
            **_COUNT,
            "description": "Events of its whole life that it was done with without taking them: this one may be of them.",
        },
        "attempts": {**_COUNT, "description": "Failures since its last success."},
        "failing_since": _TIME_OR_NULL,
        "why": {
            **_TEXT_OR_NULL,
            "description": "Its last error, for who may see the subscription; else null.",
        },
        "as_of": {
            **_TIME_OR_NULL,
            "description": "When its state was written: what is received was so by then.",
        },
    }
)
_EXAMPLE = {
    "alerts": [
        {
            "alert_id": "3f9a",
            "audience": "119",
            "receivers": [
                {
                    "receiver": "desk",
                    "sink": "webhook",
                    "state": "failed",
                    "revision": 2,
                    "received_revision": 1,
                    "set_aside": 0,
                    "attempts": 3,
                    "failing_since": "2026-03-08T09:00:00.000+00:00",
                    "why": "desk.example answered 500",
                    "as_of": "2026-03-08T09:00:05.000+00:00",
                }
            ],
        }
    ]
}


def described() -> dict[str, Any]:
    """The keyword arguments of the route."""
    alert = object_of(
        {
            "alert_id": _TEXT,
            "audience": _TEXT,
            "receivers": {"type": "array", "items": _RECEIVER, "description": "By name."},
        }
    )
    return {
        "summary": "Show to whom the alerts of a situation were delivered",
        "operation_id": "show_deliveries",
        "tags": ["read"],
        "responses": responses(object_of({"alerts": {"type": "array", "items": alert}}), _EXAMPLE),
        "openapi_extra": extra(()),
    }
