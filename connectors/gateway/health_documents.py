"""The description of the route of a city's health for OpenAPI, and the meaning of each fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.gateway.read_documents import problems
from connectors.gateway.security_documents import BY_EITHER

LEVELS = ("broken", "look", "not-heard", "well")
FAULTS: Mapping[str, str] = {
    "failing": "the source does not answer, for since_s",
    "refused": "the source refuses us, for since_s: a wrong key or address",
    "stopped": "the source was stopped, since_s ago: over half of its last records are bad",
    "trial": "the source was stopped and is being tried again",
    "part-missing": "a part of the newest answer was not heard",
    "silent": "nothing was heard for for_s, though it usually says rate_per_min",
    "old": "one event of a hundred is age_s old or older when received; objective_s is what the city's file allows",
    "clock-ahead": "the source's clock is skew_s before ours",
    "clock-behind": "the source's clock is skew_s behind ours, or its quickest event takes so long",
    "set-aside": "count records of the last day could not be read, a share of all, most often for reason",
    "unknown-words": "count reports have a kind that no table holds; word is the most frequent",
    "no-worker": "no process runs the stage",
    "lag": "the first unread record is lag_s old; unread stand behind it at most",
    "no-tick": "the newest tick is lag_s old: the ingest does not run, or cannot write",
    "receivers-wait": "count subscriptions are tried again, as their receivers do not answer",
    "receivers-dead": "count subscriptions are given up, as their receivers did not answer for a day",
}
"""The codes of faults, and what each means by the names of its ``about``."""

_TEXT = {"type": "string"}
_WHEN = {"type": ["string", "null"], "format": "date-time"}
_NUMBER = {"type": ["number", "null"]}
_COUNT = {"type": ["integer", "null"]}
_LEVEL = {
    "type": "string",
    "enum": list(LEVELS),
    "description": "The worst of its faults; not-heard: nothing is known yet.",
}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _list(items: Mapping[str, Any], words: str) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "description": words}


def _said(words: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "description": words}


_REASONS = _list(_object({"what": _TEXT, "count": {"type": "integer"}}), "The most frequent first.")
_FAULTS = _list(
    _object(
        {
            "level": {"type": "string", "enum": ["broken", "look"]},
            "code": {
                "type": "string",
                "enum": list(FAULTS),
                "description": "; ".join(f"{code}: {meaning}" for code, meaning in FAULTS.items()),
            },
            "about": {
                "type": "object",
                "description": "Numbers and words, by the names that the code's meaning has.",
            },
        }
    ),
    "What is wrong with it.",
)
_WORD = _object({"word": _TEXT, "kind": _TEXT, "agency": _TEXT, "count": {"type": "integer"}})
_SOURCE = _object(
    {
        "source": _TEXT,
        "replica": _said(
            "The gateway's name among several, where it is pushed.", {"type": ["string", "null"]}
        ),
        "is_pushed": {"type": "boolean"},
        "state": _said(
            "hearing, failing, refused, stopped or trial; null: it has said nothing yet.",
            {"type": ["string", "null"]},
        ),
        "state_since_at": _WHEN,
        "heard_at": _said("When it was last heard.", _WHEN),
        "counted_since_at": _said("From when its figures count: a day at most.", _WHEN),
        "events": _COUNT,
        "rate_per_min": _said("Events a minute.", _NUMBER),
        "age_p50_s": _said("Half of its events are no older when received.", _NUMBER),
        "age_p99_s": _said("99 of 100 are no older.", _NUMBER),
        "age_objective_s": _said("How old these may be, by the city's file.", _NUMBER),
        "clock_skew_s": _said(
            "Above 0 its clock is ahead of ours; below, it is behind or so slow at best.", _NUMBER
        ),
        "set_aside": _COUNT,
        "set_aside_share": _said("0 to 1.", _NUMBER),
        "unknown_share": _said("Of its reports, 0 to 1, those of a kind that no table holds.", _NUMBER),
        "reasons": _REASONS,
        "words": _list(_WORD, "Words that no table holds, with what each was taken for."),
        "agencies": _list(_TEXT, "Those that reported by it."),
        "level": _LEVEL,
        "faults": _FAULTS,
    }
)
_STAGE = _object(
    {
        "stage": _TEXT,
        "lag_s": _said(
            "The age of the first unread record; of ingest, of the newest tick; of deliver, the time for which its worst"
            " receiver has not answered. 0: nothing waits. Null: not known.",
            _NUMBER,
        ),
        "unread": _said("Offsets behind the first unread record: an upper bound of records.", _COUNT),
        "workers": _said("Processes that run it; null where that is not known.", _COUNT),
        "level": _LEVEL,
        "faults": _FAULTS,
    }
)
_ASIDE = _object(
    {
        "topic": _TEXT,
        "records": _said("Offsets that the topic holds: an upper bound of records.", {"type": "integer"}),
        "newest_at": _said("When the newest was set aside; null where all were fed again.", _WHEN),
        "reasons": _said("Of the newest 200, not fed again; the most frequent first.", _REASONS),
    }
)
_AT = "2026-03-08T09:00:00.000+00:00"
_EXAMPLE = {
    "as_of": _AT,
    "looked_at": _AT,
    "trouble": None,
    "sources": [
        {
            "source": "calls",
            "replica": None,
            "is_pushed": True,
            "state": "hearing",
            "state_since_at": "2026-03-08T01:00:00.000+00:00",
            "heard_at": _AT,
            "counted_since_at": "2026-03-08T01:00:00.000+00:00",
            "events": 1680,
            "rate_per_min": 3.5,
            "age_p50_s": 4.1,
            "age_p99_s": 31.2,
            "age_objective_s": 300.0,
            "clock_skew_s": -2.5,
            "set_aside": 3,
            "set_aside_share": 0.0018,
            "unknown_share": 0.0,
            "reasons": [{"what": "latitude is not a number", "count": 3}],
            "words": [],
            "agencies": ["119"],
            "level": "look",
            "faults": [
                {
                    "level": "look",
                    "code": "set-aside",
                    "about": {"count": 3, "share": 0.0018, "reason": "latitude is not a number"},
                }
            ],
        }
    ],
    "stages": [
        {"stage": "situations", "lag_s": 0.0, "unread": 0, "workers": 1, "level": "well", "faults": []}
    ],
    "set_aside": [
        {
            "topic": "demo.source.dlq",
            "records": 3,
            "newest_at": _AT,
            "reasons": [{"what": "latitude is not a number", "count": 3}],
        }
    ],
}
_SCHEMA = _object(
    {
        "as_of": _said("When this was judged.", _WHEN),
        "looked_at": _said("When Kafka was looked at.", _WHEN),
        "trouble": _said("Why the stages are not known; null where they are.", {"type": ["string", "null"]}),
        "sources": _list(_SOURCE, "The worst first, then by name."),
        "stages": _list(_STAGE, "The worst first."),
        "set_aside": _list(_ASIDE, "The topics that hold records set aside, the newest first."),
    }
)
_PROBLEMS = {
    401: "No key, or none that is known.",
    403: "The account may not read this.",
    404: "No such city.",
    422: "A parameter is unknown.",
    429: "Too many requests; see Retry-After.",
    503: "The log is not read to its end, or no keys are known yet; see Retry-After.",
}


def described() -> dict[str, Any]:
    """The keyword arguments of the route."""
    content = {"application/json": {"schema": _SCHEMA, "example": _EXAMPLE}}
    return {
        "summary": "Show how sources and stages do: what is broken first, and what it is about",
        "operation_id": "show_health",
        "tags": ["read"],
        "responses": {
            200: {"description": "As Kafka showed it within the last two seconds.", "content": content},
            **problems(_PROBLEMS),
        },
        "openapi_extra": {"security": BY_EITHER},
    }
