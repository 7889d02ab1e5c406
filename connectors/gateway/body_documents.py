"""The problems of every path that reads a body (``connectors.gateway.service.Gateway.body``), for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.gateway.service import BODY_S_MAX

BODY_TOLD: Mapping[int, str] = {
    400: "The body is empty, or the connection was closed before its end.",
    408: f"The body did not arrive within {BODY_S_MAX:.0f} s.",
    413: "The body is too long, or has too many values.",
}
"""Status → what it says. 503, for too many bodies at once, each such path has for the log too."""


def body_problems() -> dict[int | str, dict[str, Any]]:
    """The responses with these statuses."""
    content: dict[str, Any] = {"application/problem+json": {}}
    return {status: {"description": words, "content": content} for status, words in BODY_TOLD.items()}
