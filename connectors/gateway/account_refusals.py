"""Problems of who asks: without a key or session, too often, or without the permission."""

from __future__ import annotations

from connectors.gateway.problems import Problem

CLOSE = {"Connection": "close"}


def too_many_of_strangers(wait_s: float) -> Problem:
    what = "too many requests without a valid key from this address"
    return Problem(429, what, code="too-many-requests", retry_after_s=wait_s, headers=CLOSE)


def too_many_connections() -> Problem:
    what = "too many open connections with this key"
    return Problem(429, what, code="too-many-connections", retry_after_s=1, headers=CLOSE)


def too_many_of_key(wait_s: float) -> Problem:
    return Problem(429, "too many requests with this key", code="too-many-requests", retry_after_s=wait_s)


def only_audits() -> Problem:
    what = "an auditor's account changes nothing"
    return Problem(403, what, code="only-audits", more={"field": "role"})


def no_key() -> Problem:
    what = "send your key as 'Authorization: Bearer …'"
    return Problem(401, what, code="signed-out", headers={"WWW-Authenticate": "Bearer"})


def unknown_key() -> Problem:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return Problem(401, "the key is unknown, revoked or expired", code="signed-out", headers=headers)


def not_agreed(why: str, told: str) -> Problem:
    return Problem(403, f"{why}: {told}", code="not-agreed", more={"agreement": told})


def may_not_read() -> Problem:
    how = "a key made with 'bongsu key add AGENCY --subscribe --city CITY', or a user's"
    what = "this account may not read situations, alerts and grants"
    return Problem(403, what, code="may-not-read", more={"how": how})
