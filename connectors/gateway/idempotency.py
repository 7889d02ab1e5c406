"""The caller's key for a request (``Idempotency-Key``): the same key again means the same request. Pure."""

from __future__ import annotations

from starlette.requests import Request

from connectors.gateway.problems import Problem

KEY_MAX = 200
HEADER = "Idempotency-Key"


def idempotency_key_of(request: Request) -> str | None:
    """The key of the request; an empty one counts as none. One that is too long is refused, not cut; so are two."""
    keys = {one.strip() for one in request.headers.getlist(HEADER)}
    if len(keys) > 1:
        more = {"field": HEADER, "expected": "one key"}
        raise Problem(422, f"the request has more than one {HEADER}", code="wrong-key", more=more)
    key = next(iter(keys), "")
    if len(key) > KEY_MAX:
        more = {"field": HEADER, "expected": f"at most {KEY_MAX} characters"}
        raise Problem(422, f"the {HEADER} has {len(key)} characters", code="wrong-key", more=more)
    return key or None


def used_otherwise() -> Problem:
    """The response to a key that was used before with another body."""
    more = {"field": HEADER, "expected": "a key of its own for each body"}
    return Problem(
        422, f"the {HEADER} came before with another body: nothing is kept", code="key-used", more=more
    )
