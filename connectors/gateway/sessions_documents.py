"""The description of ``/console/api/session`` for OpenAPI."""

from __future__ import annotations

from typing import Any

from connectors.gateway.body_documents import body_problems
from connectors.gateway.security_documents import BY_SESSION
from connectors.gateway.sessions_request import CSRF
from connectors.gateway.sessions_ways import KeyWay, LinkWay, PasswordWay

PATH = "/console/api/session"
_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
_TEXT = {"type": "string"}
_WHO = {
    "type": "object",
    "required": ["account", "csrf", "until"],
    "properties": {
        "account": {
            "type": "object",
            "required": ["account_id", "name", "kind", "role", "audience", "purposes", "may"],
            "properties": {
                "account_id": _TEXT,
                "name": _TEXT,
                "kind": {"type": "string", "enum": ["key", "user"]},
                "role": _TEXT,
                "audience": {"type": ["string", "null"], "description": "Whose rows it reads; * for all."},
                "purposes": {"type": "array", "items": _TEXT},
                "may": {
                    "type": "object",
                    "required": ["act", "administer", "audit", "oversee", "read"],
                    "properties": {
                        "act": {"type": "array", "items": _TEXT, "description": "Its actions on situations."},
                        "administer": {"type": "boolean"},
                        "audit": {"type": "boolean", "description": "It reads who looked at what."},
                        "oversee": {"type": "boolean"},
                        "read": {"type": "boolean", "description": "Situations, alerts and grants."},
                    },
                },
            },
        },
        "csrf": {"type": "string", "description": f"To be sent as `{CSRF}` with all that changes something."},
        "until": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When the session ends unless it is used; null for a wall's.",
        },
    },
}
_TOLD = {"description": "Who is signed in.", "content": {"application/json": {"schema": _WHO}}}
_NOBODY = {"description": "Nobody is signed in, or the session is over.", **_PROBLEM}
_WAYS = {"anyOf": [one.model_json_schema() for one in (KeyWay, PasswordWay, LinkWay)]}
_MANY = {"description": "Too many requests; see Retry-After.", **_PROBLEM}
_UNKNOWN = {"description": "No keys are known yet; see Retry-After.", **_PROBLEM}
POSTED: dict[str, Any] = {
    "summary": "Sign in: the response sets the session's cookie",
    "operation_id": "sign_in",
    "tags": ["session"],
    "openapi_extra": {
        "security": [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _WAYS}}},
    },
    "responses": {
        200: _TOLD,
        **body_problems(),
        401: {"description": "The sign-in is wrong, or no longer good.", **_PROBLEM},
        403: {"description": "The account is good, and may read nothing.", **_PROBLEM},
        415: {"description": "The body is not application/json.", **_PROBLEM},
        422: {"description": "The body is no sign-in.", **_PROBLEM},
        429: _MANY,
        503: {
            "description": "No keys are known yet, or too many sign in at once; see Retry-After.",
            **_PROBLEM,
        },
    },
}
SHOWN: dict[str, Any] = {
    "summary": "Who is signed in, and what they may do",
    "operation_id": "show_session",
    "tags": ["session"],
    "openapi_extra": {"security": BY_SESSION},
    "responses": {200: _TOLD, 401: _NOBODY, 429: _MANY, 503: _UNKNOWN},
}
DELETED: dict[str, Any] = {
    "summary": "Sign out: the session is over at this gateway, and its cookie is removed",
    "operation_id": "sign_out",
    "tags": ["session"],
    "status_code": 204,
    "openapi_extra": {"security": BY_SESSION},
    "responses": {
        204: {"description": "Signed out."},
        401: _NOBODY,
        429: _MANY,
        503: _UNKNOWN,
        403: {"description": f"`{CSRF}` does not hold the session's value.", **_PROBLEM},
    },
}
