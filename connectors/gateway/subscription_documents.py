"""Descriptions of the subscription routes for OpenAPI: bodies, responses, schemas and examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from connectors.gateway.body_documents import BODY_TOLD
from connectors.gateway.idempotency import KEY_MAX
from connectors.gateway.read_documents import SECURITY, problems
from connectors.gateway.subscription_desk import Change
from connectors.subscribers import DELIVERED

CHANGES: Mapping[Change, str] = {
    "pause": "Deliver nothing until 'resume'; the place is kept",
    "resume": "Go on after 'pause', from the place, in order",
    "retry": "Try a dead, waiting or paused receiver again now",
}
STATES = ("active", "waiting", "paused", "dead")


def described_create(model: type[BaseModel]) -> dict[str, Any]:
    """The keyword arguments of the route that makes a subscription."""
    schema = model.model_json_schema()
    schema["properties"]["contracts"]["items"] = {"type": "string", "enum": list(DELIVERED)}
    body = {"application/json": {"schema": schema, "example": _WISH}}
    extra = _extra(is_once=True) | {"requestBody": {"required": True, "content": body}}
    issued = _answer("Made. The secret is shown this once.", _ISSUED, _ISSUED_EXAMPLE)
    issued["headers"] = {"Location": {"description": "Its address.", "schema": {"type": "string"}}}
    told = {
        **BODY_TOLD,
        409: "There is one of that name, or the account has as many as it may.",
        422: "The body cannot be: `field` and `expected` say what would be right.",
    }
    return _route("Make a subscription", "create_subscription", extra, {201: issued}, told, status=201)


def described_list() -> dict[str, Any]:
    schema = _object({"subscriptions": {"type": "array", "items": SHOWN}})
    answer = _answer("By name.", schema, {"subscriptions": [_SHOWN_EXAMPLE]})
    summary = "List your subscriptions; who supervises or administers sees all"
    return _route(summary, "list_subscriptions", _extra(), {200: answer}, {422: "There are no parameters."})


def described_one() -> dict[str, Any]:
    answer = _answer("As it is now.", SHOWN, _SHOWN_EXAMPLE)
    told = {404: _NONE, 422: "There are no parameters."}
    summary = "Show one subscription: state, places, records behind, last error"
    return _route(summary, "show_subscription", _extra(), {200: answer}, told)


def described_remove() -> dict[str, Any]:
    told = {404: _NONE, 409: "It stands in the city's file."}
    answers: dict[int | str, dict[str, Any]] = {204: {"description": "It is no more."}}
    summary = "End a subscription, and forget its place"
    return _route(summary, "remove_subscription", _extra(), answers, told, status=204)


def described_test() -> dict[str, Any]:
    schema = _object(
        {
            "event_id": {"type": "string", "description": "The id of the test event."},
            "is_delivered": {"type": "boolean"},
            "why": {**_TEXT_OR_NULL, "description": "Why not; null when it was delivered."},
        }
    )
    example = {"event_id": "9f2c0d5e", "is_delivered": False, "why": "desk.example answered 500"}
    answer = _answer("It was sent; how the receiver took it.", schema, example)
    told = {404: _NONE, 409: "Nothing may be delivered for it now.", 422: _KEY_USED}
    summary = "Send one test event now, and tell how it was answered"
    return _route(summary, "test_subscription", _extra(is_once=True), {200: answer}, told)


def described_rotate() -> dict[str, Any]:
    answer = _answer("The new secret, shown this once.", _ISSUED, _ISSUED_EXAMPLE)
    told = {404: _NONE, 409: "Its secret is not kept here.", 422: _KEY_USED}
    summary = "Make a new secret; the one before signs too, until the next 'rotate'"
    return _route(summary, "rotate_subscription", _extra(is_once=True), {200: answer}, told)


def described_change(change: Change) -> dict[str, Any]:
    answer = _answer("As it is now.", SHOWN, _SHOWN_EXAMPLE)
    told = {404: _NONE, 422: _KEY_USED}
    name = f"{change}_subscription"
    return _route(CHANGES[change], name, _extra(is_once=True), {200: answer}, told)


def _route(
    summary: str,
    operation_id: str,
    extra: Mapping[str, Any],
    answers: Mapping[int | str, dict[str, Any]],
    told: Mapping[int, str],
    *,
    status: int = 200,
) -> dict[str, Any]:
    return {
        "summary": summary,
        "operation_id": operation_id,
        "tags": ["subscriptions"],
        "status_code": status,
        "openapi_extra": dict(extra),
        "responses": {**answers, **problems({**_PROBLEMS, **told})},
    }


def _answer(words: str, schema: Mapping[str, Any], example: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": dict(schema), "example": example}}
    return {"description": words, "content": content}


def _extra(*, is_once: bool = False) -> dict[str, Any]:
    return {"security": SECURITY, "parameters": [_ONCE] if is_once else []}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


_TEXT: Mapping[str, Any] = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_COUNT = {"type": "integer", "minimum": 0}
_TEXT_OR_NULL: Mapping[str, Any] = {"type": ["string", "null"]}
_TIME_OR_NULL = {"type": ["string", "null"], "format": "date-time"}
_PLACE = _object({"topic": _TEXT, "next_offset": _COUNT})
SHOWN = _object(
    {
        "name": _TEXT,
        "who": {**_TEXT, "description": "The account or agency that it is for."},
        "origin": {
            "type": "string",
            "enum": ["http", "command", "city_file"],
            "description": "By what it was made.",
        },
        "sink": _TEXT,
        "settings": {
            "type": "object",
            "description": "Without secrets; of an address the host alone: the rest may hold a key.",
        },
        "audience": _TEXT_OR_NULL,
        "purposes": _TEXTS,
        "contracts": _TEXTS,
        "kinds": _TEXTS,
        "area": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        "severity_from": _TEXT_OR_NULL,
        "language": _TEXT,
        "format": {"type": "string", "enum": ["json", "cap"]},
        "begin": {"type": "string", "enum": ["end", "beginning"]},
        "created_at": {**_TIME_OR_NULL, "description": "Null for one of the city's file."},
        "state": {
            "type": "string",
            "enum": list(STATES),
            "description": "waiting: for the next try; dead: it failed for a day, or refuses us until 'retry'.",
        },
        "held": {**_TEXT_OR_NULL, "description": "Why it is paused though nobody paused it."},
        "places": {
            "type": "array",
            "items": _PLACE,
            "description": "All below is done; empty before the first.",
        },
        "lag": {
            "type": ["integer", "null"],
            "description": "Offsets above its places; null before the first.",
        },
        "delivered": _COUNT,
        "set_aside": _COUNT,
        "attempts": {**_COUNT, "description": "Failures since the last success."},
        "failing_since": _TIME_OR_NULL,
        "next_at": {**_TIME_OR_NULL, "description": "When it is tried next."},
        "last_error": _TEXT_OR_NULL,
        "last_set_aside": _TEXT_OR_NULL,
    }
)
_WISH = {
    "name": "desk",
    "settings": {"url": "https://desk.example/bongsu"},
    "contracts": ["core.alert"],
    "kinds": ["crash"],
    "severity_from": "severe",
}
_SHOWN_EXAMPLE = {
    "name": "desk",
    "who": "119",
    "origin": "http",
    "sink": "webhook",
    "settings": {"url": "https://desk.example/…"},
    "audience": "119",
    "purposes": [],
    "contracts": ["core.alert"],
    "kinds": ["crash"],
    "area": [],
    "severity_from": "severe",
    "language": "en",
    "format": "json",
    "begin": "end",
    "created_at": "2026-03-08T09:00:00.000+00:00",
    "state": "active",
    "held": None,
    "places": [{"topic": "demo.core.alert", "next_offset": 12}],
    "lag": 0,
    "delivered": 3,
    "set_aside": 0,
    "attempts": 0,
    "failing_since": None,
    "next_at": None,
    "last_error": None,
    "last_set_aside": None,
}
_ISSUED = _object(
    {
        "subscription": SHOWN,
        "secret": {
            **_TEXT_OR_NULL,
            "description": "whsec_…, for the receiver; null where its sink has none.",
        },
    }
)
_ISSUED_EXAMPLE = {
    "subscription": _SHOWN_EXAMPLE,
    "secret": "whsec_ZXhhbXBsZSBvZiBhIHNlY3JldCB0aGF0IGlzIG5vbmU=",
}
_ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": KEY_MAX},
    "description": "The same key with the same body within an hour gets the same answer and is done once; "
    "with another body, 422. The gateway forgets keys when it is started again.",
}
_NONE = "No such city or subscription, or none that the account may see."
_KEY_USED = "The Idempotency-Key is too long, or came with another body."
_PROBLEMS = {
    401: "No key, or none that is known.",
    403: "The account may not do this; `field` names what is wider than its rights.",
    404: "No such city.",
    429: "Too many requests; see Retry-After.",
    503: "The log cannot be reached or is still being read: nothing is known to be done. See Retry-After.",
}
