"""The caller's own word for a request (``Idempotency-Key``): said again it is the same request, once. Pure."""

from __future__ import annotations

from starlette.requests import Request

from connectors.gateway.problems import Problem

KEY_MAX = 200
HEADER = "Idempotency-Key"


def idempotency_key_of(request: Request) -> str | None:
    """The word, if there is one: an empty one is none. A long one is refused, as its end would not count."""
    key = request.headers.get(HEADER, "").strip()
    if len(key) > KEY_MAX:
        more = {"field": HEADER, "expected": f"at most {KEY_MAX} characters"}
        raise Problem(422, f"the {HEADER} has {len(key)} characters", more=more)
    return key or None


def used_otherwise() -> Problem:
    """The answer to a word that came before with another body."""
    more = {"field": HEADER, "expected": "a key of its own for each body"}
    return Problem(422, f"the {HEADER} came before with another body: nothing is kept", more=more)
