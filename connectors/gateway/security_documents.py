"""The ways to show who one is, for OpenAPI."""

from __future__ import annotations

from typing import Any

from connectors.gateway.sessions_request import COOKIE, CSRF

BY_KEY: list[dict[str, list[str]]] = [{"key": []}]
BY_SESSION: list[dict[str, list[str]]] = [{"session": []}]
BY_EITHER = [*BY_KEY, *BY_SESSION]
SCHEMES: dict[str, Any] = {
    "key": {"type": "http", "scheme": "bearer"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"Set by `POST /console/api/session`. A request that changes something carries `{CSRF}` beside it: "
        "the session's `csrf`. A key wins over it.",
    },
}
