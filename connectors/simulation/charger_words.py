"""Calls of a charger with one connector, in the words of OCPP 1.6 and 2.0.1: action and payload. Pure.

A payload of 1.6 that belongs to a session has no ``transactionId`` yet: it is put in when it is sent, as it came.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from connectors.formats.ocpp_calls import Version

Words = tuple[str, dict[str, Any]]
EVSE = {"id": 1, "connectorId": 1}
REGISTER = "Energy.Active.Import.Register"
State = Literal["Available", "Charging", "SuspendedEVSE", "Unavailable", "Faulted"]
CONTEXTS = {"Started": "Transaction.Begin", "Updated": "Sample.Periodic", "Ended": "Transaction.End"}
TRIGGERS = {"Started": "Authorized", "Updated": "MeterValuePeriodic", "Ended": "StopAuthorized"}
_STOPPED = {"DeAuthorized": "Deauthorized", "Other": "AbnormalCondition"}
"""Reason of an end → what triggered it, where it was not the driver."""


def iso(at_ms: int) -> str:
    """*at_ms* as both versions write it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boot(version: Version) -> Words:
    if version == "1.6":
        return "BootNotification", {"chargePointVendor": "Bongsu", "chargePointModel": "Simulated"}
    station = {"vendorName": "Bongsu", "model": "Simulated"}
    return "BootNotification", {"reason": "PowerUp", "chargingStation": station}


def status(version: Version, state: State, at_ms: int, *, connector: int = 1) -> Words:
    """The state of a connector; 0 of 1.6 is the charger itself."""
    if version == "1.6":
        error = "GroundFailure" if state == "Faulted" else "NoError"
        said = {"connectorId": connector, "status": state, "errorCode": error, "timestamp": iso(at_ms)}
        return "StatusNotification", said
    word = "Occupied" if state in ("Charging", "SuspendedEVSE") else state
    return "StatusNotification", {
        "timestamp": iso(at_ms),
        "connectorStatus": word,
        "evseId": EVSE["id"],
        "connectorId": connector,
    }


def start_16(at_ms: int, register_wh: Decimal, card: str) -> Words:
    said = {"connectorId": 1, "idTag": card, "meterStart": int(register_wh), "timestamp": iso(at_ms)}
    return "StartTransaction", said


def reading_16(at_ms: int, register_wh: Decimal, power_w: int) -> Words:
    common = {"context": "Sample.Periodic", "location": "Outlet"}
    samples = [
        {"value": str(register_wh), "measurand": REGISTER, "unit": "Wh", **common},
        {"value": str(power_w), "measurand": "Power.Active.Import", "unit": "W", **common},
    ]
    value = {"timestamp": iso(at_ms), "sampledValue": samples}
    return "MeterValues", {"connectorId": 1, "meterValue": [value]}


def stop_16(at_ms: int, register_wh: Decimal, reason: str) -> Words:
    said = {"meterStop": int(register_wh), "timestamp": iso(at_ms), "reason": reason}
    return "StopTransaction", said


def transaction_event(
    kind: str,
    at_ms: int,
    register_wh: Decimal,
    *,
    power_w: int,
    transaction_id: str,
    seq_no: int,
    is_offline: bool,
    card: str | None = None,
    reason: str | None = None,
) -> Words:
    """A TransactionEvent of 2.0.1 with what the meter shows. *card*: told with the start. *reason*: of an end."""
    context = CONTEXTS[kind]
    samples = [
        {"value": register_wh, "context": context, "measurand": REGISTER, "unitOfMeasure": {"unit": "Wh"}},
        {
            "value": power_w,
            "context": context,
            "measurand": "Power.Active.Import",
            "unitOfMeasure": {"unit": "W"},
        },
    ]
    is_suspended = kind == "Updated" and not power_w
    info: dict[str, Any] = {"transactionId": transaction_id}
    info["chargingState"] = "SuspendedEVSE" if is_suspended else "Idle" if kind == "Ended" else "Charging"
    if reason is not None:
        info["stoppedReason"] = reason
    payload = {
        "eventType": kind,
        "timestamp": iso(at_ms),
        "triggerReason": _STOPPED.get(reason or "", TRIGGERS[kind]),
        "seqNo": seq_no,
        "offline": is_offline,
        "transactionInfo": info,
        "evse": EVSE,
        "meterValue": [{"timestamp": iso(at_ms), "sampledValue": samples}],
    }
    if card is not None:
        payload["idToken"] = {"idToken": card, "type": "ISO14443"}
    return "TransactionEvent", payload
