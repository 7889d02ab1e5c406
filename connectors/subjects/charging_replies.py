"""Answers of a central system of OCPP to the calls of a charger, as data. Pure: the moment is a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.formats.ocpp_calls import Call

ACCEPTED, BLOCKED = "Accepted", "Blocked"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms on which a charger is connected.

    *interval_s*: between two heartbeats. *takes_sessions*: whether it may begin new ones; those that go on may end.
    """

    interval_s: int = 300
    takes_sessions: bool = True


def reply(call: Call, *, at_ms: int, terms: Terms, transaction_id: int | None = None) -> dict[str, Any]:
    """The payload of the CALLRESULT to *call*. *transaction_id*: of the session that a StartTransaction begins."""
    payload, info = call.payload, "idTagInfo" if call.version == "1.6" else "idTokenInfo"
    new = {info: {"status": ACCEPTED if terms.takes_sessions else BLOCKED}}
    answer: dict[str, Any] = {}
    match call.action:
        case "BootNotification":
            answer = {"currentTime": _iso(at_ms), "interval": terms.interval_s, "status": ACCEPTED}
        case "Heartbeat":
            answer = {"currentTime": _iso(at_ms)}
        case "Authorize":
            answer = new
        case "StartTransaction":
            answer = {"transactionId": transaction_id, **new}
        case "StopTransaction" if "idTag" in payload:
            answer = {info: {"status": ACCEPTED}}
        case "TransactionEvent" if "idToken" in payload:
            answer = new if payload["eventType"] == "Started" else {info: {"status": ACCEPTED}}
        case "DataTransfer":  # no vendor's messages are read
            answer = {"status": "UnknownVendorId"}
    return answer


def _iso(at_ms: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
