"""Numbers of chargers' sessions: the one that OCPP 1.6 asks of us, and those of the messages of OCPP 2.0.1. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NUMBER_MAX = 2**31 - 1
GAPS_MAX = 64
"""Gaps remembered of a session, so that a message repeated tells the same; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Charger:
    """A charger as the city knows it. *secret*: 16 to 64 bytes of the city's, under which sessions of 1.6 are numbered."""

    charger_id: str
    operator: str
    secret: bytes = field(repr=False)
    position: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not 16 <= len(self.secret) <= 64:
            raise ValueError("a secret of 16 to 64 bytes")


def transaction_number(charger: Charger, payload: Mapping[str, Any]) -> int:
    """The session that a StartTransaction begins: 1 to 2³¹−1, the same for the same words."""
    said = [str(payload[name]) for name in ("connectorId", "timestamp", "meterStart", "idTag")]
    text = "\x1f".join((charger.charger_id, *said))
    digest = hashlib.blake2b(text.encode(), key=charger.secret, digest_size=8).digest()
    return int.from_bytes(digest, "big") % NUMBER_MAX + 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """*missing*: the numbers just before a message's own that had not come. *known*: what to remember of the session."""

    missing: int
    known: dict[str, Any]
    is_again: bool = False


def numbered(known: Mapping[str, Any], seq_no: int, *, is_start: bool) -> Numbers:
    """Take the message *seq_no* of a session of which *known* is remembered. Numbers begin at 0, or with the start's own.

    Of a number below the next one (repeated, or late) the same is told as when it first came.
    """
    following: int = known.get("next", seq_no if is_start else 0)
    gaps: dict[str, int] = known.get("gaps", {})
    if seq_no < following:
        return Numbers(gaps.get(str(seq_no), 0), {"next": following, "gaps": gaps}, is_again=True)
    missing = seq_no - following
    if missing:
        gaps = kept({**gaps, str(seq_no): missing}, GAPS_MAX)
    return Numbers(missing, {"next": seq_no + 1, "gaps": gaps})


def kept(known: dict[str, Any], most: int) -> dict[str, Any]:
    """The *most* newest of *known*."""
    return dict(list(known.items())[-most:])
