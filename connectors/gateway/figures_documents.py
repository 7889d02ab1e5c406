"""The description of the figures for OpenAPI, and the parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from connectors.gateway.parameters import Parameter
from connectors.gateway.read_documents import extra, object_of, responses

DAYS, DAYS_MAX = 7, 31
"""The usual number of days, and the most: older situations have left the log."""
FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST, LAST = date(1970, 1, 10), date(9990, 1, 1)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text) if FORM.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not FIRST <= found <= LAST:
        raise ValueError(f"{text[:40]!r} is no day, such as 2026-03-08, from {FIRST} to {LAST}")
    return found


_DATE = {"type": "string", "format": "date"}
PARAMETERS = (
    Parameter(
        "from",
        f"The first day, in the city's time zone. Without it: {DAYS} days up to `to`.",
        _DATE,
        _day,
        example="2026-03-02",
    ),
    Parameter(
        "to",
        f"The last day. Without it: {DAYS} days from `from` on, or up to today. At most {DAYS_MAX} days in all.",
        _DATE,
        _day,
        example="2026-03-08",
    ),
)


def _nullable(kind: str, about: str) -> dict[str, Any]:
    return {"type": [kind, "null"], "description": f"{about} Null: not reported."}


def _wait(about: str) -> dict[str, Any]:
    one = object_of(
        {
            "count": {"type": "integer", "description": "Situations of which both times are known."},
            "median_s": {"type": "number"},
            "p90_s": {"type": "number", "description": "Nine of ten took no longer."},
        }
    )
    return {**one, "type": ["object", "null"], "description": f"{about} Null: not reported."}


_FIGURES: Mapping[str, Any] = {
    "situations": _nullable("integer", "Situations with reports that began then."),
    "joined_share": _nullable("number", "The share with more than one agency, 0 to 1."),
    "dispatch": _wait("From the report to the dispatch."),
    "arrival": _wait("From the report to the arrival."),
    "video": _wait("From the report to the first picture, the first use of a ticket."),
    "within_goal_share": _nullable("number", "The share of known arrivals within goal_s, 0 to 1."),
    "alerts": _nullable("integer", "Alerts that demanded attention, of all audiences."),
}
_LOAD = object_of(
    {
        "audience": {"type": "string"},
        "alerts": {"type": "integer", "description": "Alerts that demanded attention."},
        "per_10_min": {
            "type": "number",
            "description": "On average; 1 is acceptable, 2 the most (IEC 62682).",
        },
        "most_in_10_min": {"type": "integer"},
        "flood_share": {
            "type": "number",
            "description": "The share of time in flood, from more than 10 alerts in 10 minutes until fewer than 5.",
        },
        "floods": {"type": "integer"},
        "chattering": {"type": "integer", "description": "Alerts that called three times in a minute."},
        "stale": {"type": "integer", "description": "Alerts that stood for a day."},
        "level": {"type": "string", "enum": ["acceptable", "manageable", "too_many", "flood"]},
    }
)
_LOADS = {"loads": {"type": "array", "items": _LOAD, "description": "By audience, the busiest first."}}
_FIGURES_EXAMPLE = {
    "situations": 120,
    "joined_share": 0.15,
    "dispatch": {"count": 96, "median_s": 62.0, "p90_s": 130.0},
    "arrival": {"count": 90, "median_s": 371.0, "p90_s": 640.0},
    "video": None,
    "within_goal_share": 0.71,
    "alerts": 210,
}
_LOADS_EXAMPLE = [
    {
        "audience": "operator",
        "alerts": 130,
        "per_10_min": 0.9,
        "most_in_10_min": 7,
        "flood_share": 0.0,
        "floods": 0,
        "chattering": 0,
        "stale": 1,
        "level": "acceptable",
    }
]


def described_figures() -> dict[str, Any]:
    """The keyword arguments of the route."""
    day = object_of({"date": _DATE, **_FIGURES, **_LOADS})
    kind = object_of({"kind": {"type": "string", "description": "Of the top level."}, **_FIGURES})
    schema = object_of(
        {
            "timezone": {"type": "string", "description": "That in which days begin."},
            "as_of": {"type": "string", "format": "date-time"},
            "from": _DATE,
            "to": _DATE,
            "goal_s": {"type": "integer", "description": "Within so many seconds help should be there."},
            "whole": object_of({**_FIGURES, **_LOADS}),
            "days": {"type": "array", "items": day, "description": "Each day, in order."},
            "kinds": {"type": "array", "items": kind, "description": "The most frequent first."},
        }
    )
    example = {
        "timezone": "Asia/Seoul",
        "as_of": "2026-03-08T09:00:00.000+00:00",
        "from": "2026-03-08",
        "to": "2026-03-08",
        "goal_s": 420,
        "whole": {**_FIGURES_EXAMPLE, "loads": _LOADS_EXAMPLE},
        "days": [{"date": "2026-03-08", **_FIGURES_EXAMPLE, "loads": _LOADS_EXAMPLE}],
        "kinds": [{"kind": "crash", **_FIGURES_EXAMPLE}],
    }
    return {
        "summary": "Figures of the city by day and by kind: times until help came, and the load of alerts",
        "operation_id": "show_figures",
        "tags": ["read"],
        "responses": responses(schema, example),
        "openapi_extra": extra(PARAMETERS),
    }
